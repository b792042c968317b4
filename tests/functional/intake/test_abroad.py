"""A lead from abroad matches definitions that name its country, and none that mean the US."""

from typing import Any

import pytest
from django.test import Client

from distribution.attempts.distribute import distribute_lead
from distribution.configuration.coverage import compile_area
from distribution.engine import LeadFacts
from distribution.engine.area import area_failure, lead_place
from distribution.models import Assignment
from routing.models import Lead
from tests.support.factories import (
    CampaignFactory,
    LeadFactory,
    RuleFactory,
    SourceFactory,
    enroll,
    issue_key,
)

pytestmark = pytest.mark.django_db

GERMAN = {"country": "DE", "zip": "30312", "state": "", "county": "", "city": "Hannover"}
AUSTRALIAN = {"country": "AU", "zip": "6000", "state": "WA", "county": "", "city": "Perth"}
BRAZILIAN = {"country": "BR", "zip": "66000", "state": "PA", "county": "", "city": "Belém"}
PUERTO_RICAN = {"country": "PR", "zip": "00901", "state": "", "county": "", "city": "San Juan"}
SAILOR = {"country": "AE", "zip": "09012", "state": "", "county": "", "city": "Apo"}
IN_EMIRATES = {"country": "AE", "zip": "00000", "state": "", "county": "", "city": "Dubai"}


def sell(place: dict[str, str], *, area: Any = None, **options: Any) -> int:
    """The number of buyers that the lead is sold to."""
    campaign = CampaignFactory(**options.pop("campaign", {}))
    area = area or {"everywhere": True}
    enroll(campaign, count=1, credits_cents=100_000, buyer__service_area=area, **options)
    lead = LeadFactory(source__workspace=campaign.workspace, **place)
    distribute_lead(lead.pk)
    return Assignment.objects.filter(lead=lead).count()


@pytest.mark.parametrize(
    ("place", "area"),
    [
        (GERMAN, {"zips": ["30312"]}),
        (GERMAN, {"zip_prefixes": ["303"]}),
        (GERMAN, {"zip_prefixes": ["3"]}),
        (GERMAN, {"radius": [{"zip": "30312", "miles": 10}]}),
        (GERMAN, {"countries": ["US"]}),
        (AUSTRALIAN, {"states": ["WA"]}),
        (BRAZILIAN, {"states": ["PA"]}),
        (AUSTRALIAN, {"states": ["CA-WA"]}),
        (GERMAN | {"county": "Fulton County", "state": "GA"}, {"counties": ["GA:Fulton County"]}),
        (IN_EMIRATES, {"states": ["AE"]}),
    ],
)
def test_lead_from_abroad_is_outside_a_us_area(place: dict[str, str], area: Any) -> None:
    assert sell(place, area=area) == 0


@pytest.mark.parametrize(
    ("place", "area"),
    [
        (GERMAN, {"zips": ["DE-30312"]}),
        (GERMAN, {"zip_prefixes": ["DE-30"]}),
        (GERMAN, {"countries": ["DE"]}),
        (AUSTRALIAN, {"states": ["AU-WA"]}),
        (GERMAN, {"everywhere": True}),
        (PUERTO_RICAN, {"states": ["PR"]}),
        (PUERTO_RICAN, {"zips": ["00901"]}),
        (PUERTO_RICAN, {"countries": ["US"]}),
        (PUERTO_RICAN, {"radius": [{"zip": "00901", "miles": 1}]}),
        (PUERTO_RICAN | {"country": "US", "state": "PR"}, {"states": ["PR"]}),
        (SAILOR, {"states": ["AE"]}),
        (SAILOR | {"country": "US", "state": "AE"}, {"states": ["AE"]}),
    ],
)
def test_lead_is_inside_an_area_that_names_its_country(place: dict[str, str], area: Any) -> None:
    assert sell(place, area=area) == 1


@pytest.mark.parametrize(
    ("place", "exclude", "sold"),
    [
        (AUSTRALIAN, {"states": ["WA"]}, 1),
        (GERMAN, {"zips": ["30312"]}, 1),
        (GERMAN, {"radius": [{"zip": "30312", "miles": 10}]}, 1),
        (AUSTRALIAN, {"states": ["AU-WA"]}, 0),
        (GERMAN, {"countries": ["DE"]}, 0),
        (PUERTO_RICAN, {"states": ["PR"]}, 0),
        (PUERTO_RICAN, {"countries": ["US"]}, 0),
    ],
)
def test_exclusion_applies_to_the_country_that_it_names(
    place: dict[str, str], exclude: Any, sold: int
) -> None:
    assert sell(place, area={"everywhere": True, "exclude": exclude}) == sold


