"""Where buyers get their leads."""

import json
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Max, QuerySet
from django.forms import Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.admin.delivery_links import DeliveryLinksAdmin
from distribution.admin.endpoint_typed import HEADERS, EndpointChecks
from distribution.admin.sending_tests import TEST, TestPageAdmin
from distribution.deliveries.checking import count_open_posts, find_problems
from distribution.deliveries.enabling import EnablingRefused, disable_by_hand, enable_by_hand
from distribution.deliveries.mail_settings import VARIABLES, find_missing_setting
from distribution.deliveries.secrets import make_secret
from distribution.models import ANSWERING, METHOD_FIELDS, DisabledReason, Endpoint, Method, Purpose
from routing.admin.configuration import GuardedJSONField
from tracing.admin.audited import REASON, ReasonedForm
from tracing.admin.columns import time_column
from tracing.admin.confirming import ReasonForm, preserve_list_filters
from tracing.wording import count, moment

CHANGE_PERMISSION: Final = "distribution.change_endpoint"
LIVE_ADDRESS: Final = "live_address"
ONCE: Final = "The secret of {name} is: {text}. {advice}: you will not be able to see it again."
METHOD_NAMES: Final = {
    Method.WEBHOOK: "signed webhook",
    Method.HTTP: "custom HTTP",
    Method.EMAIL: "email",
    Method.CSV: "daily CSV",
}
ASKED: Final = (
    "{leads} for an answer of this endpoint, and this method gives none. Wait until they have ended, or decide them"
    " under Deliveries. To send leads by email too, add another endpoint."
)
TEMPLATE_HELP: Final = (
    'What is sent: names in the buyer\'s system, and fields of the lead, e.g. {"FirstName": "{first_name}"}.'
    " docs/deliveries.md lists the fields. Empty: all of them. Stored encrypted."
)
# What each button does, in a sentence, before it is pressed.
BUTTONS: Final = {
    "secret": ("New secret", "A new secret signs first. The present one signs as well for 24 hours."),
    "disable": ("Disable", "It gets no new messages. Those that wait are sent once it is enabled again."),
    "enable": ("Enable", "It gets new messages again, and those that waited are sent now."),
}


def of_method(method: str) -> frozenset[str]:
    """The fields of the form that a method uses."""
    fields = METHOD_FIELDS.get(method, ())
    return frozenset(HEADERS if name == "headers" else name for name in fields)


OF_SOME_METHOD: Final = frozenset[str]().union(*map(of_method, METHOD_FIELDS))


