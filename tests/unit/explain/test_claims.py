"""For any decision, a suggested fix really helps: tested by a cruder fix than the product's."""

import copy
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distribution.engine import Decision, DecisionFacts, compile_campaign, decide
from distribution.explain.remedy import WhatIfResult, assess
from routing.conditions import ConditionError, compile_condition
from tests.unit.engine import oracle_clocks
from tests.unit.engine.strategies import definitions, facts_for

quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(quick, max_examples=150)
@given(st.data())
def test_every_skipped_buyers_claim_agrees_with_the_engine(data: st.DataObject) -> None:
    definition = data.draw(definitions())
    facts = data.draw(facts_for(definition, oracle_clocks.window))
    untouched = copy.deepcopy(definition)

    for enrollment in definition["enrollments"]:
        assessment = assess(definition, facts, buyer_id=enrollment["buyer_id"])
        assert definition == untouched
        live = facts.live[enrollment["id"]]
        if live.has_lead or live.rejection is not None:
            assert assessment.ending in (WhatIfResult.NEVER, WhatIfResult.SELECTED)
            continue
        decision = decide_with_everything_fixed(definition, facts, enrollment["id"])
        assert claim_of(assessment) == answer_of(decision, enrollment["id"])


def claim_of(assessment: Any) -> tuple[str, int | None, int, int | None]:
    is_selected = assessment.ending is WhatIfResult.SELECTED
    verdict = "selected" if is_selected else "outranked"
    return verdict, assessment.rank, assessment.ranked, assessment.price_cents


def answer_of(decision: Decision, enrollment_id: int) -> tuple[str, int | None, int, int | None]:
    ranked = len(decision.ranking)
    for each in decision.selected:
        if each.enrollment_id == enrollment_id:
            return "selected", each.rank, ranked, each.price_cents
    [skip] = [each for each in decision.skipped if each.enrollment_id == enrollment_id]
    assert skip.gates == ()
    return skip.reason, skip.data["rank"], ranked, skip.price_cents


def decide_with_everything_fixed(
    definition: dict[str, Any], facts: DecisionFacts, enrollment_id: int
) -> Decision:
    """Every possible obstacle of this buyer is removed, whether it failed or not."""
    changed = copy.deepcopy(definition)
    [enrollment] = [each for each in changed["enrollments"] if each["id"] == enrollment_id]
    [buyer] = [each for each in changed["buyers"] if each["id"] == enrollment["buyer_id"]]
    [tier] = [each for each in changed["tiers"] if each["id"] == enrollment["tier_id"]]
    changed["campaign"]["schedule"] = {}
    tier["content_filter"] = None
    enrollment |= {"active": True, "lead_filter": None, "caps": {}, "budgets": {}}
    buyer |= {"active": True, "hours": {}, "service_area": {"everywhere": True}}
    for question in changed["campaign"]["questions"]:
        answer_fittingly(question, buyer["answers"], facts.lead.fields)
    live = replace(facts.live[enrollment_id], balance_cents=10**15)
    opened = replace(facts, live={**facts.live, enrollment_id: live}, locked=facts.locked - {enrollment_id})
    return decide(compile_campaign(changed), opened)


def answer_fittingly(question: dict[str, Any], answers: dict[str, Any], fields: Any) -> None:
    """The question itself is relaxed only if no answer fits, since that opens it for every buyer."""
    observed = fields.get(question["field"])
    if not question.get("required"):
        answers.pop(question["key"], None)
        return
    members = observed if isinstance(observed, list) else [observed]
    for answer in (answers.get(question["key"]), observed, members, *members):
        if answer not in (None, "", []) and fits(question, answer, fields):
            answers[question["key"]] = answer
            return
    answers.pop(question["key"], None)
    question["required"] = False


def fits(question: dict[str, Any], answer: Any, fields: Any) -> bool:
    try:
        leaf = compile_condition({"field": question["field"], "op": question["op"], "value": answer})
    except ConditionError:
        return False
    return leaf.matches(fields)


@settings(quick, max_examples=150)
@given(st.data())
def test_selected_buyer_needs_no_change(data: st.DataObject) -> None:
    definition = data.draw(definitions())
    facts = data.draw(facts_for(definition, oracle_clocks.window))

    for chosen in decide(compile_campaign(definition), facts).selected:
        assessment = assess(definition, facts, buyer_id=chosen.buyer_id)
        assert assessment.ending is WhatIfResult.SELECTED
        assert assessment.fixes == ()
        assert assessment.improvements == ()


@settings(quick, max_examples=150)
@given(st.data())
def test_only_failing_gates_are_fixed(data: st.DataObject) -> None:
    """No fix is named twice, and each belongs to a gate that the engine named or that those had hidden."""
    definition = data.draw(definitions())
    facts = data.draw(facts_for(definition, oracle_clocks.window))
    decision = decide(compile_campaign(definition), facts)

    for skip in decision.skipped:
        gates = [gate["gate"] for gate in skip.gates]
        assessment = assess(definition, facts, buyer_id=skip.buyer_id)
        fixed = [each.failure["gate"] for each in assessment.fixes]
        hidden = {"locked"} if skip.enrollment_id in facts.locked else set()
        assert fixed[: len(gates)] == gates or skip.reason in ("locked", "outranked")
        assert set(fixed[len(gates) :]) <= hidden
        assert len(fixed) <= len(gates) + 1
