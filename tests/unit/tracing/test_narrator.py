"""Every event, skip reason and gate has a sentence. An unknown code is described plainly."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from distribution.engine import DecisionFacts, LeadFacts, LiveFacts, Skip, compile_campaign, decide
from distribution.engine.gates import GATES as ENGINE_GATES
from distribution.engine.gates import STAGES as ENGINE_STAGES
from tracing import narrator
from tracing.gates import GATES
from tracing.models import AttemptResult, AttemptTrigger
from tracing.names import BuyerName, Names
from tracing.narrator import describe_attempt, describe_change, describe_events, describe_reason
from tracing.obstacles import OTHER_STAGES, describe_fixer, describe_funnel, describe_gate
from tracing.skip_reasons import SKIP_REASONS, Fixer, Level
from tracing.vocabulary import Event, describe_correction

AT = datetime(2026, 8, 3, 22, 30, tzinfo=UTC)  # a Monday, 18:30 in New York
NAMES = Names(
    buyers={7: BuyerName("Acme Roofing", "America/New_York")},
    campaigns={1: "Roofing Atlanta"},
    workspaces={2: "Peachtree Roofing"},
    leads={5: "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e"},
)


@dataclass
class Row:
    event: str
    seq: int = 1
    buyer_id: int | None = None
    cost_cents: int | None = None
    outcome: str = ""
    skip_reason: str = ""
    data: Any = field(default_factory=dict)


def skip(*, buyer: dict[str, Any] | None = None, live: LiveFacts | None = None, **parts: Any) -> Skip:
    """The engine's own skip of the one enrolled buyer, so that the shapes are those of a real run."""
    area = {"everywhere": True}
    fields = {"zip": "10001", "county": "New York County", "state": "NY", "attributes.roof_age": 5}
    fields |= {"attributes.property_type": "commercial"}
    definition = {
        "campaign": {
            "id": 1,
            "config_version": 7,
            "mode": "round_robin",
            "price_cents": 2500,
            "max_buyers": 1,
            "timezone": "America/New_York",
            "schedule": {},
            "price_rules": [],
            "questions": [
                {"key": "types", "field": "attributes.property_type", "op": "in", "required": True}
            ],
        },
        "tiers": [{"id": 1, "position": 1, "content_filter": parts.get("tier", {}), "price_cents": None}],
        "enrollments": [
            {
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
                **parts.get("enrollment", {}),
            }
        ],
        "buyers": [
            {
                "id": 7,
                "active": True,
                "timezone": "America/New_York",
                "hours": {},
                "answers": {"types": ["commercial"]},
                "service_area": area,
                **(buyer or {}),
            }
        ],
    }
    lead = LeadFacts(fields, latitude=40.75, longitude=-73.99, sold_count=parts.get("sold_count", 0))
    facts = DecisionFacts(
        lead=lead,
        live={10: live or LiveFacts(balance_cents=10_000)},
        at=AT,
        seed=1,
        locked=frozenset(parts.get("locked", ())),
    )
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


