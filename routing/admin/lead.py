"""Leads, as far as routing knows them: looked at, never written. Distribution registers the page with their story."""

from typing import Any, ClassVar, Final, TypeAlias

from routing.admin.filters import DayFilter, PausedFilter
from routing.identity import identify
from routing.normalise import FieldError, normalise_email, normalise_phone
from tracing.admin.filters import LeadReasonFilter
from tracing.admin.readonly import ReadOnlyAdmin, pretty_json
from tracing.parsing import parse_id, parse_text, parse_uuid

Fieldsets: TypeAlias = tuple[tuple[str | None, Any], ...]
CONTACT: Final = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "address",
    "zip",
    "city",
    "county",
    "state",
    "country",
)


def hash_typed_email(text: str) -> str | None:
    try:
        return identify(email=normalise_email(text), phone=None).email_hash
    except FieldError:
        return None


def hash_typed_phone(text: str) -> str | None:
    try:
        return identify(email=None, phone=normalise_phone(text)).phone_hash
    except FieldError:
        return None


class LeadAdmin(ReadOnlyAdmin):
    """A person is found by e-mail or phone as anyone would type them, through the identity hashes."""

    workspace_path = "workspace"
    list_display = (
        *("public_id", "status", "skip_reason", "vertical", "zip", "state", "received_at"),
        *("attempts", "next_attempt_at", "workspace", "source"),
    )
    list_filter: ClassVar[tuple[Any, ...]] = (
        "status",
        LeadReasonFilter,
        DayFilter,
        PausedFilter,
        "workspace",
    )
    empty_list_text = "Leads come in through a source: add one, make a key, and send the first lead."
    list_select_related = ("workspace", "source")
    search_help_text = "A public id, a numeric id, the sender's own id, an e-mail address or a phone number."
    exact_searches = {
        "public_id": parse_uuid,
        "pk": parse_id,
        "external_id": parse_text,
        "email_hash": hash_typed_email,
        "phone_hash": hash_typed_phone,
    }
    fieldsets: ClassVar[Fieldsets] = (
        (
            None,
            {
                "fields": (
                    *("public_id", "external_id", "workspace", "source_workspace", "source", "vertical"),
                    *(
                        "status",
                        "paused_at",
                        "skip_reason",
                        "cancel_reason",
                        "attempts",
                        "next_attempt_at",
                        "due_reason",
                    ),
                    *("received_at", "expires_at", "finished_at"),
                )
            },
        ),
        ("The person", {"fields": (*CONTACT, "pretty_attributes", "pretty_consent")}),
    )
    readonly_fields: ClassVar[tuple[str, ...]] = ("pretty_attributes", "pretty_consent")
    pretty_attributes = pretty_json("attributes")
    pretty_consent = pretty_json("consent")
