"""Which rule wins, checked against a slow and independent reading of the same rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.rules.cycles import find_path
from routing.rules.ruleset import Hop, PathTooLong, Plan, RuleBroken, RuleSet, compile_rules
from tests.unit.engine.oracle_conditions import truth
from tests.unit.engine.strategies import FILTERS, VALUES

FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "attributes.x": VALUES | st.lists(VALUES, max_size=2),
        "attributes.y": VALUES,
        "state": st.sampled_from(["GA", "AL", "TX"]),
        "zip": st.sampled_from(["30312", "35203"]),
        "county": st.just("Fulton County"),
    },
)
GEORGIA = {"field": "state", "op": "eq", "value": "GA"}


def rows(conditions: list[Any], *, destination_id: int = 2) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "name": f"rule {number}",
            "destination_id": destination_id,
            "tags": [],
            "conditions": each,
        }
        for number, each in enumerate(conditions, start=1)
    ]


@given(st.lists(FILTERS, max_size=8), FIELDS)
def test_first_matching_rule_wins(conditions: list[Any], fields: dict[str, Any]) -> None:
    rules = compile_rules(rows(conditions))
    expected = [number for number, each in enumerate(conditions, start=1) if truth(each, fields) is True]

    won = rules.find(fields)

    assert (won.id if won else None) == (expected[0] if expected else None)


@given(st.lists(FILTERS, max_size=8), FIELDS)
def test_dry_run_explains_each_rule_above_the_winner(conditions: list[Any], fields: dict[str, Any]) -> None:
    rules = compile_rules(rows(conditions))
    tried = list(rules.try_each(fields))
    won = rules.find(fields)

    assert [each.rule for each in tried if each.won] == ([won] if won else [])
    assert [each.won for each in tried[:-1]] == [False] * (len(tried) - 1)
    assert len(tried) == (won.id if won else len(conditions))
    for each in tried:
        assert each.won or each.failures
        for failure in each.failures:
            assert failure["observed"] == fields.get(failure["field"])


DAGS = st.lists(
    st.lists(st.tuples(FILTERS, st.integers(1, 4)), max_size=3), min_size=1, max_size=5
)  # for each workspace: condition, and how far ahead its destination is


@given(DAGS, FIELDS)
def test_path_follows_the_rules_from_workspace_to_workspace(
    graph: list[list[tuple[Any, int]]], fields: dict[str, Any]
) -> None:
    sets: dict[int, RuleSet] = {}
    for here, found in enumerate(graph):
        made = [
            row
            for number, (condition, ahead) in enumerate(found)
            for row in [{**rows([condition], destination_id=here + ahead)[0], "id": 10 * here + number}]
        ]
        sets[here] = compile_rules(made)

    path = Plan(0, 1, sets).find_path(fields, max_hops=8)

    expected, here = [], 0
    while here < len(graph):
        match = next(
            (place for place, (condition, _) in enumerate(graph[here]) if truth(condition, fields)), None
        )
        if match is None:
            break
        expected.append((here, 10 * here + match))
        here += graph[here][match][1]
    assert [(hop.workspace_id, hop.rule.id) for hop in path] == expected


def test_missing_field_fails_and_an_empty_group_takes_every_lead() -> None:
    """A missing field fails every condition that names it."""
    rules = compile_rules(
        rows([{"field": "revenue", "op": "lt", "value": 5}, {"all": [GEORGIA]}, {"all": []}])
    )

    assert [rules.find(fields).id for fields in ({"revenue": 4}, {"state": "GA"}, {})] == [1, 2, 3]  # type: ignore[union-attr]


def test_endless_path_is_an_error() -> None:
    """The database prevents cycles. A plan that has one anyway still stops."""
    cycle = {1: compile_rules(rows([{}], destination_id=2)), 2: compile_rules(rows([{}], destination_id=1))}

    with pytest.raises(PathTooLong, match="more than 3 rules in a row, from workspace 1"):
        Plan(1, 1, cycle).find_path({}, max_hops=3)


def test_workspace_without_rules_keeps_its_leads() -> None:
    assert Plan(1, 0, {}).find_path({"state": "GA"}, max_hops=8) == ()
    only = compile_rules(rows([GEORGIA], destination_id=7))
    assert Plan(1, 1, {1: only}).find_path({"state": "AL"}, max_hops=8) == ()
    assert Plan(1, 1, {1: only}).find_path({"state": "GA"}, max_hops=8) == (Hop(1, only.rules[0]),)


def test_stored_rule_that_does_not_compile_is_named() -> None:
    rules = compile_rules(rows([{}, {"field": "state", "op": "near"}]))
    with pytest.raises(RuleBroken, match="routing rule 2: op: unknown operator") as broken:
        rules.find({})
    assert broken.value.rule_id == 2


@pytest.mark.parametrize(
    ("edges", "way"),
    [
        ([], []),
        ([(2, 1)], [2, 1]),
        ([(2, 3), (3, 1)], [2, 3, 1]),
        ([(2, 3), (3, 4), (4, 1), (2, 5), (5, 1)], [2, 5, 1]),
        ([(1, 2), (3, 1)], []),
        ([(2, 3), (3, 2)], []),
    ],
)
def test_shortest_path_is_found(edges: list[tuple[int, int]], way: list[int]) -> None:
    assert find_path(edges, start=2, end=1) == way
