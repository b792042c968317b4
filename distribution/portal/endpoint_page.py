"""One endpoint: where its leads go, whether it gets any, a new secret, a test."""

from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse

from distribution.models import METHOD_FIELDS, Endpoint, Method
from distribution.portal.changes import REASON, STALE, ChangeForm, ChangePage
from distribution.portal.endpoint_words import describe_failure
from distribution.portal.wording import describe_endpoint
from distribution.selfservice.author import Author
from distribution.selfservice.change import Outcome
from distribution.selfservice.endpoints import (
    change_endpoint,
    find_endpoint,
    read_endpoint_version,
    renew_secret,
)
from distribution.selfservice.refusals import ChangeRefused, VersionMissing, VersionStale

SHOWN: Final = ("url", "test_url", "email_to")


class EndpointForm(ChangeForm):
    """Only what the method of the endpoint uses. Programs set the rest."""

    name = forms.CharField(label="Name", max_length=100)
    url = forms.CharField(label="Address (URL)", max_length=2_000, widget=forms.URLInput)
    test_url = forms.CharField(
        label="Address for tests", max_length=2_000, required=False, widget=forms.URLInput
    )
    email_to = forms.CharField(
        label="Email addresses", max_length=1_000, help_text="Put commas between several."
    )
    active = forms.BooleanField(label="Send leads here", required=False)

    def __init__(self, *args: Any, method: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(SHOWN) - set(METHOD_FIELDS[method]):
            del self.fields[name]

    def make_patch(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.fields if name != "version"}


class EndpointPage(ChangePage):
    template = "endpoint"
    endpoint: Endpoint

    def find(self, public_id: UUID) -> None:
        found = find_endpoint(public_id, buyer=self.buyer)
        if found is None:
            raise Http404
        self.endpoint = found

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        self.find(public_id)
        return self.show_form(self.make_form())

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        self.find(public_id)
        return self.save(request.POST)

    def make_form(self, data: Any = None) -> EndpointForm:
        endpoint = self.endpoint
        names = ("name", "url", "test_url", "email_to", "active")
        values = {name: getattr(endpoint, name) for name in names}
        initial = {"version": read_endpoint_version(endpoint), **values}
        return EndpointForm(data, initial=initial, method=endpoint.method)

    def read_again(self) -> None:
        self.find(self.endpoint.public_id)

    def change(self, patch: dict[str, Any], *, version: str, by: Author) -> Outcome:
        changed = change_endpoint(self.endpoint, patch=patch, by=by, if_match=version)
        return Outcome(changed.endpoint, changed.version, changed.changed)

    def describe(self) -> dict[str, Any]:
        return {
            "shown": describe_endpoint(self.endpoint),
            "failure": describe_failure(self.endpoint),
            "has_secret": self.endpoint.method == Method.WEBHOOK,
        }


class RenewSecretPage(EndpointPage):
    """The new secret is shown once. Loading the answer again makes no other one: the version is an old one then."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        self.find(public_id)
        by = Author(self.user.actor, self.at, REASON)
        try:
            renewed = renew_secret(self.endpoint, by=by, if_match=request.POST.get("version"))
        except (VersionMissing, VersionStale):
            return self._refuse(STALE, status=HTTPStatus.CONFLICT)
        except ChangeRefused as refusal:
            return self._refuse(refusal.message, status=HTTPStatus.BAD_REQUEST)
        context = {"endpoint": self.endpoint, "secret": renewed.secret}
        return self.show_page("endpoint_secret", context)

    def _refuse(self, problem: str, *, status: int) -> HttpResponse:
        self.read_again()
        context = {"form": self.make_form(), "problem": problem, **self.describe()}
        return self.show_page(self.template, context, status=status)