class EndpointForm(ReasonedForm):
    """Headers are secrets: the page never shows them, and a typed text replaces all of them."""

    new_headers = GuardedJSONField(
        label="Headers",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 100, "class": "admin-json"}),
        help_text='Headers of each request, e.g. {"Authorization": "Bearer ..."}. Stored encrypted and never shown.'
        " Empty: they stay. {}: none.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "method" in self.fields:
            names = {method: sorted(of_method(method)) for method in METHOD_FIELDS}
            self.fields["method"].widget.attrs["data-method-fields"] = json.dumps(names)

    def add_error(self, field: str | None, error: Any) -> None:
        """A value that was refused is not missing too: the model would say that the method needs it."""
        if field is None and hasattr(error, "error_dict"):
            error = ValidationError(
                {name: found for name, found in error.error_dict.items() if name not in self.errors}
            )
        super().add_error(field, error)

    def clean(self) -> dict[str, Any]:
        """Reset what the method does not use, so that a row says nothing that has no effect."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        method = cleaned.get("method", self.instance.method)
        for name in OF_SOME_METHOD - of_method(method) - {HEADERS}:
            if name in self.fields:
                cleaned[name] = self.instance._meta.get_field(name).get_default()
                self.errors.pop(name, None)
        self._check_answers(method)
        if "method" not in self.errors:
            given = {"method": method, "purpose": self.instance.purpose, "headers": cleaned.get(HEADERS)}
            self._check_settings({**self._list_defaults(), **cleaned, **given})
        return cleaned

    def _list_defaults(self) -> dict[str, Any]:
        """For fields with an error, so that the others are checked beside them."""
        columns = {field.name: field for field in self.instance._meta.concrete_fields}
        return {name: columns[name].get_default() for name in self.errors if name in columns}

    def _check_answers(self, method: str) -> None:
        """A trigger refuses it as well."""
        if self.instance.pk is None or method in ANSWERING or "method" in self.errors:
            return
        asked = count_open_posts(self.instance.pk)
        if asked:
            self.add_error("method", ASKED.format(leads=count(asked, "lead waits", "leads wait")))

    def _check_settings(self, values: dict[str, Any]) -> None:
        """The same as every try checks: an address that is refused, a template or a path that cannot be read."""
        wrong = set(self.errors)
        for problem in find_problems(values):
            name = HEADERS if problem.field == "headers" else problem.field
            if name not in wrong:
                self.add_error(name if name in self.fields else None, problem.message)


@admin.register(Endpoint)
class EndpointAdmin(DeliveryLinksAdmin, EndpointChecks, TestPageAdmin):
    form = EndpointForm
    change_list_template = "admin/distribution/endpoint/change_list.html"
    workspace_path = "workspace"
    owner_fields: ClassVar[tuple[str, ...]] = ("buyer",)
    list_display: Any = (
        "name",
        "buyer",
        "short_method",
        "campaign",
        "standing",
        "succeeded",
        "failing",
    )
    list_filter: ClassVar[Any] = ("method", "active", "disabled_reason", "workspace")
    list_select_related: ClassVar[Any] = ("buyer__workspace", "campaign")
    search_fields: ClassVar[Any] = ("name", "buyer__name")
    empty_list_text = "Add an endpoint for each system or inbox of a buyer that gets leads."
    once_advice: ClassVar[str] = "Give it to the buyer now"
    instead_of_deleting = "Uncheck Active on its page instead. Its deliveries are kept."
    ordering = ("buyer__name", "name")
    autocomplete_fields: ClassVar[Any] = ("buyer", "campaign")
    readonly_fields: ClassVar[Any] = (
        "standing",
        "header_names",
        "succeeded",
        "failing",
        "public_id",
        "created_at",
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("buyer", "campaign", "name", "method", "active", "standing")}),
        ("Address", {"fields": ("url", "test_url", "email_to", "http_method")}),
        (
            "Message",
            {"fields": ("body_format", "email_format", "daily_at", "template", "header_names", HEADERS)},
        ),
        (
            "Answer",
            {"fields": ("accept_term", "accept_path", "reason_path", "price_path", "answer_format")},
        ),
        ("Limits", {"fields": ("timeout_seconds", "max_in_flight")}),
        (None, {"fields": ("succeeded", "failing", "public_id", "created_at", REASON)}),
    )
    change_form_template = "admin/leadswitch/change_form.html"
    succeeded = time_column("last_success_at", label="last success")
    failing = time_column("failing_since", label="failing since")

    class Media:
        js = [Script("leadswitch/endpoint.js", defer=True)]

    @admin.display(description="method", ordering="method")
    def short_method(self, endpoint: Endpoint) -> str:
        return METHOD_NAMES[Method(endpoint.method)]

    @admin.display(description="state")
    def standing(self, endpoint: Endpoint) -> str:
        if endpoint.disabled_at is not None:
            why = DisabledReason(endpoint.disabled_reason).label
            return f"disabled on {moment(endpoint.disabled_at)}: {why}"
        if not endpoint.active:
            return "not active"
        missing = find_missing_setting(endpoint)
        return f"sends nothing: set {VARIABLES[missing]} (docs/deliveries.md)" if missing else "live"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "template":
            field.help_text = TEMPLATE_HELP
        return field

    @admin.display(description="stored headers")
    def header_names(self, endpoint: Endpoint) -> str:
        return ", ".join(sorted(endpoint.headers)) or "none"

    @property
    def _pages(self) -> str:
        """The names of this table's pages begin with it."""
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def of_purpose(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Subscriptions and ping endpoints have pages of their own."""
        return rows.filter(events=[], purpose=Purpose.DELIVERY)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.of_purpose(self.list_visible(request))

    def list_visible(self, request: HttpRequest) -> QuerySet[Any]:
        """Those that get leads and those that get events. Lists decrypt nothing."""
        return super().get_queryset(request).defer("headers", "template")

    def write_model(self, request: HttpRequest, obj: Any, *, form: Any, change: bool) -> None:
        """The headers are in no field of the form."""
        typed = form.cleaned_data.get(HEADERS)
        if obj.method != Method.HTTP:
            obj.headers = {}
        elif typed is not None:
            obj.headers = typed
        if obj.buyer is not None:
            obj.workspace = obj.buyer.workspace
        super().write_model(request, obj, form=form, change=change)
        if not change:
            return
        is_other_method = "method" in form.changed_data
        reset = OF_SOME_METHOD - of_method(obj.method) - {HEADERS} if is_other_method else frozenset()
        if reset or typed is not None:
            obj.save(update_fields=sorted({*reset, "headers"}))

    def list_plain_changes(self, form: Any) -> list[str]:
        """The audit log says that headers changed, without their values."""
        return ["headers" if name == HEADERS else name for name in super().list_plain_changes(form)]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        if obj.method == Method.WEBHOOK and not obj.secrets.exists():
            self._show_secret(request, obj)

    def _show_secret(self, request: HttpRequest, endpoint: Endpoint, *, reason: str = "") -> None:
        text = make_secret(endpoint, at=timezone.now(), actor=request.user.get_username(), reason=reason)
        messages.warning(request, ONCE.format(name=endpoint.name, text=text, advice=self.once_advice))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act)
        return [
            path("<path:object_id>/act/<slug:name>/", view, name=f"{self._pages}_act"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        endpoint = self.get_object(request, object_id)
        buttons = []
        if endpoint is not None and request.user.has_perm(CHANGE_PERMISSION):
            for name in list_buttons(endpoint):
                url = reverse(f"admin:{self._pages}_act", args=[endpoint.pk, name])
                title = self.test_button if name == TEST else BUTTONS[name][0]
                buttons.append({"title": title, "url": preserve_list_filters(self, request, url)})
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "action_buttons": buttons}
        )

    def act(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        self.require(CHANGE_PERMISSION, request=request)
        endpoint = self.get_object(request, object_id)
        if endpoint is None or name not in (*BUTTONS, TEST):
            raise Http404
        if name == TEST:
            return self.show_test(request, endpoint)
        title, line = BUTTONS[name]
        form = ReasonForm(request.POST or None, state=_describe_seen(endpoint, name))
        back = preserve_list_filters(
            self, request, reverse(f"admin:{self._pages}_change", args=[endpoint.pk])
        )
        if request.method == "POST" and form.is_valid() and self._do(request, endpoint, name, form):
            return HttpResponseRedirect(back)
        is_possible = name in list_buttons(endpoint) or bool(form.errors)
        lines = [line if is_possible else f"It is {self.standing(endpoint)}. Nothing to do."]
        context = {"lines": lines, "button": title, "is_possible": is_possible, "back": back}
        return self.confirm(request, title=f"{title}: {endpoint}", form=form, context=context)

    def _do(self, request: HttpRequest, endpoint: Endpoint, name: str, form: ReasonForm) -> bool:
        """Returns False when it was refused; the form says why."""
        reason, actor = form.cleaned_data["reason"], request.user.get_username()
        if name == "secret":
            self._show_secret(request, endpoint, reason=reason)
            return True
        try:
            if name == "disable":
                disable_by_hand(endpoint, at=timezone.now(), actor=actor, reason=reason)
            else:
                enable_by_hand(endpoint, actor=actor, reason=reason)
        except EnablingRefused as refusal:
            form.add_error(None, f"Nothing was changed: {refusal}.")
            return False
        self.message_user(request, f"{endpoint} was {name}d.", messages.SUCCESS)
        return True


def _describe_seen(endpoint: Endpoint, name: str) -> str:
    """Of two clicks, one makes a new secret."""
    return str(endpoint.secrets.aggregate(newest=Max("pk"))["newest"]) if name == "secret" else ""


def list_buttons(endpoint: Endpoint) -> list[str]:
    secret = ["secret"] if endpoint.method == Method.WEBHOOK else []
    return [TEST, *secret, "disable" if endpoint.disabled_at is None else "enable"]
