"""Malformed definitions are refused with their path; equal parts are shared."""

from copy import deepcopy
from typing import Any

import pytest

from distribution.engine import DefinitionError, compile_campaign
from tests.unit.engine.builders import WEEKDAYS_NINE_TO_FIVE, buyer, definition, enrollment, tier

BAD_CIRCLE = {"zip": "30312", "miles": 5, "latitude": None, "longitude": 1}


def broken(path: list[Any], value: Any) -> dict[str, Any]:
    campaign = deepcopy(definition([enrollment(1), enrollment(2)]))
    target: Any = campaign
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return campaign


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (["campaign", "mode"], "lottery", "campaign.mode"),
        (["campaign", "offer_fallback"], "sell", "campaign.offer_fallback"),
        (["campaign", "fallback_mode"], "ping_post", "campaign.fallback_mode"),
        (["campaign", "margin_bps"], 9_001, "campaign.margin_bps"),
        (["campaign", "price_cents"], -1, "campaign.price_cents"),
        (["campaign", "price_cents"], 25.5, "campaign.price_cents"),
        (["campaign", "max_buyers"], 0, "campaign.max_buyers"),
        (["campaign", "timezone"], "Mars/Base", "campaign.timezone"),
        (["campaign", "schedule"], {"mon": [["17:00", "09:00"]]}, "campaign.schedule.mon[0]"),
        (["campaign", "price_rules"], [{"when": None}], "campaign.price_rules[0]"),
        (
            ["campaign", "price_rules"],
            [{"when": None, "set_cents": 1, "percent": 1}],
            "campaign.price_rules[0]",
        ),
        (["campaign", "price_rules"], [{"when": None, "percent": -1}], "campaign.price_rules[0].percent"),
        (["campaign", "price_rules"], [{"when": None, "set_cents": -1}], "campaign.price_rules[0].set_cents"),
        (["campaign"], None, "campaign"),
        (["tiers"], {}, "tiers"),
        (["tiers", 0, "price_cents"], -1, "tiers[0].price_cents"),
        (["tiers", 0, "content_filter"], {"all": [{"field": "zip"}]}, "tiers[0].content_filter.all[0].op"),
        (["tiers"], [tier(1), tier(1)], "tiers[1]"),
        (["enrollments", 0, "weight"], 0, "enrollments[0].weight"),
        (["enrollments", 0, "weight"], True, "enrollments[0].weight"),
        (["enrollments", 0, "bid_cents"], -1, "enrollments[0].bid_cents"),
        (["enrollments", 0, "tier_id"], 9, "enrollments[0].tier_id"),
        (["enrollments", 0, "buyer_id"], 999, "enrollments[0].buyer_id"),
        (["enrollments", 1, "buyer_id"], 101, "enrollments[1]"),
        (["enrollments", 1, "id"], 1, "enrollments[1]"),
        (["enrollments", 0, "active"], "yes", "enrollments[0].active"),
        (["enrollments", 0, "caps"], {"day": -1}, "enrollments[0].caps.day"),
        (["enrollments", 0, "caps"], {"year": 1}, "enrollments[0].caps.year"),
        (
            ["enrollments", 0, "lead_filter"],
            {"field": "x", "op": "like", "value": 1},
            "enrollments[0].lead_filter.op",
        ),
        (["enrollments", 0], "text", "enrollments[0]"),
        (["buyers", 0, "timezone"], None, "buyers[0].timezone"),
        (["buyers", 0, "hours"], {"someday": []}, "buyers[0].hours.someday"),
        (["buyers", 0, "service_area"], {"counties": ["Fulton"]}, "buyers[0].service_area.counties[0]"),
        (["buyers", 0, "service_area"], {"zips": [30312]}, "buyers[0].service_area.zips[0]"),
        (
            ["buyers", 0, "service_area"],
            {"radius": [BAD_CIRCLE]},
            "buyers[0].service_area.radius[0].zip",
        ),
        (["buyers", 0, "service_area"], {"exclude": {"zips": "3"}}, "buyers[0].service_area.exclude.zips"),
        (["buyers", 1, "id"], 101, "buyers[1]"),
    ],
)
def test_malformed_definition_names_its_path(path: list[Any], value: Any, where: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        compile_campaign(broken(path, value), is_strict=True)
    assert refusal.value.path == where
    assert str(refusal.value).startswith(f"{where}: ")


def test_answer_that_does_not_fit_its_question_fails_only_that_buyer() -> None:
    questions = [{"key": "range", "field": "attributes.x", "op": "between"}]
    campaign = compile_campaign(
        definition(
            [enrollment(1, buyer_id=101), enrollment(2, buyer_id=102)],
            [buyer(101, answers={"range": 3}), buyer(102, answers={"range": [1, 5]})],
            questions=questions,
        )
    )
    unfit, fit = campaign.enrollments
    assert unfit.onboarding is not None
    assert fit.onboarding is not None
    assert (unfit.onboarding.unanswered, fit.onboarding.unanswered) == (("range",), ())


@pytest.mark.parametrize(
    ("question", "where"),
    [
        ({"key": "q", "op": "eq"}, "campaign.questions[0].field"),
        ({"key": "q", "field": "zip"}, "campaign.questions[0].op"),
        ({"key": "q", "field": "zip", "op": "near"}, "campaign.questions[0].op"),
    ],
)
def test_question_is_checked_before_it_is_answered(question: dict[str, str], where: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        compile_campaign(definition(questions=[question]))
    assert refusal.value.path == where


def test_unknown_keys_are_ignored() -> None:
    campaign = definition()
    campaign["campaign"]["later"] = campaign["buyers"][0]["later"] = 1
    assert list(compile_campaign(campaign).by_enrollment_id) == [1]


def test_fields_are_exactly_those_that_the_campaign_reads() -> None:
    campaign = compile_campaign(
        definition(
            [enrollment(lead_filter={"not": {"field": "attributes.a", "op": "missing"}})],
            [buyer(answers={"q": 1})],
            [tier(content_filter={"field": "city", "op": "exists"})],
            questions=[{"key": "q", "field": "attributes.b", "op": "eq"}],
            price_rules=[{"when": {"field": "vertical", "op": "eq", "value": "x"}, "add_cents": 1}],
        )
    )
    place = {"zip", "county", "counties", "state", "country"}
    assert campaign.fields == place | {"attributes.a", "attributes.b", "city", "vertical"}


def test_equal_parts_are_compiled_once() -> None:
    rows = [
        enrollment(each, lead_filter={"field": "zip", "op": "exists"}, caps={"day": 1}) for each in (1, 2)
    ]
    buyers = [
        buyer(each, hours=WEEKDAYS_NINE_TO_FIVE, service_area={"states": ["GA"]}) for each in (101, 102)
    ]
    first, second = compile_campaign(definition(rows, buyers)).enrollments
    assert first.lead_filter is second.lead_filter
    assert first.calendar is second.calendar
    assert first.area is second.area
    assert first.limits[0].slot is second.limits[0].slot


def test_static_facts_for_the_commit() -> None:
    campaign = compile_campaign(definition([enrollment(caps={"day": 5}, budgets={"month": 100})]))
    row = campaign.by_enrollment_id[1]
    assert (row.buyer_id, row.tier_id, row.timezone) == (101, 1, "America/New_York")
    assert (row.caps, row.budgets) == ({"day": 5}, {"month": 100})
