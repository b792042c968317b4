"""The engine against the oracle on generated campaigns, leads and live facts."""

from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distribution.engine import Decision, compile_campaign, decide
from tests.unit.engine import oracle, oracle_clocks
from tests.unit.engine.strategies import definitions, facts_for

NO_TROUBLE = st.just(frozenset[str]())
WAITING = st.just(frozenset({"hours", "cap", "schedule"}))
quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(quick, max_examples=300)
@given(st.data())
def test_engine_agrees_with_the_oracle(data: st.DataObject) -> None:
    compare(data, definitions())


@settings(quick, max_examples=150)
@given(st.data())
def test_engine_agrees_on_when_a_waiting_buyer_opens(data: st.DataObject) -> None:
    compare(data, definitions(kinds=WAITING, counts=st.integers(1, 3)))


@settings(quick, max_examples=100)
@given(st.data())
def test_engine_agrees_on_the_weighted_order(data: st.DataObject) -> None:
    compare(data, definitions(kinds=NO_TROUBLE, counts=st.integers(2, 6), modes=("weighted",)))


def compare(data: st.DataObject, campaigns: st.SearchStrategy[dict[str, Any]]) -> None:
    definition = data.draw(campaigns)
    facts = data.draw(facts_for(definition, oracle_clocks.window))

    decision = decide(compile_campaign(definition), facts)

    assert as_answer(decision) == oracle.answer(definition, facts)
    if decision.verdict and decision.verdict.retry_at:
        assert decision.verdict.retry_at > facts.at


def as_answer(decision: Decision) -> oracle.Answer:
    verdict = decision.verdict
    return oracle.Answer(
        outcome=decision.outcome,
        selected=[
            (each.enrollment_id, each.price_cents, each.new_virtual_finish) for each in decision.selected
        ],
        skipped={
            skip.enrollment_id: (skip.reason, [(gate["gate"], detail(gate)) for gate in skip.gates])
            for skip in decision.skipped
        },
        ranking=list(decision.ranking),
        funnel=list(decision.funnel),
        verdict=None
        if verdict is None
        else (verdict.reason, verdict.retry_class, verdict.retry_at, verdict.emptied_by),
    )


def detail(gate: dict[str, Any]) -> Any:
    """The part of a failure that the oracle also computes."""
    match gate["gate"]:
        case "onboarding_mismatch":
            return sorted(gate["required"])
        case "lead_filter_rejected":
            return gate["scope"]
        case "outside_buyer_hours":
            return time(gate["opens_at"])
        case "cap_reached":
            full = [(each["window"], each["kind"], time(each["resets_at"])) for each in gate["windows"]]
            return sorted(full, key=str)
        case "insufficient_credits":
            return gate["missing_cents"]
        case "rejected_lead":
            return gate["reason"]
    return None


def time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
