"""Every skip shows its gates, the required changes, and who can fix them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.engine import (
    DecisionFacts,
    LeadFacts,
    LiveFacts,
    Promise,
    Skip,
    Terms,
    compile_campaign,
    decide,
)
from distribution.engine.gates import STAGES as ENGINE_STAGES
from tests.support.narration import AT, NAMES, Row, sentence_of
from tracing.narrator import describe_change
from tracing.skip_reasons import OF_OFFERS, SKIP_REASONS, Level
from tracing.vocabulary import Event

FIELDS = {
    "zip": "10001",
    "county": "New York County",
    "state": "NY",
    "attributes.roof_age": 5,
    "attributes.property_type": "commercial",
}
CAMPAIGN = {
    "id": 1,
    "config_version": 7,
    "mode": "round_robin",
    "price_cents": 2500,
    "max_buyers": 1,
    "timezone": "America/New_York",
    "schedule": {},
    "price_rules": [],
    "questions": [{"key": "types", "field": "attributes.property_type", "op": "in", "required": True}],
}
TIER = {"id": 1, "position": 1, "content_filter": {}, "price_cents": None}
ENROLLMENT = {
    "id": 10,
    "tier_id": 1,
    "buyer_id": 7,
    "active": True,
    "weight": 1,
    "priority": 0,
    "bid_cents": None,
    "lead_filter": {},
    "caps": {},
    "budgets": {},
}
BUYER = {
    "id": 7,
    "active": True,
    "timezone": "America/New_York",
    "hours": {},
    "answers": {"types": ["commercial"]},
    "service_area": {"everywhere": True},
}


def skip(*, buyer: dict[str, Any] | None = None, live: LiveFacts | None = None, **parts: Any) -> Skip:
    """The engine's own skip of the one enrolled buyer, so that the shapes are those of a real run."""
    definition = {
        "campaign": CAMPAIGN | parts.get("campaign", {}),
        "tiers": [TIER | {"content_filter": parts.get("tier", {})}],
        "enrollments": [ENROLLMENT | parts.get("enrollment", {})],
        "buyers": [BUYER | (buyer or {})],
    }
    facts = DecisionFacts(
        lead=LeadFacts(FIELDS, latitude=40.75, longitude=-73.99, sold_count=parts.get("sold_count", 0)),
        live={10: live or LiveFacts(balance_cents=10_000)},
        at=AT,
        seed=1,
        locked=frozenset(parts.get("locked", ())),
    )
    facts = replace(facts, phase=parts.get("phase", "push"), promise=parts.get("promise"))
    return decide(compile_campaign(definition), facts).skipped[0]


def row_of(skipped: Skip) -> Row:
    gates = json.loads(json.dumps(skipped.gates))
    return Row(
        Event.BUYER_SKIPPED,
        buyer_id=7,
        cost_cents=skipped.price_cents,
        skip_reason=skipped.reason,
        data={"gates": gates, **skipped.data},
    )


def bidding(cents: int | None, outcome: str) -> LiveFacts:
    return LiveFacts(balance_cents=10_000, bid_cents=cents, bid_outcome=outcome)


