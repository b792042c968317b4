"""A reported contradiction is a real one: no lead that the intake accepts passes both sides.

Not every contradiction is found. The examples at the end list those that are.
"""

from datetime import UTC, datetime
from functools import cache, partial
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from distribution.configuration.contradictions import Demand, exclude_all_leads, find_contradictions
from distribution.configuration.coverage import compile_area
from distribution.engine import LeadFacts
from distribution.engine.area import area_failure, lead_place
from routing.conditions import Condition, ConditionError, compile_condition
from routing.conditions.contradiction import exclude_each_other, leave_no_value
from routing.conditions.tree import build_tree
from routing.intake.condition_fields import condition_fields
from routing.intake.parse import parse_lead
from routing.places.zips import find_place, load_rows

AT = datetime(2026, 5, 1, tzinfo=UTC)
US_ZIPS = ("30312", "30030", "30301", "35203", "75201", "10001", "96799", "09001")
# Some of these codes are US ZIPs too, and some of the states are US states.
ABROAD = (
    {"country": "CA", "zip": "K1A 0B6", "state": "ON"},
    {"country": "AU", "zip": "6000", "state": "WA"},
    {"country": "BR", "zip": "57000-000", "state": "AL"},
    {"country": "FR", "zip": "30300"},
    {"country": "DE", "zip": "30312", "state": "GA"},
    {"country": "PR", "zip": "00901"},
)
# The values that conditions use for a field, and some that leads have: few, so that the two meet.
DOMAINS: dict[str, tuple[Any, ...]] = {
    "state": ("GA", "TX", "AL", "WA", "AU-WA"),
    "zip": ("30312", "35203", "303", "3", "6000", "DE-30312"),
    "county": ("Fulton County", "Fulton", "DeKalb County"),
    "country": ("US", "CA", "DE"),
    "vertical": ("roofing", "solar"),
    "source": ("a", "b"),
    "consent": (True, False, 1),
    "attributes.x": (0, 1, 1.0, 2.5, "1", "1.0", "2.5", "ab", "b", True, "yes"),
    "attributes.tags": ("a", "b", 1),
}
TAGS = (None, "a", "b", 1, [], ["a"], ["b"], ["a", "b"], ["a", 1], ["b", 1], ["a", "b", 1])
XS = (None, *DOMAINS["attributes.x"])


def leaf(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op} if value is None else {"field": field, "op": op, "value": value}


def leaves_on(field: str) -> st.SearchStrategy[Any]:
    values = st.sampled_from(DOMAINS[field])
    ordered = values.filter(lambda value: not isinstance(value, bool))
    texts = [value for value in DOMAINS[field] if isinstance(value, str)] or ["a"]
    shape = partial(st.builds, leaf, st.just(field))
    return st.one_of(
        shape(st.sampled_from(["eq", "ne"]), values),
        shape(st.sampled_from(["in", "in", "not_in"]), st.lists(values, min_size=1, max_size=2)),
        shape(st.sampled_from(["lt", "lte", "gt", "gte"]), ordered),
        shape(st.just("between"), st.tuples(ordered, ordered).map(two_of_a_kind)),
        shape(st.sampled_from(["contains", "starts_with"]), st.sampled_from(texts)),
        shape(st.sampled_from(["exists", "missing"])),
    )


def two_of_a_kind(values: tuple[Any, Any]) -> list[Any]:
    low, high = values
    return sorted(values) if isinstance(low, str) == isinstance(high, str) else [low, low]


def conditions(*fields: str) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.one_of(*map(leaves_on, fields)),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda each: {"all": each}),
            st.lists(inner, min_size=1, max_size=3).map(lambda each: {"any": each}),
            inner.map(lambda each: {"not": each}),
        ),
        max_leaves=4,
    )


