"""Conditions as lines of a form: what can be shown comes back unchanged."""

from typing import Any

import pytest

from distribution.portal.conditions import Row, list_fields, make_condition, name_fields, read_rows

STATE = {"field": "state", "op": "in", "value": ["GA", "AL"]}
AGE = {"field": "attributes.roof_age", "op": "gte", "value": 10}


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ({}, []),
        (STATE, [Row("state", "in", "GA, AL")]),
        ({"all": [STATE, AGE]}, [Row("state", "in", "GA, AL"), Row("attributes.roof_age", "gte", "10")]),
        ({"field": "zip", "op": "in", "value": ["01001"]}, [Row("zip", "in", "01001")]),
        ({"field": "city", "op": "missing"}, [Row("city", "missing", "")]),
        ({"field": "consent", "op": "in", "value": [True]}, [Row("consent", "in", "yes")]),
        (
            {"field": "attributes.pets", "op": "in", "value": [False, 2.5]},
            [Row("attributes.pets", "in", "no, 2.5")],
        ),
    ],
)
def test_rows_give_back_the_condition(condition: dict[str, Any], rows: list[Row]) -> None:
    assert read_rows(condition) == rows
    assert make_condition(rows) == condition


@pytest.mark.parametrize(
    "condition",
    [
        {"any": [STATE, AGE]},
        {"not": STATE},
        {"all": [STATE, {"not": AGE}]},
        {"all": [STATE], "any": []},
        {"field": "attributes.size", "op": "between", "value": [1, 2]},
        {"field": "attributes.code", "op": "in", "value": ["12"]},  # text that looks like a number
        {"field": "city", "op": "in", "value": ["Winston, Salem"]},
        {"field": 3, "op": "in", "value": []},
        ["state"],
        "state",
    ],
)
def test_condition_that_rows_would_change_has_none(condition: Any) -> None:
    assert read_rows(condition) is None


def test_one_value_is_a_list_of_one() -> None:
    rows = read_rows({"field": "state", "op": "eq", "value": "GA"})
    assert rows == [Row("state", "in", "GA")]
    assert make_condition(rows) == {"field": "state", "op": "in", "value": ["GA"]}


def test_fields_are_named_at_every_level() -> None:
    named = name_fields([{"all": [STATE, {"not": AGE}]}, {"when": {"field": "zip", "op": "exists"}}, None, 3])
    assert named == {"state", "attributes.roof_age", "zip"}
    assert list_fields(named)[-1] == ("attributes.roof_age", "Roof age")
