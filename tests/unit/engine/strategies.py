"""Random campaigns, leads and live facts.

Each campaign draws the problems it may have; all other gates pass. Otherwise nearly every buyer would fail some
gate, and ranking and deferral would hardly be reached.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from distribution.engine import DecisionFacts, LeadFacts, LiveFacts

ZONES = ("America/New_York", "America/Los_Angeles", "America/Phoenix")
# Plain days, both clock changes of 2025 with their surroundings, ends of day, week, month and year.
INSTANTS = (
    datetime(2025, 6, 4, 15, 30, tzinfo=UTC),
    datetime(2025, 6, 7, 2, 59, 59, 999999, tzinfo=UTC),
    datetime(2025, 3, 9, 6, 59, 30, tzinfo=UTC),
    datetime(2025, 3, 9, 7, 0, tzinfo=UTC),
    datetime(2025, 3, 9, 9, 30, tzinfo=UTC),
    datetime(2025, 11, 2, 4, 30, tzinfo=UTC),
    datetime(2025, 11, 2, 5, 30, tzinfo=UTC),
    datetime(2025, 11, 2, 6, 30, tzinfo=UTC),
    datetime(2025, 11, 2, 9, 10, 7, tzinfo=UTC),
    datetime(2025, 12, 31, 23, 59, tzinfo=UTC),
    datetime(2026, 1, 1, 4, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 1, 8, 0, tzinfo=UTC),
)
PLACES = (
    ({"zip": "30312", "county": "Fulton County", "state": "GA"}, 33.75, -84.37),
    ({"zip": "30030", "county": "DeKalb County", "state": "GA"}, 33.77, -84.30),
    ({"zip": "35203", "county": "Jefferson County", "state": "AL"}, 33.52, -86.81),
    ({"zip": "30399", "state": "GA"}, None, None),
)
CIRCLES = (
    {"zip": "30312", "latitude": 33.75, "longitude": -84.37},
    {"zip": "35203", "latitude": 33.52, "longitude": -86.81},
)
HOURS: tuple[dict[str, Any], ...] = (
    {},
    {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    {"sat": [["00:00", "24:00"]], "sun": [["01:00", "03:00"], ["20:00", "24:00"]]},
    {"sun": [["02:00", "03:00"]]},
    {day: [["00:00", "06:30"], ["22:15", "24:00"]] for day in ("mon", "wed", "fri", "sun")},
    {"mon": []},
)
VALUES = st.sampled_from([1, 2, 5, 2.0, "2", "a", "b", "ab", True, False])
LEAVES = st.one_of(
    st.builds(
        lambda field, op, value: {"field": field, "op": op, "value": value},
        st.sampled_from(["attributes.x", "attributes.y", "state"]),
        st.sampled_from(["eq", "ne"]),
        VALUES,
    ),
    st.builds(
        lambda field, op, value: {"field": field, "op": op, "value": value},
        st.sampled_from(["attributes.x", "attributes.y"]),
        st.sampled_from(["lt", "lte", "gt", "gte"]),
        st.sampled_from([1, 2, 4.5, "a", "b"]),
    ),
    st.builds(
        lambda field, op, value: {"field": field, "op": op, "value": value},
        st.sampled_from(["attributes.x", "attributes.y", "state"]),
        st.sampled_from(["in", "not_in"]),
        st.lists(VALUES | st.sampled_from(["GA", "AL"]), min_size=1, max_size=3),
    ),
    st.builds(
        lambda field, op, value: {"field": field, "op": op, "value": value},
        st.sampled_from(["attributes.x", "zip"]),
        st.sampled_from(["contains", "starts_with"]),
        st.sampled_from(["a", "30", "b"]),
    ),
    st.builds(
        lambda field, low: {"field": field, "op": "between", "value": [low, low + 2]},
        st.sampled_from(["attributes.x", "attributes.y"]),
        st.integers(0, 3),
    ),
    st.builds(
        lambda field, op: {"field": field, "op": op},
        st.sampled_from(["attributes.x", "attributes.y", "county"]),
        st.sampled_from(["exists", "missing"]),
    ),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"all": each}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"any": each}),
        inner.map(lambda each: {"not": each}),
    ),
    max_leaves=5,
)
FILTERS = st.one_of(
    st.none(), st.just({}), st.just({"field": "state", "op": "in", "value": ["GA", "AL"]}), CONDITIONS
)

TROUBLES = (
    frozenset({"paused", "area", "onboarding", "filter", "hours", "cap", "credits", "sold", "schedule"}),
    frozenset({"hours", "cap", "schedule"}),
    frozenset({"hours", "schedule"}),
    frozenset({"hours", "credits"}),
    frozenset({"cap"}),
    frozenset({"area", "cap"}),
    frozenset({"filter", "onboarding"}),
    frozenset({"paused", "credits", "sold"}),
    frozenset[str](),
)
ANY_TROUBLES = st.sampled_from(TROUBLES)
ANY_COUNT = st.sampled_from([4, 3, 6, 2, 1, 5, 0])


def mostly(usual: Any, other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(usual), st.just(usual), st.just(usual), other)


def coverages() -> st.SearchStrategy[dict[str, Any]]:
    circle = st.builds(
        lambda circle, miles: {**circle, "miles": miles},
        st.sampled_from(CIRCLES),
        st.sampled_from([2, 10, 150]),
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "zips": st.lists(st.sampled_from(["30312", "30030", "90210"]), max_size=2),
            "zip_prefixes": st.lists(st.sampled_from(["303", "35", "9"]), max_size=1),
            "counties": st.lists(st.sampled_from(["GA:Fulton County", "AL:Jefferson County"]), max_size=1),
            "states": st.lists(st.sampled_from(["GA", "FL"]), max_size=1),
            "radius": st.lists(circle, max_size=2),
        },
    )


@st.composite
def areas(draw: st.DrawFn, troubles: frozenset[str]) -> dict[str, Any]:
    if "area" not in troubles or draw(st.booleans()):
        return {"everywhere": True}
    area = draw(coverages())
    if draw(st.booleans()):
        area["exclude"] = draw(coverages())
    return area


@st.composite
def definitions(
    draw: st.DrawFn,
    kinds: st.SearchStrategy[frozenset[str]] = ANY_TROUBLES,
    counts: st.SearchStrategy[int] = ANY_COUNT,
    modes: tuple[str, ...] = ("round_robin", "weighted", "priority", "price"),
) -> dict[str, Any]:
    troubles = draw(kinds)
    count = draw(counts)
    tier_ids = list(range(1, draw(st.integers(1, 3)) + 1))
    questions = [
        {"key": "kinds", "field": "attributes.x", "op": "in", "required": draw(st.booleans())},
        {"key": "least", "field": "attributes.y", "op": "gte"},
    ]
    return {
        "campaign": {
            "id": 1,
            "config_version": 1,
            "mode": draw(st.sampled_from(modes)),
            "price_cents": draw(st.sampled_from([0, 999, 2500])),
            "max_buyers": draw(st.integers(1, 3)),
            "sells_on": draw(st.sampled_from(["decision", "decision", "acceptance"])),
            "post_deadline_seconds": 60,
            "timezone": draw(st.sampled_from(ZONES)),
            "schedule": draw(st.sampled_from(HOURS if "schedule" in troubles else HOURS[:1])),
            "price_rules": draw(st.lists(price_rules(), max_size=3)),
            "questions": questions[: draw(st.integers(0, 2)) if "onboarding" in troubles else 0],
        },
        "tiers": [
            {
                "id": tier_id,
                "position": -tier_id,
                "content_filter": draw(FILTERS if "filter" in troubles else st.none()),
                "price_cents": draw(st.sampled_from([None, 0, 1500])),
            }
            for tier_id in tier_ids
        ],
        "enrollments": [draw(enrollments(number, tier_ids, troubles)) for number in range(1, count + 1)],
        "buyers": [draw(buyers(100 + number, troubles)) for number in range(1, count + 1)],
    }


def price_rules() -> st.SearchStrategy[dict[str, Any]]:
    change = st.one_of(
        st.fixed_dictionaries({"set_cents": st.sampled_from([0, 3000])}),
        st.fixed_dictionaries({"add_cents": st.sampled_from([-2000, 500])}),
        st.fixed_dictionaries({"percent": st.sampled_from([50, 120, 112.5, 33.3])}),
    )
    return st.builds(lambda when, change: {"when": when, **change}, st.none() | CONDITIONS, change)


@st.composite
def enrollments(
    draw: st.DrawFn, number: int, tier_ids: list[int], troubles: frozenset[str]
) -> dict[str, Any]:
    limits = st.dictionaries(
        st.sampled_from(["hour", "day", "week", "month"]), st.sampled_from([None, 0, 1, 3, 3])
    )
    budgets = st.dictionaries(
        st.sampled_from(["day", "week", "month"]), st.sampled_from([None, 0, 2000, 6000, 6000])
    )
    flags = st.booleans() if "paused" in troubles else st.just(value=True)
    return {
        "id": number,
        "tier_id": draw(st.sampled_from(tier_ids)),
        "buyer_id": 100 + number,
        "active": draw(flags),
        "weight": draw(st.integers(1, 9)),
        "priority": draw(st.integers(0, 2)),
        "bid_cents": draw(mostly(None, st.sampled_from([0, 2500, 9000]))),
        "lead_filter": draw(FILTERS if "filter" in troubles else st.none()),
        "caps": draw(limits) if "cap" in troubles else {},
        "budgets": draw(mostly({}, budgets)) if "cap" in troubles else {},
    }


@st.composite
def buyers(draw: st.DrawFn, buyer_id: int, troubles: frozenset[str]) -> dict[str, Any]:
    answers = st.fixed_dictionaries(
        {},
        optional={
            "kinds": st.sampled_from([[], ["a", "b"], [1, 2], None]),
            "least": st.sampled_from([1, 5, None, ""]),
        },
    )
    return {
        "id": buyer_id,
        "active": draw(st.booleans()) if "paused" in troubles else True,
        "timezone": draw(st.sampled_from(ZONES)),
        "hours": draw(st.sampled_from(HOURS if "hours" in troubles else HOURS[:1])),
        "answers": draw(answers),
        "service_area": draw(areas(troubles)),
    }


@st.composite
def lives(draw: st.DrawFn, at: datetime, starts: dict[str, datetime]) -> LiveFacts:
    usage = {}
    for kind, start in starts.items():
        if draw(st.booleans()):
            moved = draw(
                st.sampled_from([timedelta(0), timedelta(0), -timedelta(days=35), timedelta(hours=1)])
            )
            usage[kind] = (start + moved, draw(st.integers(0, 4)), draw(st.sampled_from([0, 1500, 5000])))
    ago = draw(st.sampled_from([None, 1, 2, 60]))
    return LiveFacts(
        balance_cents=draw(st.sampled_from([20_000, 20_000, 20_000, 20_000, 20_000, 2500, 2499, 0])),
        held_cents=draw(st.sampled_from([0, 0, 1])),
        credit_limit_cents=draw(st.sampled_from([0, 0, 1, 5000])),
        usage=usage,
        last_assigned_at=None if ago is None else at - timedelta(minutes=ago),
        virtual_finish=draw(st.integers(0, 12)) * 10**9 // 4,
        has_lead=draw(st.integers(0, 9)) == 9,
        rejection=draw(st.sampled_from([*[None] * 8, "", "duplicate"])),
    )


@st.composite
def facts_for(draw: st.DrawFn, definition: dict[str, Any], window: Any) -> DecisionFacts:
    """`window(kind, at, timezone)` gives the current windows, so that usage counts often enough."""
    at = draw(st.sampled_from(INSTANTS))
    zones = {buyer["id"]: buyer["timezone"] for buyer in definition["buyers"]}
    live = {}
    for enrollment in definition["enrollments"]:
        zone = zones[enrollment["buyer_id"]]
        starts = {kind: window(kind, at, zone)[0] for kind in ("hour", "day", "week", "month")}
        live[enrollment["id"]] = draw(lives(at, starts))
    place, latitude, longitude = draw(st.sampled_from(PLACES))
    attribute = st.none() | VALUES | st.lists(VALUES, max_size=2)
    fields = {**place, "attributes.x": draw(attribute), "attributes.y": draw(attribute)}
    return DecisionFacts(
        lead=LeadFacts(fields, latitude, longitude, draw(st.sampled_from([0, 0, 0, 1, 3]))),
        live=live,
        at=at,
        seed=draw(st.integers(0, 2**63)),
        locked=draw(mostly(frozenset(), st.frozensets(st.integers(1, 6)))),
    )
