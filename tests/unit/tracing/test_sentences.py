"""No sentence contradicts the values it names, and its suggestion makes the engine pass.

Gates, operators and values are drawn. A simple reader with numbers but without types checks the sentences.
"""

import operator
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distribution.engine import DecisionFacts, DefinitionError, LeadFacts, compile_campaign, decide
from distribution.explain.remedy import WhatIfResult, assess
from tests.unit.engine.builders import AT, FIELDS, RICH, buyer, definition, enrollment, tier
from tracing.obstacles import describe_gate

NUMBERS: list[Any] = [0, 9, 10, 10.0, 12, 12.5, -1]
TEXTS: list[Any] = ["0", "9", "10", "12", "012", "12 years", "abc", "", "yes", "No", "true"]
SCALARS: list[Any] = [*NUMBERS, *TEXTS, True, False]
OBSERVED = st.none() | st.sampled_from(SCALARS) | st.lists(st.sampled_from(SCALARS), max_size=2)
PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
COMPARED: dict[str, Any] = {
    "is": operator.eq,
    "is not": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SENTENCE = re.compile(r"requires age (is not|is|<=|>=|<|>) (.+); the lead has age (.+?)( \(.*\))?$")
LEAVES = st.one_of(
    st.tuples(
        st.sampled_from(["eq", "ne", "contains"]), st.sampled_from(SCALARS).filter(lambda each: each != "")
    ),
    st.tuples(st.sampled_from(["lt", "lte", "gt", "gte"]), st.sampled_from([*NUMBERS, *TEXTS])),
    st.tuples(st.sampled_from(["in", "not_in"]), st.lists(st.sampled_from(SCALARS), min_size=1, max_size=2)),
    st.tuples(st.just("starts_with"), st.sampled_from(["1", "a"])),
)


def decided(changed: dict[str, Any], observed: Any) -> tuple[DecisionFacts, Any]:
    fields = {**FIELDS} | ({} if observed is None else {"attributes.age": observed})
    facts = DecisionFacts(LeadFacts(fields), {1: RICH}, AT, seed=1)
    return facts, decide(compile_campaign(changed), facts)


def judge(changed: dict[str, Any], observed: Any) -> None:
    """The sentence about the one buyer, read plainly, and its suggested fix."""
    facts, decision = decided(changed, observed)
    if decision.selected:
        return
    [skip] = decision.skipped
    for gate in skip.gates:
        obstacle = describe_gate(gate)
        assert "accepts missing" not in obstacle.change
        assert "accepts none" not in obstacle.change or observed == []
        read_plainly(obstacle.finding)
    assessment = assess(changed, facts, buyer_id=101)
    assert assessment.ending is WhatIfResult.SELECTED, "the suggested fix makes the engine pass"
    assert [each.assumed for each in assessment.fixes if "missing" in each.assumed.partition(" to ")[2]] == []


def read_plainly(finding: str) -> None:
    """Two numbers without a word about their types: the comparison must really fail."""
    matched = SENTENCE.search(finding)
    if matched is None or matched[4]:
        return
    if PLAIN_NUMBER.fullmatch(matched[2]) and PLAIN_NUMBER.fullmatch(matched[3]):
        assert not COMPARED[matched[1]](float(matched[3]), float(matched[2])), finding
    elif matched[1] == "is":
        assert matched[2] != matched[3], finding


@settings(deadline=None, max_examples=150)
@given(LEAVES, OBSERVED, st.sampled_from(["enrollment", "tier"]), st.booleans())
def test_sentence_of_a_filter_is_true(
    leaf: tuple[str, Any],
    observed: Any,
    scope: str,
    negated: bool,  # noqa: FBT001
) -> None:
    condition: Any = {"field": "attributes.age", "op": leaf[0], "value": leaf[1]}
    condition = {"not": condition} if negated else condition
    if scope == "tier":
        judge(definition(tiers=[tier(content_filter=condition)]), observed)
    else:
        judge(definition([enrollment(lead_filter=condition)]), observed)


@settings(deadline=None, max_examples=150)
@given(LEAVES, OBSERVED, st.booleans())
def test_sentence_of_onboarding_is_true(leaf: tuple[str, Any], observed: Any, required: bool) -> None:  # noqa: FBT001
    question = {"key": "age", "field": "attributes.age", "op": leaf[0], "required": required}
    try:
        changed = definition(buyers=[buyer(answers={"age": leaf[1]})], questions=[question])
        compile_campaign(changed)
    except DefinitionError:
        return
    judge(changed, observed)


@pytest.mark.parametrize(
    ("condition", "observed", "sentence"),
    [
        (("gte", 10), "12 years", "requires age >= 10; the lead has age 12 years (a text, not a number)"),
        (("gte", 10), "9", 'requires age >= 10; the lead has age "9"'),
        (("lt", "10"), 9, 'requires age < "10"; the lead has age 9 (compared as text, letter by letter)'),
        (("eq", "12"), 13, 'requires age is "12"; the lead has age 13 (a number, compared as text)'),
        (("eq", 1), True, "requires age is 1; the lead has age yes (a flag, not a number)"),
        (("eq", True), "maybe", "requires age is yes; the lead has age maybe"),
        (("gte", 10), [12], "requires age >= 10; the lead has age 12 (a list, not one value)"),
    ],
)
def test_sentence_names_the_type_if_it_is_the_reason(condition: Any, observed: Any, sentence: str) -> None:
    leaf = {"field": "attributes.age", "op": condition[0], "value": condition[1]}
    _, decision = decided(definition([enrollment(lead_filter=leaf)]), observed)
    [gate] = decision.skipped[0].gates
    assert describe_gate(gate).finding.endswith(sentence)


@pytest.mark.parametrize(
    ("required", "fixer", "change"),
    [
        (True, "agency", 'have the source send age, or make "age" optional and leave it unanswered'),
        (False, "buyer", 'leave "age" unanswered, or have the source send age'),
    ],
)
def test_answer_is_not_blamed_for_a_missing_field(*, required: bool, fixer: str, change: str) -> None:
    question = {"key": "age", "field": "attributes.age", "op": "in", "required": required}
    _, decision = decided(definition(buyers=[buyer(answers={"age": [1]})], questions=[question]), None)
    [gate] = decision.skipped[0].gates
    obstacle = describe_gate(gate)
    assert (obstacle.fixer, obstacle.change) == (fixer, change)
    assert obstacle.finding.endswith('its answer to "age" is 1, but the lead has no age')
