"""The condition language against a slow evaluator that follows its definition word for word."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.conditions import (
    MAX_DEPTH,
    MAX_LEAVES,
    ConditionError,
    KnownFields,
    compile_condition,
    describe_leaf,
    validate,
)

KNOWN = KnownFields(kinds={"zip": "text", "state": "text", "consent": "flag", "age": "number"})


def leaf(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op} if value is None else {"field": field, "op": op, "value": value}


# --- the slow evaluator: True, False, or None for unknown ---


def evaluate(condition: Any, fields: dict[str, Any]) -> bool | None:
    if not condition:
        return True
    if "not" in condition:
        inner = evaluate(condition["not"], fields)
        return None if inner is None else not inner
    if "all" in condition:
        results = [evaluate(member, fields) for member in condition["all"]]
        return False if False in results else None if None in results else True
    if "any" in condition:
        results = [evaluate(member, fields) for member in condition["any"]]
        return True if True in results else None if None in results else False
    return evaluate_leaf(fields.get(condition["field"]), condition["op"], condition.get("value"))


def kind_of(value: Any) -> str:
    return (
        "flag"
        if isinstance(value, bool)
        else "number"
        if isinstance(value, int | float)
        else type(value).__name__
    )


# How a lead's value is read for a literal of each type, value by value. Other values match only their own type.
SPELLED: dict[str, list[tuple[Any, Any]]] = {
    "number": [("1", 1), ("2", 2), ("2.5", 2.5), ("-1", -1), ("1.0", 1)],
    "str": [(1, "1"), (1.0, "1"), (0, "0"), (2, "2"), (2.5, "2.5"), (-1, "-1")],
    "flag": [("true", True), ("Yes", True), ("no", False)],
}


def as_read_by(literal: Any, observed: Any) -> Any:
    """None if it cannot be read like that."""
    if kind_of(observed) == kind_of(literal):
        return observed
    for written, read in SPELLED[kind_of(literal)]:
        if kind_of(observed) == kind_of(written) and observed == written:
            return read
    return None


def same(observed: Any, literal: Any) -> bool:
    read = as_read_by(literal, observed)
    return read is not None and bool(read == literal)


def evaluate_leaf(observed: Any, op: str, value: Any) -> bool | None:  # noqa: C901, one case an operator
    if op in ("missing", "exists"):
        return (observed is None) == (op == "missing")
    if observed is None:
        return None
    members = observed if isinstance(observed, list) else [observed]
    literal = value[0] if op == "between" else value
    if op in ("lt", "lte", "gt", "gte", "between", "contains", "starts_with") and not isinstance(
        observed, list
    ):
        read = as_read_by(literal, observed)
        if read is None or (op == "contains" and kind_of(literal) != "str"):
            return False
        observed = read
    elif isinstance(observed, list) and op != "contains" and not op.endswith("in") and op not in ("eq", "ne"):
        return False
    match op:
        case "eq":
            return same(observed, value)
        case "ne":
            return not same(observed, value)
        case "in":
            return any(same(member, item) for member in members for item in value)
        case "not_in":
            return not any(same(member, item) for member in members for item in value)
        case "lt":
            return observed < value
        case "lte":
            return observed <= value
        case "gt":
            return observed > value
        case "gte":
            return observed >= value
        case "between":
            return value[0] <= observed <= value[1]
        case "contains" if isinstance(observed, list):
            return any(same(member, value) for member in observed)
        case "contains":
            return value in observed
        case "starts_with":
            return observed.startswith(value)
    raise AssertionError(op)


names = st.sampled_from(["zip", "state", "consent", "age", "attributes.roof"])
texts = st.sampled_from(["GA", "G", "AL", "1", "1.0", "01", "2.5", "-1", "true", "Yes", "no"])
numbers = st.sampled_from([0, 1, 1.0, 2, 2.5, -1])
scalars = texts | numbers | st.booleans()
ordereds = texts | numbers
ranges = st.lists(numbers, min_size=2, max_size=2).map(sorted) | st.lists(texts, min_size=2, max_size=2).map(
    sorted
)
leaves = st.one_of(
    st.builds(leaf, names, st.sampled_from(["eq", "ne"]), scalars),
    st.builds(leaf, names, st.sampled_from(["in", "not_in"]), st.lists(scalars, min_size=1, max_size=4)),
    st.builds(leaf, names, st.sampled_from(["lt", "lte", "gt", "gte"]), ordereds),
    st.builds(leaf, names, st.just("between"), ranges),
    st.builds(leaf, names, st.just("contains"), scalars),
    st.builds(leaf, names, st.just("starts_with"), texts),
    st.builds(leaf, names, st.sampled_from(["exists", "missing"])),
)
conditions = st.recursive(
    leaves | st.just({}),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=8,
)
lead_fields = st.dictionaries(names, scalars | st.none() | st.lists(scalars, max_size=3))


@settings(deadline=None)
@given(conditions, lead_fields)
def test_agrees_with_the_slow_evaluator(condition: Any, fields: dict[str, Any]) -> None:
    try:
        compiled = compile_condition(condition)
    except ConditionError as error:
        assert [path for path, _ in error.problems] == [""]  # noqa: PT017
        return
    expected = evaluate(condition, fields) is True
    assert compiled.matches(fields) is expected
    failures = compiled.failures(fields)
    assert (failures == []) is expected
    assert all(failure["observed"] == fields.get(failure["field"]) for failure in failures)
    assert compiled.describe()


@settings(deadline=None)
@given(conditions)
def test_empty_lead_passes_only_the_missing_operator(condition: Any) -> None:
    try:
        compiled = compile_condition(condition)
    except ConditionError:
        return
    uses_presence = "missing" in str(condition) or "exists" in str(condition)
    if compiled.fields and not uses_presence and "{}" not in str(condition) and "[]" not in str(condition):
        assert compiled.matches({}) is False


# --- examples that pin the rules ---


@pytest.mark.parametrize("condition", [None, {}, {"all": []}, {"all": [{}]}])
def test_empty_condition_matches_every_lead(condition: Any) -> None:
    compiled = compile_condition(condition)
    assert compiled.matches({}) is True
    assert compiled.fields == frozenset()
    assert compiled.describe() == "every lead"


@pytest.mark.parametrize(
    "condition",
    [
        leaf("age", "ne", 3),
        leaf("age", "not_in", [3]),
        {"not": leaf("age", "eq", 3)},
        {"not": {"not": {"not": leaf("age", "gte", 3)}}},
        {"not": leaf("age", "missing")},
    ],
)
def test_missing_field_fails_every_operator_except_missing(condition: Any) -> None:
    assert compile_condition(condition).matches({}) is False
    assert compile_condition(condition).matches({"age": None}) is False
    assert compile_condition(leaf("age", "missing")).matches({"age": None}) is True


@pytest.mark.parametrize(
    ("observed", "op", "value"),
    [
        ("12", "gte", 10),
        ("12", "between", [10, 12.5]),
        ("12.0", "eq", 12),
        ("-3", "lt", 0),
        (["5", "12"], "contains", 12),
        (12, "eq", "12"),
        (12.0, "in", ["12"]),
        (30312, "starts_with", "303"),
        (5, "contains", "5"),
        ("Yes", "eq", True),
        ("false", "in", [False]),
    ],
)
def test_literals_type_decides_how_a_value_is_read(observed: Any, op: str, value: Any) -> None:
    assert compile_condition(leaf("x", op, value)).matches({"x": observed}) is True
    assert compile_condition({"not": leaf("x", op, value)}).matches({"x": observed}) is False


@pytest.mark.parametrize(
    ("observed", "op", "value"),
    [
        ("012", "gte", 10),
        ("12 years", "gte", 10),
        ("1e3", "gte", 10),
        ("", "lt", 10),
        (12, "eq", "12.0"),
        ("12.0", "eq", "12"),
        (True, "gte", 0),
        (True, "eq", 1),
        (True, "eq", "true"),
        (1, "eq", True),
        (1, "in", [True]),
        (True, "in", [1, 0]),
        ([1], "eq", 1),
        ([True], "contains", 1),
        ({"a": 1}, "in", ["a"]),
    ],
)
def test_values_of_another_type_never_match(observed: Any, op: str, value: Any) -> None:
    assert compile_condition(leaf("x", op, value)).matches({"x": observed}) is False


def test_list_field_matches_by_member() -> None:
    fields = {"x": ["residential", "commercial"]}
    assert compile_condition(leaf("x", "contains", "commercial")).matches(fields) is True
    assert compile_condition(leaf("x", "in", ["commercial", "farm"])).matches(fields) is True
    assert compile_condition(leaf("x", "not_in", ["farm"])).matches(fields) is True


def test_failures_name_the_leaves_that_decided() -> None:
    compiled = compile_condition(
        {
            "all": [
                leaf("state", "in", ["GA"]),
                leaf("age", "gte", 10),
                {"not": leaf("zip", "starts_with", "303")},
            ]
        }
    )
    assert compiled.failures({"state": "GA", "zip": "30312"}) == [
        {"field": "age", "op": "gte", "required": 10, "observed": None},
        {"field": "zip", "op": "not_starts_with", "required": "303", "observed": "30312"},
    ]
    assert compiled.failures({"state": "GA", "zip": "10001", "age": 10}) == []
    assert compiled.fields == {"state", "age", "zip"}


def test_describe_reads_like_a_sentence() -> None:
    compiled = compile_condition(
        {
            "all": [
                leaf("attributes.roof_age", "gte", 10),
                leaf("state", "in", ["GA", "AL"]),
                {"any": [leaf("consent", "eq", value=True), {"not": leaf("age", "between", [1, 2])}]},
                leaf("zip", "exists"),
            ]
        }
    )
    assert compiled.describe() == (
        "roof_age >= 10 and state is one of GA, AL and (consent is yes or "
        "not age is between 1 and 2) and zip is given"
    )
    many = describe_leaf(field="zip", op="in", value=[str(number) for number in range(10)])
    assert many == "zip is one of 0, 1, 2, 3, 4, 5, 6, 7 and 2 more"


# --- refusals ---


@pytest.mark.parametrize(
    ("condition", "path", "hint"),
    [
        ([], "", "must be an object"),
        ("x", "", "must be an object"),
        ({"any": []}, "any", "use {}"),
        ({"not": {}}, "", "remove that `not`"),
        ({"all": {}}, "all", "put it in [ ]"),
        ({"all": [{"any": [{"field": "state", "op": "eq"}]}]}, "all[0].any[0].value", "must be text"),
        ({"all": [], "any": []}, "", "its own object"),
        ({"not": {"field": "state", "op": "eq", "value": "GA", "x": 1}}, "not.x", "remove it"),
        ({"field": "stat", "op": "eq", "value": "GA"}, "field", "did you mean 'state'?"),
        ({"field": "qqqq", "op": "eq", "value": "GA"}, "field", "attributes.<key>"),
        ({"field": "a b", "op": "eq", "value": "GA"}, "field", "must be a field name"),
        ({"op": "eq", "value": "GA"}, "field", "must be a field name"),
        ({"field": "state", "op": "equals", "value": "GA"}, "op", "use one of eq"),
        ({"field": "state", "op": "betwen", "value": "GA"}, "op", "did you mean 'between'?"),
        ({"field": "state", "value": "GA"}, "op", "is required"),
        ({"field": "state", "op": "exists", "value": True}, "value", "remove it"),
        ({"field": "state", "op": "in", "value": "GA"}, "value", "must be a list"),
        ({"field": "state", "op": "in", "value": []}, "value", "at least one"),
        ({"field": "state", "op": "in", "value": ["GA", []]}, "value", "value 1"),
        ({"field": "zip", "op": "eq", "value": 30312}, "value", "write it in quotes"),
        ({"field": "consent", "op": "eq", "value": "yes"}, "value", "true or false"),
        ({"field": "age", "op": "contains", "value": 1}, "value", "works on text"),
        ({"field": "age", "op": "between", "value": [2, 1]}, "value", "swap"),
        ({"field": "age", "op": "between", "value": [1, "2"]}, "value", "both"),
        ({"field": "age", "op": "between", "value": [1]}, "value", "two values"),
        ({"field": "age", "op": "gt", "value": True}, "value", "no order"),
        ({"field": "age", "op": "gt", "value": float("nan")}, "value", "finite"),
        ({"field": "age", "op": "gt", "value": 2**63}, "value", "64 bits"),
        ({"field": "state", "op": "starts_with", "value": ""}, "value", "at least one character"),
        ({"field": "state", "op": "contains", "value": ""}, "value", "empty"),
        ({"field": "state", "op": "eq", "value": "x" * 1001}, "value", "shorten"),
        ({"field": "state", "op": "eq", "value": "\x00"}, "value", "NUL"),
        ({"field": "state", "op": "eq", "value": "\ud800"}, "value", "surrogate"),
    ],
)
def test_refusals_name_the_path_and_the_fix(condition: Any, path: str, hint: str) -> None:
    with pytest.raises(ConditionError) as caught:
        validate(condition, fields=KNOWN)
    assert [found for found, _ in caught.value.problems] == [path]
    assert hint in caught.value.problems[0][1]


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(ConditionError) as caught:
        validate({"all": [leaf("nope", "eq", 1), leaf("state", "nope", 1)]}, fields=KNOWN)
    assert [path for path, _ in caught.value.problems] == ["all[0].field", "all[1].op"]
    assert str(caught.value).startswith("all[0].field: unknown field")


def test_depth_and_size_are_limited() -> None:
    nested: Any = leaf("state", "eq", "GA")
    for _ in range(MAX_DEPTH - 1):
        nested = {"not": nested}
    validate(nested, fields=KNOWN)
    with pytest.raises(ConditionError, match="deeper than 10"):
        validate({"not": nested}, fields=KNOWN)
    for _ in range(100_000):
        nested = {"not": nested}
    with pytest.raises(ConditionError, match="deeper than 10"):
        validate(nested, fields=KNOWN)
    wide = {"any": [leaf("state", "eq", "GA")] * MAX_LEAVES}
    validate(wide, fields=KNOWN)
    wide["any"].append(leaf("state", "eq", "GA"))
    with pytest.raises(ConditionError, match="at most 200"):
        validate(wide, fields=KNOWN)


def test_attributes_are_open_and_other_prefixes_are_not() -> None:
    validate(leaf("attributes.roof.age", "gte", 10), fields=KNOWN)
    with pytest.raises(ConditionError):
        validate(leaf("attributesx", "gte", 10), fields=KNOWN)
    validate(leaf("anything", "gte", 10), fields=None)