def leaf(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


CONDITIONS = [
    (AUSTRALIAN, leaf("state", "eq", "WA"), False),
    (AUSTRALIAN, leaf("state", "ne", "WA"), True),
    (AUSTRALIAN, leaf("state", "not_in", ["GA", "AL"]), True),
    (AUSTRALIAN, leaf("state", "eq", "AU-WA"), True),
    (AUSTRALIAN, leaf("city", "eq", "Perth"), False),
    (GERMAN, leaf("zip", "eq", "30312"), False),
    (GERMAN, leaf("zip", "starts_with", "303"), False),
    (GERMAN, leaf("zip", "starts_with", "DE-303"), True),
    (GERMAN, leaf("country", "eq", "DE"), True),
    (PUERTO_RICAN, leaf("country", "eq", "US"), True),
    (PUERTO_RICAN, leaf("state", "eq", "PR"), True),
]


@pytest.mark.parametrize(("place", "condition", "matches"), CONDITIONS)
def test_filter_can_read_the_country(place: dict[str, str], condition: Any, *, matches: bool) -> None:
    assert sell(place, lead_filter=condition) == matches


@pytest.mark.parametrize(("place", "condition", "matches"), CONDITIONS)
def test_price_rule_can_read_the_country(place: dict[str, str], condition: Any, *, matches: bool) -> None:
    rules = [{"when": condition, "set_cents": 9_900}]
    assert sell(place, campaign={"price_rules": rules}) == 1
    assert Assignment.objects.get().price_cents == (9_900 if matches else 2_500)


@pytest.mark.parametrize(("place", "condition", "matches"), CONDITIONS)
def test_routing_rule_can_read_the_country(place: dict[str, str], condition: Any, *, matches: bool) -> None:
    rule = RuleFactory(conditions=condition)
    lead = LeadFactory(source__workspace=rule.workspace, **place)
    distribute_lead(lead.pk)
    lead.refresh_from_db()
    assert lead.workspace_id == (rule.destination_id if matches else rule.workspace_id)


def test_dry_run_of_rules_can_read_the_country(admin_client: Client) -> None:
    rule = RuleFactory(conditions=leaf("state", "eq", "WA"))
    page = "/admin/routing/routingrule/test/"
    typed = {
        "workspace": rule.workspace_id,
        "zip": "6000",
        "state": "WA",
        "country": "AU",
        "attributes": "{}",
    }
    typed["vertical"] = "roofing"
    dry_run = admin_client.post(page, typed).context["dry_run"]
    assert (dry_run.moves, dry_run.path[0].checked_rules[0].misses[0].observed) == (0, "AU-WA")
    assert admin_client.post(page, {**typed, "zip": "98101", "country": "US"}).context["dry_run"].moves == 1


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"country": "PR", "zip": "00901"}, ("US", "PR", "00901", "San Juan Municipio")),
        (
            {"country": "PR", "zip": "00901-1234", "state": "San Juan"},
            ("US", "PR", "00901", "San Juan Municipio"),
        ),
        ({"country": "VI", "zip": "00802"}, ("US", "VI", "00802", "")),
        ({"country": "AE", "zip": "09012"}, ("US", "AE", "09012", "")),
        ({"country": "DE", "zip": "30312", "state": "ni"}, ("DE", "NI", "30312", "")),
    ],
)
def test_territory_is_stored_as_the_us(sent: dict[str, str], stored: tuple[str, ...]) -> None:
    source = SourceFactory()
    answer = Client().post(
        "/api/v1/leads/",
        {"email": "ada@example.com", **sent},
        content_type="application/json",
        headers={"Authorization": f"Api-Key {issue_key(source)}"},
    )
    assert answer.status_code == 201, answer.content
    lead = Lead.objects.get()
    assert (lead.country, lead.state, lead.zip, lead.county) == stored


def test_place_without_a_country_is_decided_as_before() -> None:
    """Facts recorded before places had countries name a bare state. A replay gives the original decision."""
    old_place = lead_place(LeadFacts({"zip": "6000", "state": "WA", "county": None}))
    assert area_failure(compile_area({"states": ["WA"]}), old_place) is None
