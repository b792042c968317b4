"""Small campaigns and facts with sensible defaults, so that a test names only what it is about."""

from datetime import UTC, datetime
from typing import Any

from distribution.engine import Decision, DecisionFacts, LeadFacts, LiveFacts, compile_campaign, decide

# Wednesday, 2025-06-04, 11:30 in New York.
AT = datetime(2025, 6, 4, 15, 30, tzinfo=UTC)
WEEKDAYS_NINE_TO_FIVE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
CLOSED_ALWAYS: dict[str, Any] = {"mon": []}
FIELDS = {
    "zip": "30312",
    "county": "Fulton County",
    "state": "GA",
    "city": "Atlanta",
    "attributes.roof_age": 15,
}
RICH = LiveFacts(balance_cents=100_000)


def buyer(buyer_id: int = 101, **changes: Any) -> dict[str, Any]:
    return {
        "id": buyer_id,
        "active": True,
        "timezone": "America/New_York",
        "hours": {},
        "answers": {},
        "service_area": {"everywhere": True},
    } | changes


def enrollment(enrollment_id: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": enrollment_id,
        "tier_id": 1,
        "buyer_id": 100 + enrollment_id,
        "active": True,
        "weight": 1,
        "priority": 0,
        "bid_cents": None,
        "lead_filter": None,
        "caps": {},
        "budgets": {},
    } | changes


def tier(tier_id: int = 1, **changes: Any) -> dict[str, Any]:
    return {"id": tier_id, "position": tier_id, "content_filter": None, "price_cents": None} | changes


def definition(
    enrollments: list[dict[str, Any]] | None = None,
    buyers: list[dict[str, Any]] | None = None,
    tiers: list[dict[str, Any]] | None = None,
    **campaign: Any,
) -> dict[str, Any]:
    """One buyer who takes everything, unless a test overrides that. Buyers follow from the enrollments."""
    enrollments = [enrollment()] if enrollments is None else enrollments
    known = {each["id"] for each in buyers or []}
    missing = [buyer(each["buyer_id"]) for each in enrollments if each["buyer_id"] not in known]
    head = {
        "id": 1,
        "config_version": 7,
        "mode": "round_robin",
        "price_cents": 2500,
        "max_buyers": 1,
        "sells_on": "decision",
        "post_deadline_seconds": 60,
        "timezone": "America/New_York",
        "schedule": {},
        "price_rules": [],
        "questions": [],
    }
    return {
        "campaign": head | campaign,
        "tiers": [tier()] if tiers is None else tiers,
        "enrollments": enrollments,
        "buyers": [*(buyers or []), *missing],
    }


def facts(
    campaign: dict[str, Any],
    live: dict[int, LiveFacts] | None = None,
    *,
    fields: dict[str, Any] | None = None,
    latitude: float | None = 33.75,
    longitude: float | None = -84.37,
    sold_count: int = 0,
    at: datetime = AT,
    seed: int = 1,
    locked: frozenset[int] = frozenset(),
) -> DecisionFacts:
    everyone = {each["id"]: RICH for each in campaign["enrollments"]}
    lead = LeadFacts(FIELDS if fields is None else fields, latitude, longitude, sold_count)
    return DecisionFacts(lead, everyone | (live or {}), at, seed, locked)


def run(campaign: dict[str, Any], live: dict[int, LiveFacts] | None = None, **changes: Any) -> Decision:
    return decide(compile_campaign(campaign), facts(campaign, live, **changes))


def selected_ids(decision: Decision) -> list[int]:
    return [each.enrollment_id for each in decision.selected]


def reasons(decision: Decision) -> dict[int, str]:
    return {each.enrollment_id: each.reason for each in decision.skipped}


def only_failure(decision: Decision) -> dict[str, Any]:
    """The one failing gate of the one skipped buyer."""
    [skip] = decision.skipped
    [failure] = skip.gates
    return failure
