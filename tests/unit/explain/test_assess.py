"""Each gate's nearest fix, its description, and the changes that would have lifted an outranked buyer."""

from datetime import timedelta
from typing import Any

import pytest

from distribution.engine import LiveFacts
from distribution.explain.remedy import Assessment, NotEnrolled, WhatIfResult, assess
from tests.unit.engine.builders import (
    AT,
    RICH,
    WEEKDAYS_NINE_TO_FIVE,
    buyer,
    definition,
    enrollment,
    facts,
    tier,
)
from tracing.skip_reasons import Fixer

FAR_AWAY = {"zip": "35203", "latitude": 33.52, "longitude": -86.81, "miles": 10}
QUESTION = {"key": "age", "field": "attributes.roof_age", "op": "gte"}


def assess_first(campaign: dict[str, Any], **changes: Any) -> Assessment:
    return assess(campaign, facts(campaign, **changes), buyer_id=101)


def fixed(assessment: Assessment) -> list[tuple[str, str]]:
    return [(each.failure["gate"], each.assumed) for each in assessment.fixes]


@pytest.mark.parametrize(
    ("own", "its_buyer", "gate", "assumed"),
    [
        ({"active": False}, {}, "enrollment_paused", "the enrollment active"),
        ({}, {"active": False}, "buyer_paused", "the buyer active"),
        ({}, {"service_area": {}}, "outside_service_area", "30312 added to its ZIPs"),
        ({}, {"service_area": {"radius": [FAR_AWAY]}}, "outside_service_area", "30312 added to its ZIPs"),
        (
            {},
            {"service_area": {"states": ["GA"], "exclude": {"zip_prefixes": ["303"], "zips": ["90210"]}}},
            "outside_service_area",
            "the exclusion removed",
        ),
        (
            {},
            {"service_area": {"exclude": {"counties": ["GA:Fulton County"]}}},
            "outside_service_area",
            "the exclusion removed and 30312 added to its ZIPs",
        ),
        (
            {"lead_filter": {"field": "attributes.roof_age", "op": "gte", "value": 20}},
            {},
            "lead_filter_rejected",
            "its own filter: “roof_age >= 20” to “roof_age >= 15”",
        ),
        (
            {},
            {"hours": {**WEEKDAYS_NINE_TO_FIVE, "wed": [["12:00", "13:00"]]}},
            "outside_buyer_hours",
            "open Wednesday at 11:30",
        ),
        ({"caps": {"day": 0}}, {}, "cap_reached", "leads per day 0 raised to 1"),
        ({"budgets": {"week": 2000}}, {}, "cap_reached", "budget per week $20.00 raised to $25.00"),
    ],
)
def test_gate_that_the_configuration_opens(
    own: dict[str, Any], its_buyer: dict[str, Any], gate: str, assumed: str
) -> None:
    assessment = assess_first(definition([enrollment(**own)], [buyer(**its_buyer)]))

    assert fixed(assessment) == [(gate, assumed)]
    assert (assessment.ending, assessment.rank, assessment.ranked) == (WhatIfResult.SELECTED, 1, 1)
    assert assessment.price_cents == 2500


def test_wallet_gets_the_missing_amount() -> None:
    assessment = assess_first(definition(), live={1: LiveFacts(balance_cents=1000, held_cents=200)})

    assert fixed(assessment) == [("insufficient_credits", "$17.00 more in its wallet")]
    assert assessment.ending is WhatIfResult.SELECTED


def test_several_gates_are_fixed_together() -> None:
    campaign = definition([enrollment(active=False)], [buyer(service_area={})])

    assessment = assess_first(campaign, live={1: LiveFacts()})

    assert [gate for gate, _ in fixed(assessment)] == [
        "enrollment_paused",
        "outside_service_area",
        "insufficient_credits",
    ]
    assert assessment.ending is WhatIfResult.SELECTED


def test_relaxed_tier_filter_admits_its_other_buyers_too() -> None:
    rejecting = {"field": "state", "op": "eq", "value": "AL"}
    campaign = definition(
        [enrollment(1, priority=1), enrollment(2, priority=5)],
        tiers=[tier(content_filter=rejecting)],
        mode="priority",
    )

    assessment = assess_first(campaign)

    assert fixed(assessment) == [
        ("lead_filter_rejected", "its tier's filter: “state is AL” to “state is one of AL, GA”")
    ]
    assert (assessment.ending, assessment.rank, assessment.ranked) == (WhatIfResult.OUTRANKED, 2, 2)


def test_answer_is_widened() -> None:
    campaign = definition(buyers=[buyer(answers={"age": 20})], questions=[QUESTION])

    assessment = assess_first(campaign)

    assert fixed(assessment) == [("onboarding_mismatch", '"age" answered with 15')]
    assert assessment.fixes[0].fixer is None
    assert assessment.ending is WhatIfResult.SELECTED


