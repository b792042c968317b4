"""Every event, skip reason and gate has a sentence. An unknown code is described plainly."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from distribution.engine.gates import GATES as ENGINE_GATES
from distribution.engine.gates import STAGES as ENGINE_STAGES
from tests.support.narration import AT, NAMES, Row, sentence_of
from tracing import narrator
from tracing.gates import GATES
from tracing.models import AttemptResult, AttemptTrigger
from tracing.names import Names
from tracing.narrator import describe_attempt, describe_change, describe_events, describe_reason
from tracing.obstacles import OTHER_STAGES, describe_fixer, describe_funnel, describe_gate, fixer_of
from tracing.skip_reasons import SKIP_REASONS, Fixer, Level
from tracing.vocabulary import RESULTS, Event, describe_correction


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
        "rule 3 applies 120% to make $27.00) in the 2nd tier.",
    ),
    (
        Row(
            Event.PRICING_COMPUTED,
            data={
                "tiers": [
                    {
                        "tier_id": 1,
                        "base_cents": 4000,
                        "price_cents": 2400,
                        "applied": [{"unverified_percent": 60, "before": 4000, "after": 2400}],
                    }
                ]
            },
        ),
        "The price is $24.00 ($40.00; 60% of the price, because the person is not verified, makes $24.00).",
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
        "outside its service area. Someone must act: the agency can fix it.",
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
        "A duplicate: An earlier lead for the same person was received. "
        "The earlier lead is lead 019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e.",
    ),
    (
        Row(Event.FAILED, outcome="duplicate", skip_reason="duplicate_lead", data={"first_lead_id": 6}),
        "A duplicate: An earlier lead for the same person was received. "
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
        "It will be tried again when the workspace is resumed.",
    ),
    (
        Row(Event.GATED_FOR_VERIFICATION, data={"needed": "required", "verification": "x", "consents": []}),
        "Waits until the person is verified, in a call or by an operator.",
    ),
    (
        Row(
            Event.GATED_FOR_VERIFICATION,
            data={
                "needed": "unless_consent",
                "consent_kind": "token",
                "verification": "x",
                "consents": ["given_at"],
            },
        ),
        "Waits until the person is verified, in a call or by an operator; it would not with a certificate of the "
        "consent.",
    ),
    (
        Row(
            Event.PING_POST_OPENED,
            data={
                "offer": "x",
                "closes_at": "2026-08-03T22:30:01+00:00",
                "max_buyers": 1,
                "fields": ["zip3", "attributes.roof_age"],
                "withheld": ["attributes.note"],
                "shown": [{"buyer_id": 7, "price_cents": 2_500}, {"buyer_id": 8, "price_cents": 3_000}],
            },
        ),
        "Offered to 2 buyers for $25.00 to $30.00 until 2026-08-03 22:30:01 UTC, with zip3, roof_age. "
        "The first valid claim gets it. Not shown, because the value may identify the person: note.",
    ),
    (
        Row(
            Event.PING_POST_OPENED,
            data={
                "offer": "x",
                "closes_at": "2026-08-03T22:30:01+00:00",
                "max_buyers": 2,
                "fields": ["state"],
                "shown": [{"buyer_id": 7, "price_cents": 2_500}],
            },
        ),
        "Offered to 1 buyer for $25.00 until 2026-08-03 22:30:01 UTC, with state. The first 2 valid claims get it.",
    ),
    (
        Row(
            Event.PING_POST_CLAIMED,
            buyer_id=7,
            cost_cents=2500,
            data={"offer": "x", "assignment": "y", "after_ms": 1_200},
        ),
        "Acme Roofing: claimed the lead 1.2 s after it was shown. $25.00 was charged.",
    ),
    (
        Row(Event.PING_POST_CLOSED, data={"offer": "x", "reason": "claimed", "claims": 1}),
        "The offer closed: all its places were claimed. 1 buyer claimed the lead.",
    ),
    (
        Row(
            Event.PING_POST_CLOSED,
            data={"offer": "x", "reason": "window_over", "claims": 0, "losers": [{"buyer_id": 7}]},
        ),
        "The offer closed: its time was over. No buyer claimed the lead. The claim of 1 buyer was refused.",
    ),
    (
        Row(Event.DISTRIBUTED, cost_cents=2_500, data={"buyers": 1, "ended_by": "post_deadline_passed"}),
        "Sold to 1 buyer for $25.00. No other buyer gets it: "
        "No buyer's system accepted the lead before the campaign's deadline.",
    ),
    (
        Row(
            Event.DELIVERY_STARTED,
            buyer_id=7,
            cost_cents=2_500,
            data={"assignment": "x", "deadline_at": "2026-08-02T14:04:22+00:00"},
        ),
        "Acme Roofing: its system is asked whether it accepts the lead. $25.00 is held until it answers. "
        "If it rejects the lead, other buyers are asked until 2026-08-02 14:04:22 UTC.",
    ),
    (
        Row(Event.DELIVERY_ACCEPTED, buyer_id=7, cost_cents=2_500, data={"assignment": "x"}),
        "Acme Roofing: its system accepted the lead. $25.00 was charged.",
    ),
    (
        Row(
            Event.DELIVERY_REJECTED,
            buyer_id=7,
            cost_cents=2_500,
            data={"assignment": "x", "reason": "Duplicate"},
        ),
        'Acme Roofing: its system rejected the lead, with the reason "Duplicate". $25.00 is no longer held.',
    ),
    (
        Row(Event.DELIVERY_REJECTED, buyer_id=7, cost_cents=2_500, data={"assignment": "x", "reason": ""}),
        "Acme Roofing: its system rejected the lead without a reason. $25.00 is no longer held.",
    ),
    (
        Row(
            Event.DELIVERY_STARTED,
            buyer_id=7,
            cost_cents=2_500,
            data={"assignment": "x", "deadline_at": "2026-08-02T14:04:22+00:00", "is_test": True},
        ),
        "Acme Roofing: its system is asked at its test URL whether it accepts the lead. Nothing is held. "
        "If it rejects the lead, other buyers are asked until 2026-08-02 14:04:22 UTC.",
    ),
    (
        Row(
            Event.DELIVERY_ACCEPTED,
            buyer_id=7,
            cost_cents=2_500,
            data={"assignment": "x", "is_test": True},
        ),
        "Acme Roofing: its system accepted the lead. Nothing was charged: it is a test.",
    ),
    (
        Row(
            Event.DELIVERY_REJECTED,
            buyer_id=7,
            cost_cents=2_500,
            data={"assignment": "x", "reason": "", "is_test": True},
        ),
        "Acme Roofing: its system rejected the lead without a reason.",
    ),
    (
        Row(
            Event.AUCTION_OPENED,
            data={
                "offer": "x",
                "deadline_ms": 1_000,
                "max_buyers": 1,
                "fields": ["zip3", "state"],
                "withheld": ["attributes.note"],
                "shown": [
                    {"is_asked": True, "standing_cents": None},
                    {"is_asked": True, "standing_cents": 900},
                    {"is_asked": False, "standing_cents": 800},
                    {"is_asked": False, "standing_cents": None},
                ],
            },
        ),
        "Auction opened: 2 buyers asked for a bid within 1.0 s, with zip3, state; 1 standing bid. Not sent, because "
        "the value may identify the person: note.",
    ),
    (
        Row(Event.AUCTION_OPENED, data={"deadline_ms": 0, "fields": [], "shown": []}),
        "Auction opened: no buyer bids.",
    ),
    (
        Row(
            Event.BID_RECEIVED,
            buyer_id=7,
            data={"offer": "x", "outcome": "bid", "bid_cents": 2_500, "latency_ms": 40, "rank": 2},
        ),
        "Acme Roofing: bid $25.00 after 40 ms, rank 2.",
    ),
    (
        Row(
            Event.BID_RECEIVED,
            buyer_id=7,
            data={"offer": "x", "outcome": "standing", "bid_cents": 900, "answered": "timeout", "rank": 1},
        ),
        "Acme Roofing: standing bid of $9.00, because it did not answer in time, rank 1.",
    ),
    (
        Row(
            Event.BID_RECEIVED,
            buyer_id=7,
            data={"offer": "x", "outcome": "no_bid", "latency_ms": 40, "reason": "not this week"},
        ),
        "Acme Roofing: did not bid after 40 ms: not this week.",
    ),
    (
        Row(Event.BID_RECEIVED, buyer_id=7, data={"offer": "x", "outcome": "timeout"}),
        "Acme Roofing: did not answer in time.",
    ),
    (
        Row(Event.BID_RECEIVED, buyer_id=7, data={"offer": "x", "outcome": "timeout", "waited_ms": 1_499}),
        "Acme Roofing: did not answer within 1.5 s.",
    ),
    (
        Row(Event.AUCTION_CLOSED, data={"offer": "x", "reason": "bids_in"}),
        "The auction closed: all bids were in.",
    ),
]


@pytest.mark.parametrize(
    ("row", "sentence"), EVENTS, ids=[f"{row.event}-{n}" for n, (row, _) in enumerate(EVENTS)]
)
def test_event_is_one_sentence(row: Row, sentence: str) -> None:
    assert sentence_of(row) == sentence


def test_every_event_code_has_words() -> None:
    assert set(narrator.EVENT_WORDS) == set(Event)
    assert {row.event for row, _ in EVENTS} | {Event.BUYER_SKIPPED} == set(Event)


@pytest.mark.parametrize("reason", [code for code, each in SKIP_REASONS.items() if Level.LEAD in each.levels])
@pytest.mark.parametrize("outcome", ["unsold", "deferred", "retry", "failed", "duplicate", "expired"])
def test_failure_shows_its_reason_for_every_outcome(reason: str, outcome: str) -> None:
    sentence = sentence_of(Row(Event.FAILED, outcome=outcome, skip_reason=reason))

    assert SKIP_REASONS[reason].sentence in sentence
    ends = outcome in {"unsold", "failed"}
    is_of_lead = SKIP_REASONS[reason].fixer is Fixer.LEAD
    assert ("Someone must act" in sentence) == (ends and not is_of_lead)
    assert ("No one has to act." in sentence) == (ends and is_of_lead)


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


def test_price_of_an_auction_is_the_one_without_it() -> None:
    """The winner pays its bid."""
    tiers = {"tiers": [{"price_cents": 4_000, "base_cents": 4_000, "applied": []}]}
    price = Row(Event.PRICING_COMPUTED, data=tiers)
    closed = Row(Event.AUCTION_CLOSED, data={"offer": "x", "reason": "bids_in"})

    assert describe_events([price], names=NAMES) == ["The price is $40.00."]
    assert describe_events([closed, price], names=NAMES)[1] == "Without an auction, the price is $40.00."


def test_agency_acts_on_an_offer_without_a_claim_and_a_buyer_on_its_bid() -> None:
    assert sentence_of(Row(Event.FAILED, outcome="unsold", skip_reason="offer_unclaimed")) == (
        "Not sold: No buyer claimed the lead while its offer was open. Someone must act: the agency can fix it."
    )
    fixers = {code: fixer_of(code) for code in ("offer_unclaimed", "no_bids", "outbid", "outranked")}
    assert fixers == {
        "offer_unclaimed": "agency",
        "no_bids": "agency",
        "outbid": "buyer",
        "outranked": "outranked",
    }


def test_field_that_became_an_attribute_is_described_without_its_name() -> None:
    assert describe_correction("attributes", "moved").startswith(
        "an unknown field was stored as an attribute"
    )
    assert describe_correction("email", "moved") == "email was sent under another name and was stored"


def test_attempt_has_a_headline_for_every_trigger_and_result() -> None:
    assert set(narrator.TRIGGERS) == set(AttemptTrigger.values)
    assert set(RESULTS) == set(AttemptResult.values)
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
    assert set(OTHER_STAGES) == {"enrolled", "bid", "offered", "locked", "selected"}


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

    assert sentence_of(row) == "Acme Roofing: beamed_up (of_tomorrow)."
