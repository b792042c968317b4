"""What is called a contradiction is one: no lead that intake takes passes both sides.

Completeness is not promised; the examples at the end pin what is seen.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from distribution.contradiction import Demand, exclude_all_leads, find_contradictions
from distribution.coverage import compile_area
from distribution.engine import LeadFacts
from distribution.engine.area import area_failure, lead_place
from routing.conditions import Condition, ConditionError, compile_condition
from routing.conditions.contradiction import exclude_each_other, leave_no_value
from routing.conditions.tree import build_tree
from routing.leadfields import condition_fields, parse_lead
from routing.places import find_place, load_rows

AT = datetime(2026, 5, 1, tzinfo=UTC)
US_ZIPS = ("30312", "30030", "30301", "35203", "75201", "10001", "96799", "09001")
# None of these codes is a US ZIP: such a lead is not thought of.
ABROAD = (
    {"country": "CA", "zip": "K1A 0B6", "state": "ON"},
    {"country": "AU", "zip": "6000", "state": "WA"},
    {"country": "BR", "zip": "57000-000", "state": "AL"},
    {"country": "FR", "zip": "30300"},
    {"country": "DE", "zip": "00001", "state": "GA"},
)
TEXTS = ("GA", "AL", "TX", "30", "303", "30312", "35203", "WA", "Fulton County", "roofing", "a", "b", "")
NUMBERS = (0, 1, 1.0, 2, 2.5, 10)
SCALARS = st.sampled_from([*TEXTS[:-1], *NUMBERS, True, False])
FIELDS = st.sampled_from(
    ["state", "zip", "county", "country", "vertical", "source", "consent", "attributes.x", "attributes.tags"]
)
ORDERED = st.sampled_from([*TEXTS[:-1], *NUMBERS])


def leaf(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op} if value is None else {"field": field, "op": op, "value": value}


def two_of_a_kind(values: list[Any]) -> list[Any]:
    low, high = values
    return sorted(values) if isinstance(low, str) == isinstance(high, str) else [low, low]


LEAVES = st.one_of(
    st.builds(leaf, FIELDS, st.sampled_from(["eq", "eq", "ne"]), SCALARS),
    st.builds(
        leaf, FIELDS, st.sampled_from(["in", "in", "not_in"]), st.lists(SCALARS, min_size=1, max_size=3)
    ),
    st.builds(leaf, FIELDS, st.sampled_from(["lt", "lte", "gt", "gte"]), ORDERED),
    st.builds(leaf, FIELDS, st.just("between"), st.lists(ORDERED, min_size=2, max_size=2).map(two_of_a_kind)),
    st.builds(leaf, FIELDS, st.sampled_from(["contains", "starts_with"]), st.sampled_from(TEXTS[:-1])),
    st.builds(leaf, FIELDS, st.sampled_from(["exists", "missing"])),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"all": each}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"any": each}),
        inner.map(lambda each: {"not": each}),
    ),
    max_leaves=4,
)
COVERAGES = st.fixed_dictionaries(
    {},
    optional={
        "zips": st.lists(st.sampled_from(["30312", "75201", "K1A 0B6", "6000"]), max_size=2),
        "zip_prefixes": st.lists(st.sampled_from(["303", "570", "K1"]), max_size=1),
        "counties": st.lists(st.sampled_from(["GA:Fulton County", "TX:Dallas County"]), max_size=1),
        "states": st.lists(st.sampled_from(["GA", "TX", "WA", "AL", "ON"]), max_size=2),
        "radius": st.lists(st.sampled_from([{"zip": "30312", "miles": 25}]), max_size=1),
    },
)
AREAS = st.builds(lambda area, exclude: {**area, "exclude": exclude}, COVERAGES, COVERAGES | st.just({}))
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "x": st.sampled_from([*TEXTS, *NUMBERS, True, False]),
        "tags": st.lists(st.sampled_from(["a", "b", "GA", "AL"]), max_size=3) | st.sampled_from(["a", 1]),
        # A sender may call its attributes as it likes.
        "state": st.lists(st.sampled_from(["GA", "AL"]), max_size=2),
    },
)


@st.composite
def leads(draw: st.DrawFn) -> tuple[dict[str, Any], LeadFacts]:
    """The fields that conditions see, and the facts, of a lead that intake takes."""
    place = draw(st.sampled_from([*({"zip": each} for each in US_ZIPS), *ABROAD]))
    payload = {**place, "vertical": draw(st.sampled_from(["roofing", "a"])), "attributes": draw(ATTRIBUTES)}
    if draw(st.booleans()):
        payload["consent"] = {"given_at": "2026-04-01T00:00:00Z"}
    lead = parse_lead(payload, default_vertical=None, at=AT, requires_contact=False)
    fields = condition_fields(lead, source=draw(st.sampled_from(["a", "b"])))
    found = find_place(lead.zip)
    assert (found is not None) == (lead.country == "US")
    return fields, LeadFacts(fields, found.latitude if found else None, found.longitude if found else None)


POOLS = st.lists(leads(), min_size=20, max_size=30)


def compiled(condition: Any) -> Condition:
    try:
        return compile_condition(condition)
    except ConditionError:
        assume(False)  # noqa: FBT003
        raise


def demand(condition: Condition) -> Demand:
    return Demand("a filter", condition.describe(), [condition.root.node])


@settings(max_examples=400, deadline=None)
@given(CONDITIONS, CONDITIONS, POOLS)
def test_no_lead_passes_two_conditions_that_exclude_each_other(
    first: Any, second: Any, pool: list[tuple[dict[str, Any], LeadFacts]]
) -> None:
    one, other = compiled(first), compiled(second)
    is_contradiction = exclude_all_leads([demand(one), demand(other)])
    event(f"contradiction: {is_contradiction}")
    if is_contradiction:
        assert [fields for fields, _ in pool if one.matches(fields) and other.matches(fields)] == []


@settings(max_examples=200, deadline=None)
@given(AREAS, CONDITIONS, POOLS)
def test_no_lead_passes_a_condition_and_an_area_that_exclude_each_other(
    definition: dict[str, Any], condition: Any, pool: list[tuple[dict[str, Any], LeadFacts]]
) -> None:
    one, area = compiled(condition), compile_area(definition)
    is_contradiction = exclude_all_leads([demand(one), Demand("an area", "", area=definition)])
    event(f"contradiction: {is_contradiction}")
    if is_contradiction:
        passing = [facts for fields, facts in pool if one.matches(fields)]
        assert [facts for facts in passing if area_failure(area, lead_place(facts)) is None] == []


@cache
def every_us_lead() -> list[LeadFacts]:
    """One for each ZIP there is."""
    return [
        LeadFacts({"zip": row[0], "state": row[2], "county": row[3]}, row[5], row[6])
        for row in load_rows().values()
    ]


PLACE_LEAVES = st.one_of(
    st.builds(leaf, st.just("state"), st.sampled_from(["eq", "ne"]), st.sampled_from(["GA", "TX", "AL"])),
    st.builds(leaf, st.just("zip"), st.just("starts_with"), st.sampled_from(["303", "30", "752"])),
    st.builds(leaf, st.just("county"), st.just("in"), st.just(["Fulton County", "Dallas County"])),
)


@settings(max_examples=25, deadline=None)
@given(AREAS, st.lists(PLACE_LEAVES, min_size=1, max_size=2))
def test_every_zip_there_is_bears_it_out(definition: dict[str, Any], members: list[Any]) -> None:
    condition, area = compile_condition({"all": members}), compile_area(definition)
    if exclude_all_leads([demand(condition), Demand("an area", "", area=definition)]):
        passing = [facts for facts in every_us_lead() if condition.matches(facts.fields)]
        assert [facts for facts in passing if area_failure(area, lead_place(facts)) is None] == []


def test_a_list_is_the_reason_why_attributes_are_looked_at_with_care() -> None:
    """The control: taken for one value, an attribute would be called contradictory although a lead passes."""
    conditions = [leaf("attributes.tags", "in", ["a"]), leaf("attributes.tags", "in", ["b"])]
    nodes = [build_tree(each) for each in conditions]
    lead = {"attributes.tags": ["a", "b"]}
    assert all(compile_condition(each).matches(lead) for each in conditions)

    assert not exclude_each_other(nodes, conflict=lambda leaves: leave_no_value(leaves, single=()))
    assert exclude_each_other(
        nodes, conflict=lambda leaves: leave_no_value(leaves, single={"attributes.tags"})
    )


SEEN: list[tuple[Any, Any]] = [
    (leaf("state", "eq", "GA"), leaf("state", "eq", "TX")),
    (leaf("state", "eq", "GA"), leaf("state", "ne", "GA")),
    (leaf("state", "in", ["GA", "AL"]), leaf("state", "in", ["TX", "FL"])),
    (leaf("state", "in", ["GA"]), leaf("state", "not_in", ["GA", "AL"])),
    (leaf("zip", "starts_with", "303"), leaf("zip", "starts_with", "752")),
    (leaf("zip", "starts_with", "303"), leaf("zip", "eq", "75201")),
    (leaf("zip", "starts_with", "303"), leaf("zip", "lt", "30")),
    (leaf("attributes.age", "gte", 10), leaf("attributes.age", "lt", 10)),
    (leaf("attributes.age", "between", [1, 5]), leaf("attributes.age", "gt", 5)),
    (leaf("attributes.age", "gt", 1), leaf("attributes.age", "gt", "1")),
    (leaf("attributes.age", "eq", 3), leaf("attributes.age", "in", [1, 2])),
    (leaf("attributes.age", "in", [1, 2]), leaf("attributes.age", "gt", 2)),
    (leaf("attributes.age", "missing"), leaf("attributes.age", "ne", 3)),
    (leaf("attributes.age", "missing"), leaf("attributes.age", "exists")),
    ({"not": leaf("state", "ne", "GA")}, leaf("state", "eq", "TX")),
    ({"any": [leaf("state", "eq", "GA"), leaf("state", "eq", "AL")]}, leaf("state", "eq", "TX")),
    (
        {"any": [leaf("state", "eq", "GA"), leaf("zip", "eq", "1")]},
        {"all": [leaf("state", "eq", "TX"), leaf("zip", "eq", "2")]},
    ),
]
UNSEEN: list[tuple[Any, Any]] = [
    (leaf("state", "eq", "GA"), leaf("state", "in", ["GA", "TX"])),
    (leaf("attributes.age", "gte", 10), leaf("attributes.age", "lte", 10)),
    (leaf("attributes.age", "gt", 1), leaf("attributes.age", "lt", 2)),
    (leaf("attributes.tags", "contains", "a"), leaf("attributes.tags", "contains", "b")),
    (leaf("attributes.tags", "in", ["a"]), leaf("attributes.tags", "ne", "a")),
    ({"any": [leaf("state", "eq", "GA"), leaf("state", "eq", "TX")]}, leaf("state", "eq", "TX")),
    ({}, leaf("state", "eq", "TX")),
]


@pytest.mark.parametrize(("first", "second"), SEEN)
def test_contradictions_that_are_seen(first: Any, second: Any) -> None:
    demands = [demand(compile_condition(first)), demand(compile_condition(second))]
    assert exclude_all_leads(demands)
    assert not exclude_all_leads(demands[:1])
    assert not exclude_all_leads(demands[1:])


@pytest.mark.parametrize(("first", "second"), UNSEEN)
def test_what_some_lead_passes_is_no_contradiction(first: Any, second: Any) -> None:
    assert not exclude_all_leads([demand(compile_condition(first)), demand(compile_condition(second))])


@pytest.mark.parametrize(
    ("area", "condition", "is_contradiction"),
    [
        ({"states": ["GA"]}, leaf("state", "eq", "TX"), True),
        ({"states": ["GA"]}, leaf("state", "in", ["TX", "GA"]), False),
        ({"states": ["GA"]}, leaf("zip", "in", ["75201", "10001"]), True),
        ({"states": ["GA"]}, leaf("zip", "in", ["75201", "30312"]), False),
        ({"counties": ["GA:Fulton County"]}, leaf("state", "eq", "AL"), True),
        ({"radius": [{"zip": "30312", "miles": 25}]}, leaf("state", "eq", "TX"), True),
        ({"radius": [{"zip": "30312", "miles": 150}]}, leaf("state", "eq", "AL"), False),
        ({"zips": ["30312"]}, leaf("county", "eq", "DeKalb County"), True),
        ({"states": ["GA"], "exclude": {"zips": ["30312"]}}, leaf("zip", "eq", "30312"), True),
        ({"everywhere": True, "exclude": {"states": ["TX"]}}, leaf("zip", "eq", "75201"), True),
        ({"everywhere": True}, leaf("zip", "eq", "75201"), False),
        # Taken from abroad: Ontario, a Canadian code, Perth in Western Australia.
        ({"states": ["ON"]}, leaf("zip", "starts_with", "K1"), False),
        ({"zips": ["K1A 0B6"]}, leaf("state", "eq", "ON"), False),
        ({"states": ["WA"]}, leaf("zip", "eq", "6000"), False),
        ({"states": ["GA"]}, leaf("attributes.x", "eq", "TX"), False),
    ],
)
def test_areas_that_are_seen_to_exclude(area: Any, condition: Any, is_contradiction: bool) -> None:  # noqa: FBT001
    demands = [demand(compile_condition(condition)), Demand("the area", "", area=area)]
    assert exclude_all_leads(demands) is is_contradiction


def test_the_smallest_contradictions_are_named() -> None:
    georgia, texas, any_zip = (
        Demand(name, "", [build_tree(condition)])
        for name, condition in (
            ("a", leaf("state", "eq", "GA")),
            ("b", leaf("state", "eq", "TX")),
            ("c", leaf("zip", "exists")),
        )
    )
    never = Demand("d", "", [build_tree({"all": [leaf("zip", "exists"), leaf("zip", "missing")]})])
    assert find_contradictions([georgia, any_zip, texas]) == [(georgia, texas)]
    assert find_contradictions([georgia, never, any_zip]) == [(never,)]
    assert find_contradictions([georgia, any_zip]) == []
    low, high, odd = (
        Demand(name, "", [build_tree(condition)])
        for name, condition in (
            ("low", leaf("attributes.n", "in", [1, 2])),
            ("high", leaf("attributes.n", "in", [2, 3])),
            ("odd", leaf("attributes.n", "not_in", [2])),
        )
    )
    one = Demand("one", "", [build_tree(leaf("attributes.n", "gt", 0))])
    assert find_contradictions([low, high, odd]) == []  # a list of 1 and 3 passes them
    assert find_contradictions([low, high, odd, one]) == [[low, high, odd, one]]