def test_agency_must_change_the_question_if_no_answer_fits() -> None:
    """The lead lacks the field that the question needs."""
    campaign = definition(questions=[{**QUESTION, "field": "attributes.absent", "required": True}])

    assessment = assess_first(campaign)

    assert fixed(assessment) == [("onboarding_mismatch", '"age" not required and no answer to "age"')]
    assert assessment.fixes[0].fixer is Fixer.AGENCY
    assert assessment.ending is WhatIfResult.SELECTED


def test_closed_campaign_hides_later_gates() -> None:
    campaign = definition(buyers=[buyer(active=False)], schedule={"sun": [["01:00", "02:00"]]})

    assessment = assess_first(campaign)

    assert [gate for gate, _ in fixed(assessment)] == ["outside_campaign_hours", "buyer_paused"]
    assert assessment.fixes[0].failure["fixed_at"] == "2025-06-08T05:00:00+00:00"
    assert assessment.ending is WhatIfResult.SELECTED


def test_busy_buyer_would_have_got_it() -> None:
    assessment = assess_first(definition(), locked=frozenset({1}))

    assert fixed(assessment) == [("locked", "not busy with another lead")]
    assert assessment.ending is WhatIfResult.SELECTED


def test_buyer_that_has_the_lead_cannot_get_it_again() -> None:
    campaign = definition([enrollment(active=False)])

    assessment = assess_first(campaign, live={1: LiveFacts(balance_cents=9000, has_lead=True)}, sold_count=1)

    assert [gate for gate, _ in fixed(assessment)] == ["enrollment_paused", "already_has_lead"]
    assert assessment.ending is WhatIfResult.NEVER


def test_sold_out_lead_needs_a_higher_number_of_buyers() -> None:
    assessment = assess_first(definition(), sold_count=1)

    assert assessment.ending is WhatIfResult.SOLD_OUT
    assert [(lift.kind, lift.change) for lift in assessment.improvements] == [
        ("max_buyers", "sell the lead to 2 buyers instead of 1")
    ]


def test_bid_that_wins_and_the_credits_it_needs() -> None:
    campaign = definition([enrollment(1), enrollment(2, bid_cents=4000)], mode="price")

    assessment = assess_first(campaign, live={1: LiveFacts(balance_cents=2500)})

    assert (assessment.ending, assessment.rank, assessment.ranked) == (WhatIfResult.OUTRANKED, 2, 2)
    [bid, more_buyers] = assessment.improvements
    assert (bid.kind, more_buyers.kind) == ("bid", "max_buyers")
    assert bid.change in ("bid at least $40.00", "bid at least $40.01")
    [credits] = bid.also
    assert credits.failure["gate"] == "insufficient_credits"


def test_lowest_priority_that_wins_is_suggested() -> None:
    """Among equal priorities the longest waiting buyer comes first, so a tie is not enough here."""
    campaign = definition([enrollment(1), enrollment(2, priority=7)], mode="priority")
    waited = {1: LiveFacts(balance_cents=9000, last_assigned_at=AT), 2: RICH}

    assert assess_first(campaign, live=waited).improvements[0].change == "priority 8 or higher"


def test_turn_of_another_buyer_is_an_improvement() -> None:
    campaign = definition([enrollment(1), enrollment(2)])
    served = {
        1: LiveFacts(balance_cents=9000, last_assigned_at=AT - timedelta(minutes=1)),
        2: LiveFacts(balance_cents=9000, last_assigned_at=AT - timedelta(hours=1)),
    }

    turn = assess_first(campaign, live=served).improvements[0]

    assert turn.kind == "turn"
    assert turn.change == (
        "nothing: its turn will come; it last got a lead at 2025-06-04 15:29:00 UTC, "
        "and the selected buyer got its last one at 2025-06-04 14:30:00 UTC"
    )


def test_turn_that_another_buyer_was_owed() -> None:
    """Turns are counted: a buyer skipped while busy comes first although it was served later."""
    campaign = definition([enrollment(1), enrollment(2)])
    served = {
        1: LiveFacts(balance_cents=9000, last_assigned_at=AT - timedelta(hours=1), virtual_finish=2 * 10**9),
        2: LiveFacts(balance_cents=9000, last_assigned_at=AT - timedelta(minutes=1), virtual_finish=10**9),
    }

    turn = assess_first(campaign, live=served).improvements[0]

    assert turn.change.endswith(
        "it last got a lead at 2025-06-04 14:30:00 UTC, "
        "and the selected buyer got its last one at 2025-06-04 15:29:00 UTC but was still one lead behind"
    )


def test_earlier_tier_is_not_a_matter_of_rank() -> None:
    campaign = definition(
        [enrollment(1, tier_id=2), enrollment(2, tier_id=1)], tiers=[tier(1), tier(2)], mode="price"
    )

    assert [lift.kind for lift in assess_first(campaign).improvements] == ["max_buyers"]


def test_buyer_that_was_not_enrolled() -> None:
    campaign = definition()
    with pytest.raises(NotEnrolled):
        assess(campaign, facts(campaign), buyer_id=999)
