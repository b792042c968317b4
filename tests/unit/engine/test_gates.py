"""Every gate: passes, failures, the boundary between them, and the details of a failure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.engine import DefinitionError, FactsError, LiveFacts, compile_campaign, decide
from distribution.engine.gates import GATES, STAGES, is_overridable
from tests.unit.engine.builders import (
    AT,
    CLOSED_ALWAYS,
    FIELDS,
    RICH,
    WEEKDAYS_NINE_TO_FIVE,
    buyer,
    definition,
    enrollment,
    facts,
    only_failure,
    reasons,
    run,
    selected_ids,
    tier,
)

DAY_START = datetime(2025, 6, 4, 4, 0, tzinfo=UTC)
CIRCLE = {"zip": "30030", "miles": 10, "latitude": 33.77, "longitude": -84.30}


def with_area(**area: Any) -> dict[str, Any]:
    return definition(buyers=[buyer(service_area=area)])


def test_buyer_that_takes_everything_gets_the_lead() -> None:
    decision = run(definition())
    assert decision.outcome == "sold"
    assert selected_ids(decision) == [1]
    assert decision.skipped == ()
    assert decision.verdict is None


def test_paused_enrollment_fails() -> None:
    failure = only_failure(run(definition([enrollment(active=False)])))
    assert failure == {
        "gate": "enrollment_paused",
        "required": "active",
        "observed": "paused",
        "fixed_at": None,
    }


def test_paused_buyer_fails() -> None:
    assert only_failure(run(definition(buyers=[buyer(active=False)])))["gate"] == "buyer_paused"


@pytest.mark.parametrize(("minutes", "passes"), [(-1, True), (0, True), (1, False)])
def test_pause_ends_by_itself(minutes: int, passes: bool) -> None:  # noqa: FBT001
    until = (AT + timedelta(minutes=minutes)).isoformat()
    pause = {"active": True, "paused_until": until, "paused_by": "buyer"}
    for paused in (definition([enrollment(**pause)]), definition(buyers=[buyer(**pause)])):
        decision = run(paused)
        assert (selected_ids(decision) == [1]) is passes
        if not passes:
            assert only_failure(decision) | {"gate": ""} == {
                "gate": "",
                "required": "active",
                "observed": "paused",
                "fixed_at": until,
                "by": "buyer",
            }


def test_pause_without_an_end_stays_although_an_earlier_one_had_an_end() -> None:
    until = (AT - timedelta(days=1)).isoformat()
    paused = definition(buyers=[buyer(active=False, paused_until=until, paused_by="agency")])
    assert only_failure(run(paused))["fixed_at"] is None


def test_end_of_a_pause_must_have_an_offset() -> None:
    with pytest.raises(DefinitionError, match=r"enrollments\[0\].paused_until"):
        run(definition([enrollment(paused_until="2025-06-04T12:00:00")]))


@pytest.mark.parametrize(
    "area",
    [
        {"everywhere": True},
        {"zips": ["30312"]},
        {"zip_prefixes": ["303"]},
        {"zip_prefixes": ["30312"]},
        {"counties": ["GA:Fulton County"]},
        {"counties": ["ga:fulton county"]},
        {"states": ["ga"]},
        {"radius": [CIRCLE]},
        {"states": ["GA"], "exclude": {"zips": ["30030"], "states": ["AL"], "zip_prefixes": ["31"]}},
    ],
)
def test_area_that_covers_the_lead(area: dict[str, Any]) -> None:
    assert selected_ids(run(with_area(**area))) == [1]


@pytest.mark.parametrize(
    "area",
    [
        {},
        {"everywhere": False},
        {"zips": ["30313"]},
        {"zip_prefixes": ["304"]},
        {"counties": ["AL:Fulton County"]},
        {"states": ["AL"]},
    ],
)
def test_area_that_does_not_cover_the_lead(area: dict[str, Any]) -> None:
    failure = only_failure(run(with_area(**area)))
    assert failure["gate"] == "outside_service_area"
    assert failure["observed"] == {"zip": "30312", "county": "Fulton County", "state": "GA"}
    assert failure["excluded"] is None
    assert failure["miles_beyond"] is None


def test_area_shows_the_miles_to_the_nearest_edge() -> None:
    far = {"zip": "35203", "miles": 100, "latitude": 33.52, "longitude": -86.81}
    small = CIRCLE | {"miles": 3}
    failure = only_failure(run(with_area(radius=[far, small])))
    assert 1.0 < failure["miles_beyond"] < 1.5
    assert failure["required"] == "100 miles around 35203, 3 miles around 30030"


def test_radius_covers_nothing_when_the_place_is_unknown() -> None:
    failure = only_failure(run(with_area(radius=[CIRCLE]), latitude=None, longitude=None))
    assert failure["miles_beyond"] is None


@pytest.mark.parametrize(
    ("exclude", "hit"),
    [
        ({"zips": ["30312"]}, {"kind": "zips", "value": "30312"}),
        ({"zip_prefixes": ["3"]}, {"kind": "zip_prefixes", "value": "3"}),
        ({"counties": ["GA:Fulton County"]}, {"kind": "counties", "value": "GA:fulton county"}),
        ({"states": ["GA"]}, {"kind": "states", "value": "GA"}),
        ({"radius": [CIRCLE]}, {"kind": "radius", "value": "30030", "miles": 10}),
    ],
)
def test_exclusion_beats_every_inclusion(exclude: dict[str, Any], hit: dict[str, Any]) -> None:
    failure = only_failure(run(with_area(everywhere=True, zips=["30312"], exclude=exclude)))
    assert failure["excluded"] == hit
    assert failure["miles_beyond"] is None


QUESTIONS = [
    {"key": "kinds", "field": "attributes.kind", "op": "in", "required": True},
    {"key": "least", "field": "attributes.roof_age", "op": "gte"},
]


@pytest.mark.parametrize(
    ("answers", "failing"),
    [
        ({"kinds": ["home"], "least": 15}, {}),
        ({"kinds": ["home"]}, {}),
        ({"kinds": ["home"], "least": 16}, {"least": (16, 15)}),
        ({"kinds": ["shop"], "least": 16}, {"kinds": (["shop"], "home"), "least": (16, 15)}),
        ({"kinds": []}, {"kinds": ("an answer", None)}),
        ({}, {"kinds": ("an answer", None)}),
    ],
)
def test_answers_decide_the_onboarding_gate(answers: dict[str, Any], failing: dict[str, Any]) -> None:
    campaign = definition(buyers=[buyer(answers=answers)], questions=QUESTIONS)
    decision = run(campaign, fields={**FIELDS, "attributes.kind": "home"})
    if not failing:
        assert selected_ids(decision) == [1]
        return
    failure = only_failure(decision)
    assert failure["gate"] == "onboarding_mismatch"
    assert failure["required"] == {key: required for key, (required, _) in failing.items()}
    assert failure["observed"] == {key: observed for key, (_, observed) in failing.items()}


def test_onboarding_fails_on_an_attribute_the_lead_does_not_have() -> None:
    campaign = definition(buyers=[buyer(answers={"kinds": ["home"]})], questions=QUESTIONS)
    assert only_failure(run(campaign))["observed"] == {"kinds": None}


AGED = {"field": "attributes.roof_age", "op": "gte", "value": 20}


def test_tier_and_enrollment_filters_are_distinguished() -> None:
    campaign = definition([enrollment(lead_filter=AGED)], tiers=[tier(content_filter=AGED)])
    [skip] = run(campaign).skipped
    assert skip.reason == "lead_filter_rejected"
    assert [gate["scope"] for gate in skip.gates] == ["tier", "enrollment"]
    assert skip.gates[0] == {
        "gate": "lead_filter_rejected",
        "scope": "tier",
        "required": "roof_age >= 20",
        "observed": {"attributes.roof_age": 15},
        "fixed_at": None,
        "failures": [{"field": "attributes.roof_age", "op": "gte", "required": 20, "observed": 15}],
    }


def test_filter_passes_at_its_boundary_and_fails_without_the_field() -> None:
    campaign = definition([enrollment(lead_filter=AGED)])
    assert selected_ids(run(campaign, fields={**FIELDS, "attributes.roof_age": 20})) == [1]
    assert reasons(run(campaign, fields={"state": "GA"})) == {1: "lead_filter_rejected"}


@pytest.mark.parametrize(
    ("local_hour", "local_minute", "is_open"), [(8, 59, False), (9, 0, True), (16, 59, True), (17, 0, False)]
)
def test_hours_run_in_the_buyers_time_zone(local_hour: int, local_minute: int, *, is_open: bool) -> None:
    campaign = definition(buyers=[buyer(timezone="America/Chicago", hours=WEEKDAYS_NINE_TO_FIVE)])
    at = datetime(2025, 6, 4, local_hour + 5, local_minute, tzinfo=UTC)
    decision = run(campaign, at=at)
    assert bool(decision.selected) is is_open


def test_closed_buyer_failure_has_opening_time() -> None:
    campaign = definition(buyers=[buyer(hours=WEEKDAYS_NINE_TO_FIVE)])
    failure = only_failure(run(campaign, at=datetime(2025, 6, 6, 21, 0, tzinfo=UTC)))
    assert failure == {
        "gate": "outside_buyer_hours",
        "required": {"day": "fri", "open": [["09:00", "17:00"]]},
        "observed": {"day": "fri", "time": "17:00", "timezone": "America/New_York"},
        "fixed_at": "2025-06-09T13:00:00+00:00",
        "opens_at": "2025-06-09T13:00:00+00:00",
    }


def test_buyer_that_never_opens() -> None:
    assert only_failure(run(definition(buyers=[buyer(hours=CLOSED_ALWAYS)])))["fixed_at"] is None


@pytest.mark.parametrize(
    ("window", "starts_at", "resets_at"),
    [
        ("hour", "2025-06-04T15:00:00+00:00", "2025-06-04T16:00:00+00:00"),
        ("day", "2025-06-04T04:00:00+00:00", "2025-06-05T04:00:00+00:00"),
        ("week", "2025-06-02T04:00:00+00:00", "2025-06-09T04:00:00+00:00"),
        ("month", "2025-06-01T04:00:00+00:00", "2025-07-01T04:00:00+00:00"),
    ],
)
def test_lead_cap_of_every_window(window: str, starts_at: str, resets_at: str) -> None:
    campaign = definition([enrollment(caps={window: 5})])
    start = datetime.fromisoformat(starts_at)
    assert run(campaign, {1: used(window, start, leads=4)}).outcome == "sold"
    assert run(campaign, {1: used(window, start - timedelta(microseconds=1), leads=9)}).outcome == "sold"
    failure = only_failure(run(campaign, {1: used(window, start, leads=5)}))
    assert failure == {
        "gate": "cap_reached",
        "required": {f"leads per {window}": 5},
        "observed": {f"leads per {window}": 5},
        "fixed_at": resets_at,
        "price_cents": 2500,
        "windows": [{"window": window, "kind": "leads", "limit": 5, "used": 5, "resets_at": resets_at}],
    }


def test_budget_fails_if_the_price_exceeds_it() -> None:
    campaign = definition([enrollment(budgets={"day": 10_000})])
    assert run(campaign, {1: used("day", DAY_START, spent=7500)}).outcome == "sold"
    failure = only_failure(run(campaign, {1: used("day", DAY_START, spent=7501)}))
    assert failure["windows"] == [
        {
            "window": "day",
            "kind": "cents",
            "limit": 10_000,
            "used": 7501,
            "resets_at": "2025-06-05T04:00:00+00:00",
        }
    ]


@pytest.mark.parametrize("limits", [{"caps": {"day": 0}}, {"budgets": {"day": 2499}}])
def test_limit_that_no_reset_opens(limits: dict[str, Any]) -> None:
    failure = only_failure(run(definition([enrollment(**limits)])))
    assert failure["fixed_at"] is None
    assert failure["windows"][0]["resets_at"] is None


def test_several_limits_reset_with_the_last_one() -> None:
    campaign = definition([enrollment(caps={"hour": 1, "day": 1})])
    usage = {"hour": (datetime(2025, 6, 4, 15, tzinfo=UTC), 1, 0), "day": (DAY_START, 1, 0)}
    failure = only_failure(run(campaign, {1: LiveFacts(100_000, usage=usage)}))
    assert [each["window"] for each in failure["windows"]] == ["hour", "day"]
    assert failure["fixed_at"] == "2025-06-05T04:00:00+00:00"


def test_usage_of_a_window_ahead_of_the_clock_still_counts() -> None:
    campaign = definition([enrollment(caps={"day": 1})])
    ahead = used("day", DAY_START + timedelta(days=1), leads=1)
    assert run(campaign, {1: ahead}).outcome == "unsold"


def test_credits_at_the_boundary() -> None:
    assert run(definition(), {1: LiveFacts(2000, held_cents=500, credit_limit_cents=1000)}).outcome == "sold"
    failure = only_failure(run(definition(), {1: LiveFacts(2000, held_cents=501, credit_limit_cents=1000)}))
    assert failure == {
        "gate": "insufficient_credits",
        "required": 2500,
        "observed": 2499,
        "fixed_at": None,
        "missing_cents": 1,
    }


def test_buyer_that_already_has_the_lead() -> None:
    failure = only_failure(run(definition(), {1: LiveFacts(100_000, has_lead=True)}))
    assert failure == {"gate": "already_has_lead", "required": False, "observed": True, "fixed_at": None}


@pytest.mark.parametrize("reason", ["duplicate", ""])
def test_buyer_whose_system_rejected_the_lead(reason: str) -> None:
    failure = only_failure(run(definition(), {1: LiveFacts(100_000, rejection=reason)}))
    assert failure == {
        "gate": "rejected_lead",
        "required": False,
        "observed": True,
        "fixed_at": None,
        "reason": reason,
    }


def test_every_gate_is_evaluated_and_the_first_names_the_skip() -> None:
    campaign = definition(
        [enrollment(active=False, lead_filter=AGED, caps={"day": 0})],
        [buyer(active=False, service_area={}, hours=CLOSED_ALWAYS, answers={"least": 16})],
        [tier(content_filter=AGED)],
        questions=QUESTIONS[1:],
    )
    [skip] = run(campaign, {1: LiveFacts(has_lead=True, rejection="duplicate")}).skipped
    assert skip.reason == "enrollment_paused"
    assert [gate["gate"] for gate in skip.gates] == [
        "enrollment_paused",
        "buyer_paused",
        "outside_service_area",
        "onboarding_mismatch",
        "lead_filter_rejected",
        "lead_filter_rejected",
        "outside_buyer_hours",
        "cap_reached",
        "insufficient_credits",
        "already_has_lead",
        "rejected_lead",
    ]


def test_gate_has_one_row_with_the_same_code_as_its_failure() -> None:
    assert len(STAGES) == len(set(STAGES))
    campaign = definition(
        [enrollment(active=False, lead_filter=AGED, caps={"day": 0})],
        [buyer(active=False, service_area={}, hours=CLOSED_ALWAYS, answers={"least": 16})],
        [tier(content_filter=AGED)],
        questions=QUESTIONS[1:],
    )
    [skip] = run(campaign, {1: LiveFacts(has_lead=True, rejection="duplicate")}).skipped
    assert tuple(dict.fromkeys(gate["gate"] for gate in skip.gates)) == STAGES


def test_person_overrides_neither_money_nor_caps_nor_double_sales() -> None:
    assert [gate.code for gate in GATES if not gate.is_overridable] == [
        "cap_reached",
        "insufficient_credits",
        "already_has_lead",
    ]
    assert not is_overridable({"gate": "outside_buyer_hours", "problem": "unknown time zone 'Mars/Base'"})
    assert is_overridable({"gate": "outside_service_area", "problem": "must be an object"})


def test_enrollment_without_live_facts_is_refused() -> None:
    campaign = definition()
    stray = facts(definition([enrollment(2)]))
    with pytest.raises(FactsError, match="enrollment 1"):
        decide(compile_campaign(campaign), stray)


def used(window: str, starts_at: datetime, *, leads: int = 0, spent: int = 0) -> LiveFacts:
    return LiveFacts(RICH.balance_cents, usage={window: (starts_at, leads, spent)})
