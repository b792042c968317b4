"""Every gate names its fix or the reason why there is none, and "never" states its true cause."""

from dataclasses import replace
from typing import Any

import pytest

from distribution.engine import LiveFacts
from distribution.engine.gates import STAGES
from distribution.explain.remedy import Assessment, WhatIfResult, assess, fixes
from distribution.explain.remedy.fixes import FIXES, FixOutcome, GateFix, NoFix, fix
from distribution.explain.remedy.world import World
from tests.unit.engine.builders import buyer, definition, enrollment, facts
from tracing.gates import GATES

# Why a buyer that passed every gate does not take part in an auction.
OF_BIDS = ("no_bid", "bid_late", "bid_not_asked", "bid_unknown", "bid_below_reserve")
RETURNED = LiveFacts(balance_cents=9_000, has_lead=True)


def assess_first(campaign: dict[str, Any], **changes: Any) -> Assessment:
    return assess(campaign, facts(campaign, **changes), buyer_id=101)


def test_every_gate_has_a_fix_or_a_reason() -> None:
    assert set(FIXES) == {
        *STAGES,
        "outside_campaign_hours",
        "locked",
        "below_promised_price",
        "promise_ended",
        *OF_BIDS,
    }
    assert {code for code, row in FIXES.items() if isinstance(row.make, NoFix)} == {
        *("already_has_lead", "rejected_lead", *OF_BIDS[:-1]),
    }


def test_every_unreadable_part_has_a_correction() -> None:
    correctable = {code for code, row in FIXES.items() if row.correct is not None}
    assert correctable == {gate.code for gate in GATES if gate.part is not None}


def test_buyer_that_has_the_lead_can_never_get_it_again() -> None:
    assessment = assess_first(definition([enrollment(active=False)]), live={1: RETURNED}, sold_count=1)

    assert assessment.ending is WhatIfResult.NEVER
    assert assessment.blocked_by == "it bought this lead before, and a buyer gets a lead only once"


def test_gate_without_a_fix_states_its_own_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        fixes.FIXES,  # type: ignore[arg-type]
        "buyer_paused",
        GateFix(NoFix("its license was revoked")),
    )

    assessment = assess_first(definition(buyers=[buyer(active=False)]))

    assert (assessment.ending, assessment.blocked_by) == (WhatIfResult.NEVER, "its license was revoked")
    both = assess_first(definition(buyers=[buyer(active=False)]), live={1: RETURNED})
    assert both.blocked_by == (
        "its license was revoked; it bought this lead before, and a buyer gets a lead only once"
    )


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        ({"gate": "moon_phase", "fixed_at": None}, "no fix is known for this: moon_phase"),
        (
            {"gate": "cap_reached", "problem": "must be an object", "fixed_at": None},
            "no fix is known for this: a cap or budget is used up",
        ),
    ],
)
def test_unknown_failure_is_not_called_a_double_sale(failure: dict[str, Any], why: str) -> None:
    campaign = definition()
    world = World(campaign, facts(campaign), 1)

    assert fix(world, failure) == (world, FixOutcome(failure, "", blocked_by=why))


def test_insufficient_fix_names_the_gates_that_still_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        fixes.FIXES,  # type: ignore[arg-type]
        "buyer_paused",
        GateFix(lambda world, failure: (world, FixOutcome(failure, "nothing"))),
    )

    assessment = assess_first(definition(buyers=[buyer(active=False)]))

    assert assessment.ending is WhatIfResult.NEVER
    assert assessment.blocked_by == "every known fix was tried, and it still fails: it is paused"


def test_buyer_passed_over_by_hand_has_no_rank() -> None:
    campaign = definition([enrollment(1), enrollment(2)], max_buyers=2)

    assessment = assess(campaign, replace(facts(campaign), chosen=2), buyer_id=101)

    assert (assessment.ending, assessment.is_by_hand) == (WhatIfResult.OUTRANKED, True)
