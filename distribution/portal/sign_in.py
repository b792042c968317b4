"""Signing in with a link in an email, choosing a buyer, signing out."""

from http import HTTPStatus
from typing import Final
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from distribution.buyers.portal_links import LINK_MINUTES, TooManyLinks, is_open, request_link, use_link
from distribution.buyers.portal_sessions import (
    choose_buyer,
    end_all_sessions,
    end_session,
    list_users,
    start_session,
)
from distribution.portal.cookies import COOKIE, delete_cookie, set_cookie
from distribution.portal.mails import can_mail
from distribution.portal.pages import OpenPage, SessionPage
from routing.values.networks import find_network
from routing.values.normalize import FieldError, normalize_email

WRONG_ADDRESS: Final = "Enter your email address, like name@example.com."
MAX_ADDRESS: Final = 320


class AddressForm(forms.Form):
    email = forms.CharField(
        label="Email address",
        max_length=MAX_ADDRESS,
        error_messages={"required": WRONG_ADDRESS, "max_length": WRONG_ADDRESS},
        widget=forms.EmailInput(
            attrs={"autocomplete": "email", "inputmode": "email", "autocapitalize": "none"}
        ),
    )

    def clean_email(self) -> str:
        try:
            email = normalize_email(self.cleaned_data["email"])
        except FieldError:
            email = None
        if email is None:
            raise forms.ValidationError(WRONG_ADDRESS)
        return email


class SignInPage(OpenPage):
    """The answer is the same for every address, known or not."""

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        return self._ask(AddressForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AddressForm(request.POST)
        if not can_mail() or not form.is_valid():
            return self._ask(form, status=HTTPStatus.BAD_REQUEST)
        try:
            network = find_network(request.META.get("REMOTE_ADDR", ""))
            request_link(form.cleaned_data["email"], network=network, at=self.at)
        except TooManyLinks as refusal:
            context = {"wait_minutes": refusal.wait_minutes}
            response = self.show("too_many_links", context, status=HTTPStatus.TOO_MANY_REQUESTS)
            response.headers["Retry-After"] = str(60 * refusal.wait_minutes)
            return response
        return HttpResponseRedirect(reverse("portal-sent"))

    def _ask(self, form: AddressForm, *, status: int = HTTPStatus.OK) -> HttpResponse:
        return self.show("sign_in", {"form": form, "can_mail": can_mail()}, status=status)


class SentPage(OpenPage):
    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        return self.show("sent", {"minutes": LINK_MINUTES})


class EnterPage(OpenPage):
    """The page behind a link. It asks for a press of a button: mail scanners open every link, but press none."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        if not is_open(token, at=self.at):
            return self._refuse()
        return self.show("enter", {})

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        email = use_link(token, at=self.at)
        text = None if email is None else start_session(email, at=self.at)
        if text is None:
            return self._refuse()
        end_session(request.COOKIES.get(COOKIE, ""))
        response = HttpResponseRedirect(reverse("portal-home"))
        set_cookie(response, text)
        return response

    def _refuse(self) -> HttpResponse:
        return self.show("bad_link", {"minutes": LINK_MINUTES}, status=HTTPStatus.NOT_FOUND)


class ChoosePage(SessionPage):
    """An address may belong to several buyers, even of different agencies."""

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        users = list_users(self.session.email)
        return self.show("choose", {"users": users, "current": self.session.user})

    def post(self, request: HttpRequest) -> HttpResponse:
        if not choose_buyer(self.session, _read_id(request.POST.get("user", "")), at=self.at):
            raise Http404
        return HttpResponseRedirect(reverse("portal-home"))


def _read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


class SignOutPage(SessionPage):
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        end_session(request.COOKIES.get(COOKIE, ""))
        return _leave("signed-out")


class SignOutEverywherePage(SessionPage):
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        end_all_sessions(self.session)
        return _leave("signed-out-everywhere")


def _leave(done: str) -> HttpResponse:
    response = HttpResponseRedirect(f"{reverse('portal-sign-in')}?done={done}")
    delete_cookie(response)
    return response
