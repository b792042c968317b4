"""An unreadable part of the definition affects only its owner, with a reason, whatever the part is."""

from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distribution.engine import DefinitionError, compile_campaign, decide
from distribution.explain.remedy import WhatIfResult, assess
from tests.unit.engine.builders import buyer, definition, enrollment, facts, tier
from tracing.obstacles import describe_gate
from tracing.skip_reasons import SKIP_REASONS

CIRCLE: Final = {"zip": "99999", "miles": 5, "latitude": None, "longitude": None}
QUESTION: Final = {"key": "k", "field": "zip", "op": "eq"}
# Where a part is, and the reason that its owner gets.
PARTS: Final = {
    ("buyers", "service_area"): "outside_service_area",
    ("buyers", "hours"): "outside_buyer_hours",
    ("buyers", "timezone"): "outside_buyer_hours",
    ("buyers", "answers"): "onboarding_mismatch",
    ("enrollments", "lead_filter"): "lead_filter_rejected",
    ("tiers", "content_filter"): "lead_filter_rejected",
}
EXAMPLES: Final[list[tuple[str, str, Any, str]]] = [
    ("buyers", "service_area", {"radius": [CIRCLE]}, "'99999' is not a US ZIP code with a known location"),
    (
        "buyers",
        "service_area",
        {"everywhere": True, "exclude": {"radius": [CIRCLE]}},
        "'99999' is not a US ZIP",
    ),
    ("buyers", "service_area", ["GA"], "must be an object"),
    ("buyers", "hours", {"someday": []}, "hours.someday"),
    ("buyers", "timezone", "Mars/Base", "unknown time zone"),
    ("buyers", "answers", ["k"], "must be an object"),
    ("enrollments", "lead_filter", {"field": "zip"}, "lead_filter.op"),
    ("tiers", "content_filter", {"field": "x", "op": "like", "value": 1}, "content_filter.op"),
]
WORDS: Final = st.sampled_from(
    [
        *(
            "radius",
            "zips",
            "states",
            "counties",
            "exclude",
            "everywhere",
            "zip",
            "miles",
            "latitude",
            "longitude",
        ),
        *(
            "mon",
            "sun",
            "all",
            "any",
            "not",
            "field",
            "op",
            "value",
            "in",
            "eq",
            "k",
            "GA:Fulton County",
            "UTC",
            "",
        ),
    ]
)
JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(), inner, max_size=3),
    max_leaves=8,
)


def world() -> dict[str, Any]:
    """Two buyers, each in its own tier. Both accept every lead."""
    return definition(
        [enrollment(1), enrollment(2, tier_id=2)],
        [buyer(101), buyer(102)],
        [tier(1), tier(2)],
        questions=[QUESTION],
    )


def with_part(table: str, key: str, value: Any) -> dict[str, Any]:
    changed = deepcopy(world())
    changed[table][0][key] = value
    return changed


def judge(table: str, key: str, value: Any) -> tuple[dict[str, Any], ...]:
    """The failures of the part's owner. The other buyer gets leads as if nothing was wrong."""
    changed = with_part(table, key, value)
    decision = decide(compile_campaign(changed), facts(changed))
    bought = {each.buyer_id for each in decision.selected}
    skipped = {each.buyer_id: each for each in decision.skipped}
    assert bought == ({101} if 101 not in skipped else {102})
    return skipped[101].gates if 101 in skipped else ()


@pytest.mark.parametrize(("table", "key", "value", "problem"), EXAMPLES)
def test_unreadable_part_affects_only_its_owner(table: str, key: str, value: Any, problem: str) -> None:
    [failure] = judge(table, key, value)

    assert failure["gate"] == PARTS[table, key]
    assert problem in failure["problem"]
    assert failure["problem"].startswith(key)
    obstacle = describe_gate(failure)
    assert obstacle.finding.startswith(f"{SKIP_REASONS[failure['gate']].clause}: ")
    assert f"cannot be read ({failure['problem']})" in obstacle.finding
    assert obstacle.change.startswith("correct its ") or obstacle.change == "correct what it answered"


@pytest.mark.parametrize(("table", "key", "value", "problem"), EXAMPLES)
def test_form_refuses_an_unreadable_part(table: str, key: str, value: Any, problem: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        compile_campaign(with_part(table, key, value), is_strict=True)

    assert refused.value.path.startswith(f"{table}[0].{key}")
    assert problem in str(refused.value)


@pytest.mark.parametrize(("table", "key", "value"), [example[:3] for example in EXAMPLES])
def test_corrected_part_lets_the_lead_through(table: str, key: str, value: Any) -> None:
    changed = with_part(table, key, value)

    assessment = assess(changed, facts(changed), buyer_id=101)

    assert assessment.ending is WhatIfResult.SELECTED
    assert [each.assumed.endswith("corrected") for each in assessment.fixes] == [True]


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(sorted(PARTS)), JSON)
def test_no_part_breaks_the_campaign(part: tuple[str, str], value: Any) -> None:
    table, key = part
    try:
        compile_campaign(with_part(table, key, value), is_strict=True)
        is_readable = True
    except DefinitionError:
        is_readable = False

    problems = [each["gate"] for each in judge(table, key, value) if "problem" in each]

    assert problems == ([] if is_readable else [PARTS[part]])


def test_person_does_not_sell_to_a_buyer_without_a_time_zone() -> None:
    """Its caps could not be counted. An unreadable service area may be overridden like any other."""
    for key, value, is_sold in (("timezone", "Mars/Base", False), ("service_area", ["GA"], True)):
        changed = with_part("buyers", key, value)
        decision = decide(compile_campaign(changed), replace(facts(changed), chosen=1))
        assert bool(decision.selected) is is_sold
