"""Who hears of events, by webhook or email."""

from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from distribution.admin.endpoint import CHANGE_PERMISSION, EndpointAdmin, EndpointForm
from distribution.admin.sending_tests import LIVE_ADDRESS
from distribution.deliveries.payloads.catalog import Audience, kinds_for
from distribution.deliveries.sample import send_test_event
from distribution.deliveries.tried import Tried
from distribution.models import Endpoint, EventKind, Method, Subscription
from tracing.admin.audited import REASON

KIND: Final = "kind"
METHODS: Final = ((Method.WEBHOOK, "signed webhook"), (Method.EMAIL, "email: one message for each event"))
HELP: Final = {
    "method": "How each event is sent. The fields below depend on it.",
    "url": "The https address that gets the events. It must be a public address.",
    "email_to": "The address of one person, who can unsubscribe with a link in each email.",
}
TITLES: Final = {"buyer": "a buyer", "source": "a source", "workspace": "a workspace"}


def find_audience(values: Any) -> Audience:
    """By the owner that was chosen."""
    return "buyer" if values.get("buyer") else "source" if values.get("source") else "workspace"


def choose_kind(request: HttpRequest, subscription: Endpoint) -> str:
    """Only what the subscriber has chosen, and so may have."""
    asked = request.POST.get(KIND, "")
    return asked if asked in subscription.events else subscription.events[0]


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
    readonly_fields = ("standing", "succeeded", "failing", "public_id", "created_at")
    fieldsets = (
        (None, {"fields": ("workspace", "buyer", "source", "name", "method", "active", "standing")}),
        ("Address", {"fields": ("url", "email_to")}),
        ("Events", {"fields": ("events",)}),
        ("Limits", {"fields": ("timeout_seconds", "max_in_flight")}),
        (None, {"fields": ("succeeded", "failing", "public_id", "created_at", REASON)}),
    )

    test_button = "Send a test event"
    test_line = "An invented event, marked as a test, is sent now. Nothing happened, and nothing is stored."
    test_place = "It arrives where the subscriber's events arrive."

    def send_test(self, request: HttpRequest, endpoint: Endpoint, *, at: datetime) -> Tried:
        kind = choose_kind(request, endpoint)
        confirmed = request.POST.get(LIVE_ADDRESS, "")
        return send_test_event(endpoint, kind=kind, at=at, confirmed_address=confirmed)

    def describe_choice(self, request: HttpRequest, endpoint: Endpoint) -> dict[str, Any]:
        return {"kinds": endpoint.events, "kind": choose_kind(request, endpoint)}

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
                help_text="A buyer and a source can have only those that concern them: docs/events.md.",
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