# Two conditions exclude each other through a field that both name: of one field each, or of any.
PAIRS = st.one_of(
    *(st.tuples(conditions(name), conditions(name)) for name in DOMAINS),
    st.tuples(conditions(*DOMAINS), conditions(*DOMAINS)),
)
# Each is checked for all ZIPs once. The product caches the same number.
INCLUDED: tuple[dict[str, Any], ...] = (
    {"states": ["GA"]},
    {"states": ["TX", "WA"], "zips": ["30312"]},
    {"states": ["CA-ON"]},
    {"countries": ["DE"]},
    {"zips": ["30312", "75201"]},
    {"zips": ["CA-K1A 0B6", "6000", "35203"]},
    {"zip_prefixes": ["303"]},
    {"zip_prefixes": ["570", "CA-K1"], "counties": ["TX:Dallas County"]},
    {"counties": ["GA:Fulton County"]},
    {"radius": [{"zip": "30312", "miles": 25}]},
    {"everywhere": True},
)
EXCLUDED: tuple[dict[str, Any], ...] = ({}, {"states": ["TX"], "zips": ["30312"]}, {"zip_prefixes": ["30"]})
AREAS = st.builds(
    lambda area, exclude: {**area, "exclude": exclude}, st.sampled_from(INCLUDED), st.sampled_from(EXCLUDED)
)


@cache
def all_leads() -> list[tuple[dict[str, Any], LeadFacts]]:
    """Fields and facts of leads as the intake accepts them: all places with all tags, with all x, and so on."""
    places = [*({"zip": each} for each in US_ZIPS), *ABROAD]
    mixed = [
        *((place, XS[n % len(XS)], tags) for n, (place, tags) in enumerate(product(places, TAGS))),
        *((place, x, TAGS[n % len(TAGS)]) for n, (place, x) in enumerate(product(places, XS))),
        *((places[n % len(places)], x, tags) for n, (x, tags) in enumerate(product(XS, TAGS))),
    ]
    return [new_lead(n, place, x=x, tags=tags) for n, (place, x, tags) in enumerate(mixed)]


