"""The gate of a lead whose person is not verified, for the product and for a buyer that a person chose."""

from dataclasses import replace

import pytest

from distribution.engine import Decision, Phase, compile_campaign, decide
from tests.unit.engine.builders import definition, facts


def decide_of(how: str, *, chosen: int | None, **campaign: str) -> Decision:
    asks = definition(**campaign)
    found = facts(asks)
    lead = replace(found.lead, verification=how)
    return decide(compile_campaign(asks), replace(found, lead=lead, chosen=chosen))


@pytest.mark.parametrize(
    ("how", "end", "outcome", "overridden"),
    [
        ("", "fail", "gated", ("verification_required",)),
        ("call", "fail", "sold", ()),
        ("unverified", "sell", "sold", ()),
        ("unverified", "fail", "unsold", ("not_verified",)),
        ("unverified", "person", "unsold", ("not_verified",)),
    ],
)
def test_person_overrides_the_gate_and_it_is_named(
    how: str, end: str, outcome: str, overridden: tuple[str, ...]
) -> None:
    by_itself = decide_of(how, chosen=None, verification="required", unverified_end=end)
    by_hand = decide_of(how, chosen=1, verification="required", unverified_end=end)

    assert by_itself.outcome == outcome
    assert all(each.overridden == () for each in by_itself.selected)
    assert by_hand.outcome == "sold"
    assert [each.overridden for each in by_hand.selected] == [overridden]


@pytest.mark.parametrize("phase", ["push", "offer", "claim", "bids"])
def test_person_who_said_no_after_the_offer_opened_is_sold_to_nobody(phase: Phase) -> None:
    asks = definition(verification="required")
    found = replace(facts(asks), phase=phase)
    found = replace(found, lead=replace(found.lead, verification="declined"))

    decision = decide(compile_campaign(asks), found)

    assert (decision.outcome, decision.selected, decision.offered) == ("unsold", (), ())
    assert decision.verdict is not None
    assert decision.verdict.reason == "verification_declined"


@pytest.mark.parametrize("chosen", [None, 1])
def test_person_who_said_no_is_sold_to_nobody(chosen: int | None) -> None:
    decision = decide_of("declined", chosen=chosen, verification="required")

    assert (decision.outcome, decision.selected) == ("unsold", ())
    assert decision.verdict is not None
    assert decision.verdict.reason == "verification_declined"
