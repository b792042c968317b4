"""Accounts at carriers, over which verification calls are placed. Their secrets are written and never shown."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.admin.switches import Switch, SwitchesAdmin
from distribution.calls.carrier import Problem
from distribution.calls.connection_checks import check_connection
from distribution.calls.freeing import WARNING, FreeRefused, find_refusal, free_calls, list_freeable
from distribution.calls.stopping import REPEATED_ID
from distribution.calls.switching import (
    BY_HAND,
    SwitchRefused,
    forget_previous_token,
    replace_token,
    start_by_hand,
    stop_by_hand,
)
from distribution.deliveries.client import get_client
from distribution.deliveries.outbound import RefusedURL
from distribution.models import CarrierAccount
from routing.admin.configuration import ConfigurationAdmin
from tracing.admin.audited import REASON, ReasonedForm
from tracing.admin.columns import badge
from tracing.admin.confirming import ReasonForm, preserve_list_filters
from tracing.admin.fresh import SeenForm
from tracing.call_problems import describe_clause
from tracing.wording import count, moment

CHANGE: Final = "distribution.change_carrieraccount"
SECRETS: Final = ("auth_token", "previous_token", "signing_key")
KEY: Final = "new_signing_key"
MAX_SECRET: Final = 200
ENABLED_TWICE: Final = (
    "This account of the carrier is enabled in LeadSwitch already, perhaps for another workspace. Its lines and its "
    "pace would be used twice. Give each workspace a subaccount of its own at the carrier, or disable the other one."
)
TRY: Final = "Test the connection"
TRY_LINE: Final = "The carrier is asked for this account. No call is placed, and nothing is changed."
WHY_STOPPED: Final[Mapping[str, str]] = {
    BY_HAND: "by an operator",
    REPEATED_ID: "the carrier gave several calls the same id",
    **{
        code: describe_clause(code)
        for code in (
            *(Problem.ACCOUNT_REFUSED, Problem.ACCOUNT_LIMITED),
            *(Problem.QUEUE_FULL, Problem.BAD_SETTINGS),
        )
    },
}


def _secret_field(label: str, help_text: str, *, required: bool) -> forms.CharField:
    """Never filled in, not even after an error."""
    widget = forms.PasswordInput(attrs={"autocomplete": "off", "size": 60})
    return forms.CharField(
        label=label, required=required, max_length=MAX_SECRET, widget=widget, help_text=help_text
    )


class CarrierAccountForm(ReasonedForm):
    token = _secret_field(
        "Auth token",
        "From the carrier's console. It also signs the carrier's messages to us. Stored encrypted and never shown.",
        required=True,
    )
    new_signing_key = _secret_field(
        "Signing key",
        "Only if the carrier signs with a shared key (HMAC-SHA256). Stored encrypted and never shown. Empty: it stays.",
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields.pop("token", None)  # Replace the token has a button of its own

    def clean(self) -> dict[str, Any] | None:
        """Lines and pace are counted for each account here, so an account of the carrier is enabled once."""
        cleaned = super().clean()
        values = {name: self._read_given(name) for name in ("api_url", "account_sid")}
        others = CarrierAccount.objects.filter(is_enabled=True, **values).exclude(pk=self.instance.pk)
        if self.cleaned_data.get("is_enabled") and others.exists():
            self.add_error(None, ENABLED_TWICE)
        return cleaned

    def _read_given(self, name: str) -> Any:
        return self.cleaned_data.get(name, getattr(self.instance, name))

    def clean_api_url(self) -> str:
        """Every request checks the address again. A stored one cannot change, and does not keep the rest from it."""
        url: str = self.cleaned_data["api_url"].rstrip("/")
        if self.instance.pk is not None and "api_url" not in self.changed_data:
            return url
        try:
            get_client().check_url(url)
        except RefusedURL as refused:
            raise ValidationError(str(refused)) from None
        if url.count("/") > 2 or "?" in url:
            raise ValidationError("Enter the address without a path, e.g. https://api.twilio.com.")
        return url


class TokenForm(ReasonForm):
    field_order = ("token", "reason")
    token = _secret_field(
        "New token", "From the carrier's console. Stored encrypted and never shown.", required=True
    )


def _replace(account: CarrierAccount, form: ReasonForm, actor: str) -> str:
    replace_token(
        account.pk, token=form.cleaned_data["token"], actor=actor, reason=form.cleaned_data["reason"]
    )
    return f"{account} uses the new token. Messages signed with the previous one are still accepted."


def _forget(account: CarrierAccount, form: ReasonForm, actor: str) -> str:
    forget_previous_token(account.pk, actor=actor, reason=form.cleaned_data["reason"])
    return f"{account}: the previous token is forgotten."


def _stop(account: CarrierAccount, form: ReasonForm, actor: str) -> str:
    stop_by_hand(account.pk, at=timezone.now(), actor=actor, reason=form.cleaned_data["reason"])
    return f"{account} is stopped."


def _start(account: CarrierAccount, form: ReasonForm, actor: str) -> str:
    start_by_hand(account.pk, actor=actor, reason=form.cleaned_data["reason"])
    return f"{account} is started. Leads that are due are called as soon as a line is free."


def _free(account: CarrierAccount, form: ReasonForm, actor: str) -> str:
    freed = free_calls(account.pk, at=timezone.now(), actor=actor, reason=form.cleaned_data["reason"])
    return f"{account}: {count(freed, 'call')} ended. Their lines, leads and phones are free."


def _describe_freeable(account: CarrierAccount) -> list[str]:
    freeable = list_freeable(account.pk, at=timezone.now())
    return [f"{count(len(freeable), 'call')} of it lasted far too long.", WARNING]


SWITCHES: Final = {
    "stop": Switch(
        "Stop",
        "No call is placed over this account until you start it again. Calls that are out go on, and leads wait.",
        CHANGE,
        _stop,
        lambda row: "" if row.stopped_at is None else "it is stopped already",
        errors=(SwitchRefused,),
    ),
    "start": Switch(
        "Start",
        "Calls are placed over this account again. Test the connection first: with a wrong token it stops again.",
        CHANGE,
        _start,
        lambda row: "it is not stopped" if row.stopped_at is None else "",
        errors=(SwitchRefused,),
    ),
    "free": Switch(
        "End calls without the carrier",
        "The carrier will never say that the calls of this account have ended. Those that have lasted far too long end "
        "as failed, and their lines, leads and phones are free.",
        CHANGE,
        _free,
        lambda row: find_refusal(row, at=timezone.now()),
        errors=(FreeRefused,),
        describe=_describe_freeable,
    ),
    "token": Switch(
        "Replace the token",
        "Requests use the new token from now on. The carrier's messages are accepted with both tokens, until you "
        "forget the previous one. Create the new token at the carrier first.",
        CHANGE,
        _replace,
        lambda _row: "",
        errors=(SwitchRefused,),
        form=TokenForm,
    ),
    "forget": Switch(
        "Forget the previous token",
        "Messages signed with the previous token are refused from now on. Let the carrier sign with the new one first.",
        CHANGE,
        _forget,
        lambda row: "" if row.previous_token else "there is no previous token",
        errors=(SwitchRefused,),
    ),
}


@admin.register(CarrierAccount)
class CarrierAccountAdmin(SwitchesAdmin, ConfigurationAdmin):
    form = CarrierAccountForm
    switches = SWITCHES
    workspace_path = "workspace"
    owner_fields = ("workspace", "api_url", "account_sid")
    list_display = ("name", "workspace", "short_state", "calls_per_second", "is_enabled")
    list_filter = ("is_enabled", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("name", "account_sid")
    ordering = ("workspace__name", "name")
    autocomplete_fields = ("workspace",)
    empty_list_text = (
        "Add the account at a carrier with the API of Twilio, then add its numbers under Channels."
    )
    instead_of_deleting = "Uncheck Enabled on its page instead. Its channels and calls are kept."
    readonly_fields = ("standing", "stored_key", "public_id", "created_at")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("workspace", "name", "is_enabled", "standing")}),
        ("Carrier", {"fields": ("api_url", "account_sid", "token", "stored_key", KEY, "calls_per_second")}),
        (None, {"fields": ("public_id", "created_at", REASON)}),
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "api_url":
            kwargs |= {"assume_scheme": "https", "widget": forms.URLInput(attrs={"size": 60})}
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lists decrypt nothing."""
        return super().get_queryset(request).defer(*SECRETS)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The token of an account that exists has a button of its own."""
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        return [
            (name, {**options, "fields": [each for each in options["fields"] if each != "token"]})
            for name, options in found
        ]

    # That it works is known only from *Test the connection* and from calls, and neither is stored with it.
    @admin.display(description="state")
    def short_state(self, account: CarrierAccount) -> Any:
        """Lists have no room for the reason: the page of the account gives it."""
        if account.stopped_at is not None:
            return badge("stopped", code="failed")
        return "enabled" if account.is_enabled else "not enabled"

    @admin.display(description="state")
    def standing(self, account: CarrierAccount) -> Any:
        if account.stopped_at is not None:
            why = WHY_STOPPED.get(account.stop_code, account.stop_code)
            return badge(f"stopped on {moment(account.stopped_at)}: {why}", code="failed")
        return "enabled" if account.is_enabled else "not enabled"

    @admin.display(description="stored signing key")
    def stored_key(self, account: CarrierAccount) -> str:
        return "one is stored" if account.signing_key else "none"

    def write_model(self, request: HttpRequest, obj: Any, *, form: Any, change: bool) -> None:
        """The secrets are in no field of the model's form."""
        typed = {"auth_token": form.cleaned_data.get("token"), "signing_key": form.cleaned_data.get(KEY)}
        given = {name: text for name, text in typed.items() if text}
        for name, text in given.items():
            setattr(obj, name, text)
        super().write_model(request, obj, form=form, change=change)
        if change and given:
            obj.save(update_fields=sorted(given))

    def list_plain_changes(self, form: Any) -> list[str]:
        """The audit log says that a secret changed, without its value."""
        return ["signing_key" if name == KEY else name for name in super().list_plain_changes(form)]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_connection)
        return [
            path("<path:object_id>/try/", view, name="distribution_carrieraccount_try"),
            *super().get_urls(),
        ]

    def list_buttons(self, request: HttpRequest, row: Any) -> list[dict[str, str]]:
        if not request.user.has_perm(CHANGE):
            return []
        url = reverse("admin:distribution_carrieraccount_try", args=[row.pk])
        first = {"title": TRY, "url": preserve_list_filters(self, request, url)}
        return [first, *super().list_buttons(request, row)]

    def try_connection(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The carrier is asked outside a transaction."""
        self.require(CHANGE, request=request)
        account = self.get_object(request, object_id)
        if account is None:
            raise Http404
        page = reverse("admin:distribution_carrieraccount_change", args=[account.pk])
        back = preserve_list_filters(self, request, page)
        if request.method == "POST":
            check = check_connection(account)
            level = messages.SUCCESS if check.works else messages.ERROR
            self.message_user(request, f"{account}: {check.sentence}", level)
            return HttpResponseRedirect(back)
        context = {"lines": [TRY_LINE], "button": TRY, "is_possible": True, "back": back}
        return self.confirm(request, title=f"{TRY}: {account}", form=SeenForm(None), context=context)
