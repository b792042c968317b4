"""The catalog of events: who may get which, and what each of them gets of it. Pure.

The page about events, the OpenAPI document and every message come from it. An audience is the kind of owner of
a subscription. A source never gets a buyer or money; a buyer gets nothing of other buyers or of the source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Audience = Literal["buyer", "source", "workspace"]
AUDIENCES: Final[tuple[Audience, ...]] = ("buyer", "source", "workspace")
STATUSES: Final = (
    *("pending", "calling", "gated", "offered", "posting", "distributed", "returned", "duplicate"),
    *("failed", "expired", "cancelled"),
)
PAUSE_REASONS: Final = ("declined", "needs_action", "no_card", "refused", "no_answer", "disputed")
PERIODS: Final = ("hour", "day", "week", "month")


@dataclass(frozen=True, slots=True)
class DataField:
    """`schema`: JSON Schema. `example`: a value of it, which is not real."""

    about: str
    schema: Mapping[str, Any]
    example: object


def _id(of: str, number: int) -> DataField:
    example = f"019c1f0e-7c1a-7b7e-9d0a-{number:012d}"
    return DataField(f"id of the {of}", {"type": "string", "format": "uuid"}, example)


def _cents(about: str, example: int, *, least: int | None = 0) -> DataField:
    bound = {} if least is None else {"minimum": least}
    return DataField(about, {"type": "integer", **bound}, example)


def _one_of(about: str, values: tuple[str, ...], example: str) -> DataField:
    return DataField(about, {"type": "string", "enum": list(values)}, example)


def _or_null(about: str, example: int) -> DataField:
    return DataField(about, {"type": ["integer", "null"], "minimum": 0}, example)


IS_TEST: Final = DataField(
    "true: an operator tries the subscription; nothing happened, and the values are invented",
    {"type": "boolean"},
    example=False,
)
FIELDS: Final[Mapping[str, DataField]] = {
    "lead_id": _id("lead", 1),
    "external_id": DataField("your own id of the lead; may be empty", {"type": "string"}, "form-1002"),
    "assignment_id": _id("sale", 2),
    "buyer_id": _id("buyer", 3),
    "source_id": _id("source", 4),
    "campaign_id": _id("campaign", 5),
    "message_id": _id("message that the buyer's system answered: its webhook-id", 6),
    "price_cents": _cents("price of the lead", 4505),
    "status": _one_of("status of the lead now", STATUSES, "distributed"),
    "previous_status": _one_of("its status before", STATUSES, "pending"),
    "reason": DataField(
        "code of skip-reasons.md; may be empty", {"type": "string", "maxLength": 50}, "all_buyers_capped"
    ),
    "was_charged": DataField(
        "false: the price was only held, and is released", {"type": "boolean"}, example=False
    ),
    "balance_cents": _cents("balance of the wallet", 4000, least=None),
    "held_cents": _cents("part of the balance that is held", 500),
    "available_cents": _cents("balance less what is held, plus the credit limit", 3500),
    "notice_below_cents": _cents("the limit for the notice", 5000, least=None),
    "pause_reason": _one_of("why automatic recharge was paused", PAUSE_REASONS, "declined"),
    "amount_cents": _cents("what each payment adds", 50_000),
    "limit": _one_of(
        "which limit was reached: the cap on leads, or the budget", ("leads", "budget"), "leads"
    ),
    "period": _one_of("period of the limit", PERIODS, "day"),
    "period_starts_at": DataField(
        "when the period began", {"type": "string", "format": "date-time"}, "2026-01-31T05:00:00Z"
    ),
    "cap": _or_null("leads that the cap allows; null: no cap in this period", 25),
    "leads": DataField("leads of the period", {"type": "integer", "minimum": 1}, 25),
    "budget_cents": _or_null("the budget; null: no budget in this period", 120_000),
    "change_id": DataField(
        "id of the change", {"type": "string", "format": "uuid"}, "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d99"
    ),
    "decision": _one_of("what the agency decided", ("approved", "declined"), "approved"),
    "fields": DataField(
        "what the change is about", {"type": "array", "items": {"type": "string"}}, ["service_area"]
    ),
    "decision_reason": DataField(
        "what the agency says; may be empty", {"type": "string", "maxLength": 200}, "agreed by phone"
    ),
    "spent_cents": _cents("what was spent in the period, with open holds", 112_625),
}


@dataclass(frozen=True, slots=True)
class EventRow:
    """`about`: a whole sentence. `data`: the fields that each audience gets; who is not named cannot subscribe.

    `details`: what an email to a person leaves out.
    """

    about: str
    data: Mapping[Audience, tuple[str, ...]]
    details: str = ""

    @property
    def description(self) -> str:
        return f"{self.about} {self.details}".strip()


_SALE: Final = ("assignment_id", "lead_id", "campaign_id")
_LEAD: Final = ("lead_id", "external_id", "status")
_WALLET: Final = ("balance_cents", "held_cents", "available_cents", "notice_below_cents")
_CHANGE: Final = ("change_id", "decision", "fields", "decision_reason")
_RECHARGE: Final = ("pause_reason", "amount_cents", "balance_cents", "held_cents")
_CAP: Final = (
    *("campaign_id", "limit", "period", "period_starts_at"),
    *("cap", "leads", "budget_cents", "spent_cents"),
)

CATALOG: Final[Mapping[str, EventRow]] = {
    "lead.sold": EventRow(
        "A lead was sold.",
        {
            "buyer": (*_SALE, "price_cents"),
            "source": _LEAD,
            "workspace": (*_SALE, "buyer_id", "source_id", "price_cents"),
        },
        details="A buyer and the workspace hear of each sale, a source once of its lead.",
    ),
    "lead.unsold": EventRow(
        "A lead ended without a sale: it failed or expired. A person may run a failed lead again.",
        {"source": _LEAD, "workspace": ("lead_id", "source_id", "status", "reason")},
    ),
    "lead.returned": EventRow(
        "A sold lead was returned in full.",
        {
            "buyer": (*_SALE, "price_cents"),
            "source": _LEAD,
            "workspace": (*_SALE, "buyer_id", "source_id", "price_cents"),
        },
        details="A source hears of it when no buyer has the lead any longer.",
    ),
    "lead.status_changed": EventRow(
        "A lead has another status.",
        {
            "source": (*_LEAD, "previous_status"),
            "workspace": ("lead_id", "source_id", "status", "previous_status", "reason"),
        },
    ),
    "assignment.delivered": EventRow(
        "A buyer's system accepted a lead.",
        {"buyer": (*_SALE, "message_id"), "workspace": (*_SALE, "buyer_id", "message_id")},
        details="With several endpoints, each acceptance is an event.",
    ),
    "assignment.rejected": EventRow(
        "A buyer's system rejected a lead. If the campaign sells on acceptance, the lead is not charged.",
        {"buyer": (*_SALE, "was_charged"), "workspace": (*_SALE, "buyer_id", "was_charged")},
    ),
    "wallet.low": EventRow(
        "What a wallet has available fell below the limit for a notice.",
        {"buyer": _WALLET, "workspace": ("buyer_id", *_WALLET)},
        details="Sent once for each time that it falls below.",
    ),
    "wallet.recharge_failed": EventRow(
        "The automatic recharge of a wallet was paused.",
        {"buyer": _RECHARGE, "workspace": ("buyer_id", *_RECHARGE)},
        details="A payment was declined or must be confirmed, or there is no card. Sent once for each pause.",
    ),
    "cap.reached": EventRow(
        "A buyer has all leads that its cap allows in a period of a campaign, or its budget does not pay for another "
        "lead at the price of the last one.",
        {"buyer": _CAP, "workspace": ("buyer_id", *_CAP)},
        details="Sent once for each limit in each period.",
    ),
    "change.decided": EventRow(
        "An agency approved or declined a change that a buyer had asked for.",
        {"buyer": _CHANGE, "workspace": ("buyer_id", *_CHANGE)},
    ),
    "campaign.unsold": EventRow(
        "No buyer of a campaign could take a lead, and someone must act.",
        {"workspace": ("campaign_id", "lead_id", "source_id", "reason")},
    ),
}


def kinds_for(audience: Audience) -> tuple[str, ...]:
    return tuple(kind for kind, row in CATALOG.items() if audience in row.data)


def describe_data(kind: str, audience: Audience) -> dict[str, Any]:
    """JSON Schema of `data`."""
    fields = {"is_test": IS_TEST} | {name: FIELDS[name] for name in CATALOG[kind].data[audience]}
    return {
        "type": "object",
        "properties": {
            name: {**field.schema, "description": field.about.capitalize()} for name, field in fields.items()
        },
        "required": list(fields),
        "additionalProperties": False,
    }


def describe_message(kind: str, audience: Audience) -> dict[str, Any]:
    """JSON Schema of the body."""
    return {
        "type": "object",
        "title": f"{kind}, for a {audience}",
        "properties": {
            "id": {
                "type": "string",
                "format": "uuid",
                "description": "Of the event: equal for all subscriptions.",
            },
            "type": {"type": "string", "const": kind},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": describe_data(kind, audience),
        },
        "required": ["id", "type", "timestamp", "data"],
        "additionalProperties": False,
    }


_EXAMPLES: Final[Mapping[str, Mapping[str, object]]] = {
    "lead.unsold": {"status": "failed"},
    "lead.returned": {"status": "returned"},
}


def make_example_data(kind: str, audience: Audience) -> dict[str, Any]:
    """The values that are not real. The mark of a test is no part of them."""
    values = {name: FIELDS[name].example for name in CATALOG[kind].data[audience]}
    return values | {name: value for name, value in _EXAMPLES.get(kind, {}).items() if name in values}


def make_example(kind: str, audience: Audience) -> dict[str, Any]:
    return {
        "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
        "type": kind,
        "timestamp": "2026-01-31T23:05:11.250000Z",
        "data": {"is_test": False, **make_example_data(kind, audience)},
    }