RADIUS = {"zip": "30312", "miles": 25, "latitude": 33.75, "longitude": -84.38}
USED_DAY = {"day": (datetime(2026, 8, 3, 4, tzinfo=UTC), 5, 9_000)}
CASES = {
    "enrollment_paused": (
        {"enrollment": {"active": False}},
        "Acme Roofing: its enrollment is paused.",
        "resume the enrollment",
    ),
    "buyer_paused": ({"buyer": {"active": False}}, "Acme Roofing: it is paused.", "resume the buyer"),
    "near_the_circle": (
        {"buyer": {"service_area": {"radius": [{**RADIUS, "latitude": 40.3, "longitude": -73.99}]}}},
        "Acme Roofing: outside its service area: it covers 25 miles around 30312; the lead is in 10001, "
        "New York County, NY, 6.1 miles beyond the edge.",
        "widen its circle by 6.1 miles or add 10001",
    ),
    "far_from_the_circle": (
        {"buyer": {"service_area": {"states": ["GA"], "radius": [RADIUS]}}},
        "Acme Roofing: outside its service area: it covers GA, 25 miles around 30312; the lead is in 10001, "
        "New York County, NY, 722.7 miles beyond the edge.",
        "add 10001 alone: it is 723 miles beyond the area",
    ),
    "area_without_circle": (
        {"buyer": {"service_area": {"states": ["GA"]}}},
        "Acme Roofing: outside its service area: it covers GA; the lead is in 10001, New York County, NY.",
        "add 10001 to the service area",
    ),
    "excluded_county": (
        {
            "buyer": {
                "service_area": {"states": ["NY"], "exclude": {"counties": ["NY:New York County"]}},
            }
        },
        "Acme Roofing: outside its service area: it covers NY, without NY:New York County; the lead is in 10001, "
        "New York County, NY, which it excludes by the county New York County, NY.",
        "remove the county New York County, NY from its exclusions",
    ),
    "onboarding": (
        {"buyer": {"answers": {"types": ["residential", "rental"]}}},
        'Acme Roofing: its onboarding answers do not match: its answer to "types" is residential or rental, '
        "but the lead's property_type is commercial.",
        'change the answer to "types" so that it accepts commercial',
    ),
    "unanswered": (
        {"buyer": {"answers": {}}},
        'Acme Roofing: its onboarding answers do not match: it has no usable answer to "types".',
        'answer "types"',
    ),
    "tier_filter": (
        {"tier": {"field": "attributes.roof_age", "op": "gte", "value": 10}},
        "Acme Roofing: a filter rejected the lead: its tier's filter requires roof_age >= 10; "
        "the lead has roof_age 5.",
        "change its tier's filter",
    ),
    "own_filter": (
        {"enrollment": {"lead_filter": {"field": "attributes.stories", "op": "eq", "value": 2}}},
        "Acme Roofing: a filter rejected the lead: its own filter requires stories is 2; "
        "the lead has no stories.",
        "change its own filter, or have the source send stories",
    ),
    "hours": (
        {"buyer": {"hours": {"mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]]}}},
        "Acme Roofing: outside its hours: open Monday 09:00 to 17:00; it was Monday 18:30 in America/New_York.",
        "wait until it opens at 2026-08-04 13:00 UTC (09:00 America/New_York), or widen its hours",
    ),
    "cap": (
        {"enrollment": {"caps": {"day": 5}}, "live": LiveFacts(balance_cents=10_000, usage=USED_DAY)},
        "Acme Roofing: a cap or budget is used up: the daily cap of 5 is reached.",
        "wait until the daily cap of 5 resets at 2026-08-04 04:00 UTC (00:00 America/New_York), or raise it",
    ),
    "budget": (
        {"enrollment": {"budgets": {"day": 10_000}}, "live": LiveFacts(balance_cents=10_000, usage=USED_DAY)},
        "Acme Roofing: a cap or budget is used up: the daily budget of $100.00 has $90.00 spent "
        "and the lead costs $25.00.",
        "wait until the daily budget of $100.00 resets at 2026-08-04 04:00 UTC (00:00 America/New_York), or raise it",
    ),
    "budget_too_small": (
        {"enrollment": {"budgets": {"day": 1_000}}},
        "Acme Roofing: a cap or budget is used up: the daily budget of $10.00 has $0.00 spent "
        "and the lead costs $25.00.",
        "raise the daily budget of $10.00 to at least $25.00: the lead costs more than the whole budget",
    ),
    "cap_of_zero": (
        {"enrollment": {"caps": {"week": 0}}},
        "Acme Roofing: a cap or budget is used up: the weekly cap of 0 is reached.",
        "raise the weekly cap of 0: a cap of 0 accepts no leads",
    ),
    "credits": (
        {"live": LiveFacts(balance_cents=1_000)},
        "Acme Roofing: its balance is too low: the price is $25.00, and only $10.00 is available.",
        "top up $15.00",
    ),
    "has_lead": (
        {"live": LiveFacts(balance_cents=10_000, has_lead=True)},
        "Acme Roofing: it bought this lead before.",
        "nothing: a buyer gets a lead once",
    ),
    "rejected": (
        {"live": LiveFacts(balance_cents=10_000, rejection="Duplicate")},
        'Acme Roofing: its system rejected this lead: it answered "Duplicate".',
        "nothing: a buyer is asked once for a lead",
    ),
    "rejected_without_a_reason": (
        {"live": LiveFacts(balance_cents=10_000, rejection="")},
        "Acme Roofing: its system rejected this lead: it gave no reason.",
        "nothing: a buyer is asked once for a lead",
    ),
    "locked": (
        {"locked": [10]},
        "Acme Roofing: it was being charged for another lead at that moment.",
        "nothing: the next attempt tries it again",
    ),
    "sold_out": (
        {"sold_count": 1},
        "Acme Roofing: eligible, but the lead is sold to as many buyers as the campaign allows.",
        "rank higher: by turn, weight, priority or bid, depending on the campaign's mode",
    ),
    "below_promised_price": (
        {"promise": Promise(2_000, Terms("share", 5_000), AT + timedelta(minutes=1))},
        "Acme Roofing: its price pays the source less than it was promised.",
        "a buyer with a higher price; or wait until the promise ends, if the source lets its leads be sold then",
    ),
    "outbid": (
        {"phase": "bids", "sold_count": 1, "live": bidding(2_500, "bid")},
        "Acme Roofing: eligible, but the lead is sold to as many buyers as the campaign allows.",
        "bid more",
    ),
    "no_bid": (
        {"phase": "bids", "live": bidding(None, "refused")},
        "Acme Roofing: it made no bid.",
        "bid for leads like this one, by its system or a standing bid",
    ),
    "bid_late": (
        {"phase": "bids", "live": bidding(None, "timeout")},
        "Acme Roofing: its system did not answer in time.",
        "answer within the bid deadline of the campaign, or have a standing bid",
    ),
    "bid_not_asked": (
        {"phase": "bids", "live": bidding(None, "not_asked")},
        "Acme Roofing: its system was not asked for a bid.",
        "nothing: it is asked in the next auction",
    ),
    "bid_unknown": (
        {"phase": "bids", "live": bidding(None, "unknown")},
        "Acme Roofing: no answer of its system is known, because LeadSwitch was interrupted.",
        "nothing: it is asked in the next auction",
    ),
    "bid_below_reserve": (
        {"phase": "bids", "live": bidding(2_500, "bid"), "campaign": {"reserve_cents": 3_000}},
        "Acme Roofing: its bid was below the reserve.",
        "bid at least the reserve",
    ),
    "two_gates": (
        {"buyer": {"active": False}, "live": LiveFacts()},
        "Acme Roofing: it is paused. Also failed: its balance is too low.",
        "resume the buyer; top up $25.00",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_skip_shows_its_gates_and_required_changes(case: str) -> None:
    parts, sentence, change = CASES[case]
    row = row_of(skip(**parts))

    assert sentence_of(row) == sentence
    assert describe_change(row, names=NAMES) == change


def test_cases_reach_every_gate_and_every_buyer_level_reason() -> None:
    """Those of a place in an offer are in no event."""
    skips = [skip(**parts) for parts, _, _ in CASES.values()]
    of_events = {code for code, reason in SKIP_REASONS.items() if Level.BUYER in reason.levels} - OF_OFFERS

    assert {gate["gate"] for each in skips for gate in each.gates} == set(ENGINE_STAGES)
    assert {each.reason for each in skips} == of_events
