"""Relaxing a condition: it accepts the lead afterwards, whatever it was, and changes as little as possible."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.explain.remedy.relaxing import accepts, relax
from tests.unit.engine.strategies import CONDITIONS, VALUES

FIELDS = {"state": "GA", "attributes.age": 5}


def leaf(op: str, value: Any, field: str = "attributes.age") -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


@given(CONDITIONS, st.none() | VALUES | st.lists(VALUES, max_size=2), st.none() | VALUES)
def test_relaxed_condition_accepts_the_lead(condition: Any, x: Any, y: Any) -> None:
    fields = {"state": "GA", "attributes.x": x, "attributes.y": y}

    relaxed = relax(condition, fields=fields)

    assert accepts(relaxed.condition, fields=fields)
    assert bool(relaxed.changes) != accepts(condition, fields=fields)


@pytest.mark.parametrize(
    ("condition", "relaxed", "changes"),
    [
        (leaf("eq", 9), leaf("in", [9, 5]), ("“age is 9” to “age is one of 9, 5”",)),
        (leaf("in", [1]), leaf("in", [1, 5]), ("“age is one of 1” to “age is one of 1, 5”",)),
        (leaf("not_in", [5, 6]), leaf("not_in", [6]), ("“age is none of 5, 6” to “age is none of 6”",)),
        (leaf("not_in", [5]), None, ("leave out “age is none of 5”",)),
        (leaf("gt", 5), leaf("gte", 5), ("“age > 5” to “age >= 5”",)),
        (
            leaf("between", [7, 9]),
            leaf("between", [5, 9]),
            ("“age is between 7 and 9” to “age is between 5 and 9”",),
        ),
        (leaf("gte", "x"), leaf("gte", 5), ("“age >= x” to “age >= 5”",)),
        (leaf("eq", 1, "attributes.absent"), None, ("leave out “absent is 1”",)),
        ({"not": leaf("lt", 9)}, None, ("leave out “not age < 9”",)),
        (
            {"all": [leaf("eq", "GA", "state"), leaf("gte", 7)]},
            {"all": [leaf("eq", "GA", "state"), leaf("gte", 5)]},
            ("“age >= 7” to “age >= 5”",),
        ),
        (
            {"any": [{"all": [leaf("gte", 7), leaf("eq", "AL", "state")]}, leaf("lte", 3)]},
            {"any": [{"all": [leaf("gte", 7), leaf("eq", "AL", "state")]}, leaf("lte", 5)]},
            ("“age <= 3” to “age <= 5”",),
        ),
    ],
)
def test_nearest_change_is_chosen(condition: Any, relaxed: Any, changes: tuple[str, ...]) -> None:
    made = relax(condition, fields=FIELDS)

    assert (made.condition, made.changes) == (relaxed, changes)
