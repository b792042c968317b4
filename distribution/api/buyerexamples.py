"""The examples of the buyers' API in the OpenAPI schema."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

from routing.api.examples import TOO_FAST_EXAMPLE
from routing.api.keyfinder import describe_unknown_key

CAMPAIGN: Final = {"id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d71", "name": "Roofing Atlanta"}
ASSIGNMENT_ID: Final = "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d80"
NO_LIMITS: Final = dict.fromkeys(("hour", "day", "week", "month"))
CURSOR: Final = "k3J9xW2mQvT8sLq0ZrY1bNf5GdE"

WALLET: Final = {
    "balance_cents": 7_500,
    "held_cents": 0,
    "credit_limit_cents": 0,
    "available_cents": 7_500,
    "notice_below_cents": None,
}
ENTRY: Final = {
    "id": "5f0c7c52-6a3e-4f0e-8f0b-2d1c9f5e7a10",
    "kind": "charge",
    "amount_cents": -2_500,
    "other_side": "The agency, for leads",
    "balance_after_cents": 7_500,
    "assignment_id": ASSIGNMENT_ID,
    "reason": "",
    "created_at": "2026-01-31T12:00:01.300000Z",
}
STATEMENT: Final[dict[str, Any]] = {
    "number": 17,
    "month": "2026-01",
    "timezone": "America/New_York",
    "starts_at": "2026-01-01T05:00:00Z",
    "ends_at": "2026-02-01T05:00:00Z",
    "opening_balance_cents": -5_000,
    "leads": 3,
    "charged_cents": -7_500,
    "refunded_cents": 2_500,
    "topped_up_cents": 5_000,
    "adjusted_cents": 0,
    "card_refunded_cents": 0,
    "charged_back_cents": 0,
    "won_back_cents": 0,
    "closing_balance_cents": -5_000,
    "held_cents": 0,
    "due_cents": 5_000,
    "due_on": "2026-03-03",
    "outstanding_cents": 5_000,
    "is_overdue": False,
    "issued_at": "2026-02-01T05:03:12.400000Z",
}
FULL_STATEMENT: Final[dict[str, Any]] = {
    **STATEMENT,
    "buyer": "Acme Roofing",
    "agency": "Northern Leads",
    "terms_days": 30,
    "credit_limit_cents": 50_000,
    "campaigns": [{**CAMPAIGN, "leads": 3, "amount_cents": -7_500}],
    "movements": [
        {
            "day": "2026-01-20",
            "kind": "refund",
            "entry_id": "5f0c7c52-6a3e-4f0e-8f0b-2d1c9f5e7a12",
            "lead_id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
            "amount_cents": 2_500,
        },
        {
            "day": "2026-01-15",
            "kind": "topup",
            "entry_id": "5f0c7c52-6a3e-4f0e-8f0b-2d1c9f5e7a11",
            "lead_id": None,
            "amount_cents": 5_000,
        },
    ],
}
ASSIGNMENT: Final[dict[str, Any]] = {
    "id": ASSIGNMENT_ID,
    "state": "sold",
    "price_cents": 2_500,
    "is_test": False,
    "campaign": CAMPAIGN,
    "assigned_at": "2026-01-31T12:00:01.300000Z",
    "sold_at": "2026-01-31T12:00:01.300000Z",
    "settled_at": None,
    "reject_reason": None,
    "returned_at": None,
    "lead": {
        "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
        "received_at": "2026-01-31T12:00:01.250000Z",
        "vertical": "roofing",
        "zip": "30312",
        "city": "Atlanta",
        "county": "Fulton County",
        "state": "GA",
        "country": "US",
        "contact": {
            "first_name": "Ada",
            "last_name": "Example",
            "email": "ada@example.com",
            "phone": "+14048812345",
            "phone_extension": "",
            "address": "1 Main Street",
        },
        "attributes": {"roof_age": 12},
        "consent": {"given_at": "2026-01-31T12:00:00Z", "url": "https://example.com/roofing"},
    },
}
OFFER: Final[dict[str, Any]] = {
    "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5da0",
    "state": "open",
    "campaign": CAMPAIGN,
    "price_cents": 2_500,
    "max_buyers": 1,
    "is_test": False,
    "shown_at": "2026-01-31T12:00:01.300000Z",
    "closes_at": "2026-01-31T12:01:01.300000Z",
    "ended_at": None,
    "claimed_at": None,
    "assignment_id": None,
    "lead": {"zip3": "303", "state": "GA", "attributes.roof_age": 12},
    "refused": None,
}
TAKEN: Final[dict[str, Any]] = {
    **OFFER,
    "state": "taken",
    "ended_at": "2026-01-31T12:00:04.100000Z",
    "refused": {"at": "2026-01-31T12:00:04.450000Z", "reason": "taken", "late_ms": 350},
}
TAKEN_ERROR: Final = {
    "error": {
        "code": "taken",
        "message": "Other buyers claimed this lead first.",
        "ended_at": "2026-01-31T12:00:04.100000Z",
        "late_ms": 350,
    }
}
SKIP: Final = {
    "decided_at": "2026-01-31T12:05:01.300000Z",
    "reason": "insufficient_credits",
    "sentence": "Acme Roofing: its balance is too low: the price is $25.00, and only $10.00 is available.",
    "change": "top up $15.00",
    "fixer": "buyer",
    "price_cents": 2_500,
    "ranked_higher": None,
    "change_in": None,
    "gates": [
        {
            "gate": "insufficient_credits",
            "finding": "its balance is too low: the price is $25.00, and only $10.00 is available",
            "change": "top up $15.00",
            "fixer": "buyer",
            "required": 2_500,
            "observed": 1_000,
            "opens_at": None,
            "change_in": None,
        }
    ],
    "offer": None,
}
CHECK: Final = {
    "ending": "selected",
    "is_confirmed": True,
    "ranked_higher": None,
    "price_cents": 2_500,
    "sentence": "With all of these changes, Acme Roofing would have gotten this lead for $25.00.",
    "winning_bid_cents": None,
}
OUTRANKED: Final = {
    **SKIP,
    "reason": "outranked",
    "sentence": "Acme Roofing: eligible, but 2 buyers ranked higher.",
    "change": "rank higher: by turn, weight, priority or bid, depending on the campaign's mode",
    "fixer": "outranked",
    "ranked_higher": 2,
    "gates": [],
}
HEAD: Final = {
    "lead": {
        "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6f",
        "received_at": "2026-01-31T12:05:01.250000Z",
        "vertical": "roofing",
        "zip": "30312",
        "state": "GA",
    },
    "campaign": CAMPAIGN,
    "attempts": 1,
    "next_attempt_at": None,
}


def _answer(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=["200"])


def _page(*rows: Any) -> dict[str, Any]:
    return {"results": list(rows), "next_cursor": CURSOR}


OF: Final = {
    "buyer_ledger_list": [_answer("A charge", _page(ENTRY))],
    "buyer_statements_list": [_answer("A month", _page(STATEMENT))],
    "buyer_statements_retrieve": [_answer("A month", FULL_STATEMENT)],
    "buyer_assignments_list": [_answer("A lead", {**_page(ASSIGNMENT), "next_since": None})],
    "buyer_assignments_retrieve": [_answer("A lead", ASSIGNMENT)],
    "buyer_offers_list": [_answer("One open, one taken", _page(OFFER, TAKEN))],
    "buyer_offers_retrieve": [_answer("An offer that can be claimed", OFFER)],
    "buyer_offers_claim": [
        OpenApiExample("The lead", value=ASSIGNMENT, response_only=True, status_codes=["201"]),
        OpenApiExample("Taken", value=TAKEN_ERROR, response_only=True, status_codes=["409"]),
    ],
    "buyer_missed_list": [
        _answer("Too few credits, and outranked", _page({**HEAD, **SKIP}, {**HEAD, **OUTRANKED}))
    ],
    "buyer_missed_retrieve": [
        _answer("Too few credits", {**HEAD, **SKIP, "check": CHECK, "history": [{"attempt": 1, **SKIP}]}),
    ],
}
ERRORS: Final = [
    OpenApiExample(
        "Unknown key",
        value={"error": {"code": "unauthorized", "message": describe_unknown_key("buyer")}},
        response_only=True,
        status_codes=["401"],
    ),
    OpenApiExample(
        "Without the scope",
        value={"error": {"code": "forbidden", "message": "This key does not have the scope `read`."}},
        response_only=True,
        status_codes=["403"],
    ),
    TOO_FAST_EXAMPLE,
]