def tell(row: Row) -> str:
    return describe_events([row], names=NAMES)[0]


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
        "add 10001 on its own: it is 723 miles beyond the area",
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
        "the lead's property_type is commercial.",
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
        "Acme Roofing: its balance is too low: the price is $25.00, $10.00 is available.",
        "top up $15.00",
    ),
    "has_lead": (
        {"live": LiveFacts(balance_cents=10_000, has_lead=True)},
        "Acme Roofing: it bought this lead before.",
        "nothing: a buyer gets a lead once",
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

    assert tell(row) == sentence
    assert describe_change(row, names=NAMES) == change


def test_cases_reach_every_gate_and_every_buyer_level_reason() -> None:
    skips = [skip(**parts) for parts, _, _ in CASES.values()]
    buyer_level = {code for code, reason in SKIP_REASONS.items() if Level.BUYER in reason.levels}

    assert {gate["gate"] for each in skips for gate in each.gates} == set(ENGINE_STAGES)
    assert {each.reason for each in skips} == buyer_level


def test_every_gate_names_who_can_fix_it() -> None:
    for code in ENGINE_STAGES:
        fixer = describe_gate({"gate": code}).fixer
        assert fixer == SKIP_REASONS[code].fixer.value
        assert describe_fixer(fixer)
    assert describe_fixer("astrologer") == "not known"
    assert set(Fixer) == {reason.fixer for reason in SKIP_REASONS.values()}


def test_every_reason_has_a_sentence_and_every_buyer_level_one_a_clause() -> None:
    for code, reason in SKIP_REASONS.items():
        assert describe_reason(code) == reason.sentence
        assert reason.sentence.endswith(".")
        assert bool(reason.clause) == (Level.BUYER in reason.levels)
        assert not reason.clause.endswith(".")


EVENTS = [
    (
        Row(Event.DISTRIBUTION_STARTED, data={"number": 2, "trigger": "retry"}),
        "Started as attempt 2 (retry).",
    ),
    (
        Row(Event.ROUTED, data={"rule": {"id": 9, "name": "Georgia roofs", "tags": []}, "from": 1, "to": 2}),
        "Routed to Peachtree Roofing by rule 'Georgia roofs'.",
    ),
    (
        Row(Event.ROUTED, data={"rule": {"id": 9, "name": "All", "tags": ["a", "b"]}, "from": 1, "to": 3}),
        "Routed to workspace 3 by rule 'All' (tags: a, b).",
    ),
    (
        Row(Event.ROUTED, data={"rule": None, "from": 1, "to": 2}),
        "Back in Peachtree Roofing, its source workspace: no rule routes it elsewhere now.",
    ),
    (
        Row(Event.CAMPAIGN_RESOLVED, data={"campaign_id": 1, "config_version": 7}),
        "Taken by the campaign Roofing Atlanta, configuration 7.",
    ),
    (
        Row(
            Event.PRICING_COMPUTED,
            data={
                "tiers": [
                    {"tier_id": 1, "base_cents": 2500, "price_cents": 2500, "applied": []},
                    {
                        "tier_id": 2,
                        "base_cents": 2000,
                        "price_cents": 2700,
                        "applied": [
                            {"rule": 0, "add_cents": 250, "before": 2000, "after": 2250},
                            {"rule": 2, "percent": 120, "before": 2250, "after": 2700},
                        ],
                    },
                ]
            },
        ),
        "The price is $25.00 in the 1st tier, $27.00 ($20.00; rule 1 adds $2.50 to make $22.50, "
        "rule 3 takes 120% to make $27.00) in the 2nd tier.",
    ),
    (Row(Event.PRICING_COMPUTED, data={"tiers": []}), "No price was needed: no buyer was considered."),
    (
        Row(
            Event.BUYER_POOL_COMPOSED,
            data={"zip": "30312", "funnel": [["enrolled", 8], ["outside_service_area", 0], ["selected", 0]]},
        ),
        "8 buyers enrolled, 0 cover 30312.",
    ),
    (
        Row(Event.BUYER_SELECTED, buyer_id=7, cost_cents=150_000, data={"rank": 1}),
        "Acme Roofing: selected, rank 1, for $1,500.00.",
    ),
    (
        Row(Event.DISTRIBUTED, cost_cents=2500, outcome="success", data={"buyers": 1}),
        "Sold to 1 buyer for $25.00.",
    ),
    (
        Row(Event.DISTRIBUTED, cost_cents=7500, outcome="success", data={"buyers": 3}),
        "Sold to 3 buyers for $75.00 in all.",
    ),
    (
        Row(
            Event.FAILED,
            outcome="unsold",
            skip_reason="no_eligible_buyers",
            data={"emptied_by": "outside_service_area", "due_at": None},
        ),
        "Not sold: No enrolled buyer could take this lead. The last remaining buyer dropped out: "
        "outside its service area. A person must act: the agency can fix it.",
    ),
    (
        Row(
            Event.FAILED,
            outcome="retry",
            skip_reason="database_timeout",
            data={"cause": "OperationalError", "due_at": "2026-08-03T22:30:01+00:00"},
        ),
        "Not sold yet: The database did not grant a lock in time. Due again at 2026-08-03 22:30:01 UTC.",
    ),
    (
        Row(Event.FAILED, outcome="duplicate", skip_reason="duplicate_lead", data={"first_lead_id": 5}),
        "A duplicate: The same person came in with an earlier lead. "
        "The earlier lead is lead 019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e.",
    ),
    (
        Row(Event.FAILED, outcome="duplicate", skip_reason="duplicate_lead", data={"first_lead_id": 6}),
        "A duplicate: The same person came in with an earlier lead. "
        "The earlier lead is a lead of another workspace.",
    ),
    (
        Row(
            Event.FAILED,
            outcome="deferred",
            skip_reason="workspace_paused",
            data={"due_at": "2026-08-03T22:30:01+00:00"},
        ),
        "Not sold now: The workspace where it would be sold is paused. "
        "It is tried again when the workspace is resumed.",
    ),
    (Row(Event.GATED_FOR_VERIFICATION), "Waits until the person is verified."),
    (Row(Event.PING_POST_OPENED), "Offered to the eligible buyers: the first valid claim gets it."),
    (
        Row(Event.PING_POST_CLAIMED, buyer_id=7, cost_cents=2500),
        "Acme Roofing: claimed the lead for $25.00.",
    ),
    (Row(Event.PING_POST_CLOSED), "The offer closed."),
]


@pytest.mark.parametrize(
    ("row", "sentence"), EVENTS, ids=[f"{row.event}-{n}" for n, (row, _) in enumerate(EVENTS)]
)
def test_event_is_one_sentence(row: Row, sentence: str) -> None:
    assert tell(row) == sentence


def test_every_event_code_has_words() -> None:
    assert set(narrator.EVENT_WORDS) == set(Event)
    assert {row.event for row, _ in EVENTS} | {Event.BUYER_SKIPPED} == set(Event)


@pytest.mark.parametrize("reason", [code for code, each in SKIP_REASONS.items() if Level.LEAD in each.levels])
@pytest.mark.parametrize("outcome", ["unsold", "deferred", "retry", "failed", "duplicate", "expired"])
def test_failure_shows_its_reason_for_every_outcome(reason: str, outcome: str) -> None:
    sentence = tell(Row(Event.FAILED, outcome=outcome, skip_reason=reason))

    assert SKIP_REASONS[reason].sentence in sentence
    assert ("A person must act" in sentence) == (outcome in {"unsold", "failed"})


def test_reason_has_its_change_unless_gates_or_buyers_have() -> None:
    of_pools = {gate.empty_pool_reason for gate in ENGINE_GATES}
    silent = {code for code, reason in SKIP_REASONS.items() if not reason.change}

    assert silent == of_pools | set(ENGINE_STAGES)


def test_outranked_names_the_rank_when_others_were_selected() -> None:
    selected = Row(Event.BUYER_SELECTED, buyer_id=8, cost_cents=2500, data={"rank": 1})
    outranked = Row(Event.BUYER_SKIPPED, buyer_id=7, skip_reason="outranked", data={"gates": [], "rank": 2})

    assert describe_events([outranked, selected], names=NAMES) == [
        "Acme Roofing: eligible, but other buyers ranked higher (rank 2).",
        "buyer 8: selected, rank 1, for $25.00.",
    ]


def test_field_that_became_an_attribute_is_described_without_its_name() -> None:
    assert describe_correction("attributes", "moved").startswith("an unknown field was kept as an attribute")
    assert describe_correction("email", "moved") == "email was sent under another name and was kept"


def test_attempt_has_a_headline_for_every_trigger_and_result() -> None:
    assert set(narrator.TRIGGERS) == set(AttemptTrigger.values)
    assert set(narrator.RESULTS) == set(AttemptResult.values)
    assert (
        describe_attempt(attempt())
        == "Attempt 1 (first attempt) at 2026-08-03 22:30:00 UTC took 3 ms: not sold."
    )
    assert describe_attempt(attempt(trigger="dream", result="woken")) == (
        "Attempt 1 (dream) at 2026-08-03 22:30:00 UTC took 3 ms: woken."
    )


@dataclass
class Attempt:
    number: int = 1
    trigger: str = "ingest"
    result: str = "unsold"
    started_at: datetime = AT
    duration_ms: float = 3.4


def attempt(**changes: Any) -> Attempt:
    return Attempt(**changes)


def test_funnel_omits_stages_without_effect_and_after_the_empty_one() -> None:
    stages = [("enrolled", 8), ("enrollment_paused", 8), ("buyer_paused", 6), ("outside_service_area", 1)]

    assert describe_funnel([*stages, ("selected", 1)], zip_code="30312") == (
        "8 buyers enrolled, 6 are not paused, 1 covers 30312, 1 selected."
    )
    assert describe_funnel(
        [*stages, ("cap_reached", 0), ("locked", 0), ("selected", 0)], zip_code="30312"
    ) == ("8 buyers enrolled, 6 are not paused, 1 covers 30312, 0 are below their caps.")
    assert describe_funnel([("enrolled", 0)], zip_code="") == "0 buyers enrolled."
    assert describe_funnel([], zip_code="") == "No buyers were considered."
    assert describe_funnel([("enrolled", 2), ("moon_phase", 1)], zip_code="") == (
        "2 buyers enrolled, 1 left after moon_phase."
    )


def test_every_gate_of_the_engine_has_one_row_of_words_in_the_same_order() -> None:
    assert tuple(gate.code for gate in GATES) == ENGINE_STAGES
    assert set(OTHER_STAGES) == {"enrolled", "locked", "selected"}


ODD = [
    None,
    [],
    "text",
    5,
    {},
    {"gates": None},
    {"gates": [None]},
    {"gates": [{}]},
    {"funnel": 1},
    {"tiers": [{}]},
]


@pytest.mark.parametrize("data", ODD, ids=repr)
@pytest.mark.parametrize("event", [*Event, "foreseen_by_nobody"])
def test_odd_data_and_unknown_codes_are_shown_plainly(event: str, data: Any) -> None:
    row = Row(event, buyer_id=9, skip_reason="of_tomorrow", outcome="unheard", data=data)

    assert describe_events([row], names=Names())[0].endswith(".")
    assert isinstance(describe_change(row, names=Names()), str)


def test_unknown_gate_shows_its_values() -> None:
    obstacle = describe_gate({"gate": "moon_phase", "required": "full", "observed": ["new", "rising"]})

    assert obstacle.finding == "moon_phase: required full, observed new or rising"
    assert (obstacle.change, obstacle.fixer) == ("", "")


def test_unknown_event_names_its_code_and_its_buyer() -> None:
    row = Row("beamed_up", buyer_id=7, skip_reason="of_tomorrow")

    assert tell(row) == "Acme Roofing: beamed_up (of_tomorrow)."
