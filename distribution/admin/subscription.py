"""Who hears of events, by webhook or email."""

from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from distribution.admin.endpoint import CHANGE_PERMISSION, EndpointAdmin, EndpointForm
from distribution.admin.low_wallets import describe_limits, link_wallets
from distribution.admin.sending_tests import LIVE_ADDRESS, ChoiceRefused
from distribution.deliveries.payloads.catalog import Audience, kinds_for
from distribution.deliveries.sample import send_test_event
from distribution.deliveries.tried import Tried
from distribution.deliveries.unsubscribing import UNSUBSCRIBED_ACTION
from distribution.models import Endpoint, EventKind, Method, Subscription
from tracing import audit
from tracing.admin.audited import REASON
from tracing.wording import moment

KIND: Final = "kind"
SEARCHED: Final = 50  # entries of the audit log
UNSUBSCRIBED: Final = "On {at}, with the link in an email. Check Active again only if the person asks for it."
CHOOSE_KIND: Final = "Choose one of the events of this subscription."
METHODS: Final = ((Method.WEBHOOK, "signed webhook"), (Method.EMAIL, "email: one message for each event"))
HELP: Final = {
    "name": "E.g. Accounting, or CRM events. A buyer's endpoints and subscriptions have different names.",
    "method": "How each event is sent. The fields below depend on it.",
    "url": "The https address that gets the events. It must be a public address.",
    "email_to": "The address of one person, who can unsubscribe with a link in each email.",
}
TITLES: Final = {"buyer": "a buyer", "source": "a source", "workspace": "a workspace"}


def find_audience(values: Any) -> Audience:
    """By the owner that was chosen."""
    return "buyer" if values.get("buyer") else "source" if values.get("source") else "workspace"


def chosen_kind(request: HttpRequest, subscription: Endpoint) -> str:
    """Only what the subscriber has chosen, and so may have. Blank: none of these was chosen."""
    asked = request.POST.get(KIND, "")
    return asked if asked in subscription.events else ""


def hears_of_wallets(subscription: Subscription) -> bool:
    return EventKind.WALLET_LOW.value in subscription.events


def find_unsubscribed_at(subscription: Subscription) -> datetime | None:
    """When the person of an email last used the link in it; None while the subscription is on."""
    if subscription.active:
        return None
    entries = audit.read_entries(subscription, limit=SEARCHED)
    return next((entry.at for entry in entries if entry.action == UNSUBSCRIBED_ACTION), None)


def list_silent(subscription: Subscription | None) -> set[str]:
    """The rows of the page that say nothing about this subscription, or about one that is being added."""
    is_off = subscription is not None and find_unsubscribed_at(subscription) is not None
    hears = subscription is not None and hears_of_wallets(subscription)
    return {name for name, is_shown in (("unsubscribed", is_off), ("low_limits", hears)) if not is_shown}