def new_lead(n: int, place: dict[str, str], *, x: Any, tags: Any) -> tuple[dict[str, Any], LeadFacts]:
    # A sender may choose any names for its attributes.
    attributes = {"x": x, "tags": tags, "state": ["GA", "TX"]}
    payload = {**place, "vertical": ("roofing", "solar")[n % 2], "attributes": attributes}
    if n % 3:
        payload["consent"] = {"given_at": "2026-04-01T00:00:00Z"}
    lead = parse_lead(payload, default_vertical=None, at=AT, requires_contact=False)
    fields = condition_fields(lead, source=("a", "b")[n // 2 % 2])
    found = find_place(fields["zip"])
    assert (found is not None) == (lead.country == "US")
    return fields, LeadFacts(fields, found.latitude if found else None, found.longitude if found else None)


def compiled(condition: Any) -> Condition:
    try:
        return compile_condition(condition)
    except ConditionError:
        assume(False)  # noqa: FBT003
        raise


def demand(condition: Condition) -> Demand:
    return Demand("a filter", condition.describe(), [condition.root.node])


@settings(max_examples=600, deadline=None)
@given(PAIRS)
def test_no_lead_passes_two_conditions_that_exclude_each_other(pair: tuple[Any, Any]) -> None:
    one, other = map(compiled, pair)
    is_contradiction = exclude_all_leads([demand(one), demand(other)])
    event(f"contradiction: {is_contradiction}")
    if is_contradiction:
        assert [fields for fields, _ in all_leads() if one.matches(fields) and other.matches(fields)] == []


@settings(max_examples=400, deadline=None)
@given(AREAS, conditions("state", "zip", "county", "country"))
def test_no_lead_passes_a_condition_and_an_area_that_exclude_each_other(
    definition: dict[str, Any], condition: Any
) -> None:
    one, area = compiled(condition), compile_area(definition)
    is_contradiction = exclude_all_leads([demand(one), Demand("an area", "", area=definition)])
    event(f"contradiction: {is_contradiction}")
    if is_contradiction:
        passing = [facts for fields, facts in all_leads() if one.matches(fields)]
        assert [facts for facts in passing if area_failure(area, lead_place(facts)) is None] == []


@cache
def every_us_lead() -> list[LeadFacts]:
    """One for each existing ZIP."""
    return [
        LeadFacts({"zip": row[0], "state": row[2], "county": row[3]}, row[5], row[6])
        for row in load_rows().values()
    ]


PLACE_LEAVES = st.one_of(
    st.builds(leaf, st.just("state"), st.sampled_from(["eq", "ne"]), st.sampled_from(["GA", "TX", "AL"])),
    st.builds(leaf, st.just("zip"), st.just("starts_with"), st.sampled_from(["303", "30", "752"])),
    st.builds(leaf, st.just("county"), st.just("in"), st.just(["Fulton County", "Dallas County"])),
)


@settings(max_examples=15, deadline=None)
@given(AREAS, st.lists(PLACE_LEAVES, min_size=1, max_size=2))
def test_every_zip_confirms_it(definition: dict[str, Any], members: list[Any]) -> None:
    condition, area = compile_condition({"all": members}), compile_area(definition)
    if exclude_all_leads([demand(condition), Demand("an area", "", area=definition)]):
        passing = [facts for facts in every_us_lead() if condition.matches(facts.fields)]
        assert [facts for facts in passing if area_failure(area, lead_place(facts)) is None] == []


def test_attribute_lists_need_special_care() -> None:
    """The control: as a single value, an attribute would be called contradictory although a lead passes."""
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
    (leaf("attributes.age", "gt", 1), leaf("attributes.age", "gt", "1")),
    (leaf("attributes.age", "eq", 12), leaf("attributes.age", "starts_with", "12.0")),
    (leaf("attributes.age", "in", [True]), leaf("attributes.age", "eq", "yes")),
    (leaf("state", "eq", "GA"), leaf("state", "in", ["GA", "TX"])),
    (leaf("attributes.age", "gte", 10), leaf("attributes.age", "lte", 10)),
    (leaf("attributes.age", "gt", 1), leaf("attributes.age", "lt", 2)),
    (leaf("attributes.tags", "contains", "a"), leaf("attributes.tags", "contains", "b")),
    (leaf("attributes.tags", "in", ["a"]), leaf("attributes.tags", "ne", "a")),
    ({"any": [leaf("state", "eq", "GA"), leaf("state", "eq", "TX")]}, leaf("state", "eq", "TX")),
    ({}, leaf("state", "eq", "TX")),
]


@pytest.mark.parametrize(("first", "second"), SEEN)
def test_known_contradictions_are_found(first: Any, second: Any) -> None:
    demands = [demand(compile_condition(first)), demand(compile_condition(second))]
    assert exclude_all_leads(demands)
    assert not exclude_all_leads(demands[:1])
    assert not exclude_all_leads(demands[1:])


@pytest.mark.parametrize(("first", "second"), UNSEEN)
def test_satisfiable_conditions_are_no_contradiction(first: Any, second: Any) -> None:
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
        # Taken from abroad: Ontario, a Canadian code, Perth in Western Australia, 57000-000 in Alagoas.
        ({"zip_prefixes": ["570"]}, leaf("state", "eq", "AL"), False),
        ({"states": ["ON"]}, leaf("zip", "starts_with", "K1"), False),
        ({"zips": ["K1A 0B6"]}, leaf("state", "eq", "ON"), False),
        ({"states": ["WA"]}, leaf("zip", "eq", "6000"), False),
        ({"states": ["GA"]}, leaf("attributes.x", "eq", "TX"), False),
    ],
)
def test_known_exclusions_by_area_are_found(area: Any, condition: Any, is_contradiction: bool) -> None:  # noqa: FBT001
    demands = [demand(compile_condition(condition)), Demand("the area", "", area=area)]
    assert exclude_all_leads(demands) is is_contradiction


def test_smallest_contradictions_are_named() -> None:
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