class SubscriptionForm(EndpointForm):
    """The owner is a buyer, a source, or, without both, the workspace itself."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self._fill_owner(cleaned)
        self._check_events(cleaned)
        if "," in cleaned.get("email_to", ""):
            text = (
                "Enter one address: each person can unsubscribe. Add a subscription for each of the others."
            )
            self.add_error("email_to", text)
        return cleaned

    def _fill_owner(self, cleaned: dict[str, Any]) -> None:
        if self.instance.pk is not None:
            return
        buyer, source, workspace = (cleaned.get(name) for name in ("buyer", "source", "workspace"))
        if buyer and source:
            self.add_error("source", "Choose a buyer or a source, not both.")
        owner = buyer or source
        if owner is None or workspace is None:
            return
        if owner.workspace_id != workspace.pk:
            name = "buyer" if buyer else "source"
            self.add_error("workspace", f"The {name} belongs to another workspace.")

    def _check_events(self, cleaned: dict[str, Any]) -> None:
        is_saved = self.instance.pk is not None
        owner = {name: getattr(self.instance, f"{name}_id") for name in ("buyer", "source")}
        audience = find_audience(owner if is_saved else cleaned)
        unknown = [kind for kind in cleaned.get("events", ()) if kind not in kinds_for(audience)]
        if unknown:
            text = f"{TITLES[audience].capitalize()} cannot subscribe to {', '.join(unknown)}. Uncheck it."
            self.add_error("events", text)


@admin.register(Subscription)
class SubscriptionAdmin(EndpointAdmin):
    form = SubscriptionForm
    describers = {}  # its form has no JSON field
    owner_fields = ("workspace", "buyer", "source")
    list_display = ("name", "whose", "short_method", "chosen", "standing", "succeeded", "failing")
    list_filter = ("method", "active", "disabled_reason", "workspace")
    list_select_related = ("workspace", "buyer__workspace", "source__workspace")
    search_fields = ("name", "buyer__name", "source__name", "workspace__name")
    empty_list_text = (
        "Nobody hears of events. Add a subscription for a program (webhook) or a person (email)."
    )
    ordering = ("workspace__name", "name")
    autocomplete_fields = ("buyer", "source")
    readonly_fields = (
        *("standing", "unsubscribed", "low_limits", "succeeded", "failing", "public_id", "created_at"),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "workspace",
                    "buyer",
                    "source",
                    "name",
                    "method",
                    "active",
                    "standing",
                    "unsubscribed",
                )
            },
        ),
        ("Address", {"fields": ("url", "email_to")}),
        ("Events", {"fields": ("events", "low_limits")}),
        ("Limits", {"fields": ("timeout_seconds", "max_in_flight")}),
        (None, {"fields": ("succeeded", "failing", "public_id", "created_at", REASON)}),
    )

    test_button = "Send a test event"
    test_line = "An invented event, marked as a test, is sent now. Nothing happened, and nothing is stored."
    test_place = "It arrives where the subscriber's events arrive."

    def send_test(self, request: HttpRequest, endpoint: Endpoint, *, at: datetime) -> Tried:
        """Raises LiveAddressNotConfirmed and ChoiceRefused."""
        kind = chosen_kind(request, endpoint)
        if not kind:
            raise ChoiceRefused(CHOOSE_KIND)
        confirmed = request.POST.get(LIVE_ADDRESS, "")
        return send_test_event(endpoint, kind=kind, at=at, confirmed_address=confirmed)

    def describe_choice(self, request: HttpRequest, endpoint: Endpoint) -> dict[str, Any]:
        return {"kinds": endpoint.events, "kind": chosen_kind(request, endpoint)}

    once_advice = "Store it in the program that gets the events now"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without rows that say nothing about this subscription."""
        silent = list_silent(obj)
        return [
            (title, {"fields": [name for name in options["fields"] if name not in silent]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def list_page_links(self, row: Any, *, request: HttpRequest) -> list[dict[str, str]]:
        wallets = link_wallets(row, request=request) if hears_of_wallets(row) else []
        return [*super().list_page_links(row, request=request), *wallets]

    @admin.display(description="unsubscribed")
    def unsubscribed(self, subscription: Subscription) -> str:
        at = find_unsubscribed_at(subscription)
        return "" if at is None else UNSUBSCRIBED.format(at=moment(at))

    @admin.display(description="notice below")
    def low_limits(self, subscription: Subscription) -> str:
        return describe_limits(subscription)

    def of_purpose(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return request.user.has_perm("distribution.view_endpoint")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("distribution.add_endpoint")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return request.user.has_perm(CHANGE_PERMISSION)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return request.user.has_perm("distribution.delete_endpoint")

    @admin.display(description="for")
    def whose(self, subscription: Subscription) -> str:
        return str(subscription.owner)

    @admin.display(description="events")
    def chosen(self, subscription: Subscription) -> str:
        return ", ".join(subscription.events)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "events":
            return forms.MultipleChoiceField(
                choices=EventKind.choices,
                widget=forms.CheckboxSelectMultiple,
                label="Events",
                help_text="A buyer and a source can have only those that concern them: docs/events.md. wallet.low needs"
                " a limit: Notice below on the page of the buyer's wallet.",
            )
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "method":
            field.choices = METHODS
        if db_field.name in HELP:
            field.help_text = HELP[db_field.name]
        if db_field.name in ("buyer", "source"):
            field.required = False
            field.help_text = f"Choose a {db_field.name} if it gets the events."
        if db_field.name == "workspace":
            field.help_text = (
                "The workspace of the buyer or source. Without both, the events are for the agency."
            )
        return field
