"""Definitions contain only values that leads can have: forms correct what they can, rows refuse the rest by name."""

import html
import json
from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.test import Client

from distribution.models import Buyer, Campaign, Enrollment, Tier
from routing.models import RoutingRule, Source, Workspace
from tests.support.admin_pages import form_of
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    RuleFactory,
    SourceFactory,
    TierFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db


def leaf(field: str, value: Any, op: str = "eq") -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


AREAS: list[tuple[Any, Any]] = [
    ({"states": ["Georgia", "al"]}, {"states": ["GA", "AL"]}),
    ({"zips": ["30312 ", 30313]}, {"zips": ["30312", "30313"]}),
    ({"zip_prefixes": ["303*"]}, {"zip_prefixes": ["303"]}),
    (
        {"counties": ["GA:Fulton", "Dekalb County, Georgia"]},
        {"counties": ["GA:Fulton County", "GA:DeKalb County"]},
    ),
    ({"countries": ["usa"]}, {"countries": ["US"]}),
    ({"states": ["CA-Ontario"]}, {"states": ["CA-ON"]}),
    (
        {"everywhere": True, "exclude": {"states": ["Georgia"]}},
        {"everywhere": True, "exclude": {"states": ["GA"]}},
    ),
]
IMPOSSIBLE_AREAS: list[tuple[Any, str]] = [
    (
        {"zips": ["30312-1234"]},
        "zips[0]: '30312-1234' is a ZIP+4 code, but leads have five-digit ZIP codes: write 30312",
    ),
    (
        {"zips": ["3031"]},
        "zips[0]: '3031' is not a ZIP code: write five digits, like 30312, or DE-30312 outside the US",
    ),
    ({"states": ["Georgie"]}, "states[0]: 'Georgie' is not a state: did you mean GA?"),
    ({"zip_prefixes": ["000"]}, "zip_prefixes[0]: '000': no ZIP code starts with it"),
    (
        {"counties": ["MD:Baltimore"]},
        "counties[0]: 'MD:Baltimore' could be Baltimore City or Baltimore County: write which one",
    ),
    ({"counties": ["GA:Fultn"]}, "counties[0]: 'GA:Fultn' is not a county: did you mean Fulton County?"),
    (
        {"countries": ["Atlantis"]},
        "countries[0]: 'Atlantis' is not a country: use the two-letter ISO 3166 code, like US",
    ),
    ({"state": ["GA"]}, "state: unknown key: did you mean 'states'?"),
    ({"states": ["GA"], "exclude": {"zip": ["30312"]}}, "exclude.zip: unknown key: did you mean 'zips'?"),
    (
        {"everywhere": True, "exclude": {"states": ["Gorgia"]}},
        "exclude.states[0]: 'Gorgia' is not a state: did you mean GA?",
    ),
]
CONDITIONS: list[tuple[Any, Any]] = [
    (leaf("state", "ga"), leaf("state", "GA")),
    (leaf("state", ["Georgia", "AL"], "in"), leaf("state", ["GA", "AL"], "in")),
    (leaf("country", "USA"), leaf("country", "US")),
    (leaf("vertical", "Home Solar"), leaf("vertical", "home_solar")),
    (leaf("zip", "303*", "starts_with"), leaf("zip", "303", "starts_with")),
    (leaf("county", "Fulton"), leaf("county", "Fulton County")),
    (leaf("counties", "Dekalb County", "contains"), leaf("counties", "DeKalb County", "contains")),
    (leaf("region", "south"), leaf("region", "South")),
    (leaf("state", "g", "starts_with"), leaf("state", "G", "starts_with")),
    (leaf("county", "fulton", "contains"), leaf("county", "Fulton", "contains")),
    (leaf("county", "miami-dade", "starts_with"), leaf("county", "Miami-Dade", "starts_with")),
    (
        {"not": {"any": [leaf("state", "ga"), leaf("zip", "30312")]}},
        {"not": {"any": [leaf("state", "GA"), leaf("zip", "30312")]}},
    ),
]
IMPOSSIBLE_CONDITIONS: list[tuple[Any, str]] = [
    (
        leaf("zip", "3031"),
        "value: '3031' is not a ZIP code: write five digits, like 30312, or DE-30312 outside the US",
    ),
    (
        leaf("zip", "303", "eq"),
        "value: '303' is not a ZIP code: write five digits, like 30312, or DE-30312 outside the US",
    ),
    (leaf("state", "Georgie"), "value: 'Georgie' is not a state: did you mean GA?"),
    (leaf("state", "q", "starts_with"), "value: 'q': no state starts with it"),
    (leaf("county", "WOOD C", "contains"), "value: 'WOOD C' could be Wood C or wood C: write which one"),
    (leaf("country", "PR"), "value: 'PR' is part of the US: use the state PR"),
    (
        leaf("county", "Baltimore"),
        "value: 'Baltimore' could be Baltimore City or Baltimore County: write which one",
    ),
    (
        leaf("counties", "Fulton County"),
        "value: counties is a list: eq compares one value; use contains or in",
    ),
    (
        leaf("source", "web form"),
        "value: 'web form' is not a source name: use letters, digits, - and _",
    ),
    (
        leaf("attributes.contact_email", "a@example.com"),
        "field: attributes.contact_email is personal data, which must not be in the trace: use another field,"
        " or have the sender add a field that says what you need, like has_email",
    ),
]
CONDITION_FIELDS = [
    (EnrollmentFactory, "lead_filter"),
    (TierFactory, "content_filter"),
    (RuleFactory, "conditions"),
]


def url_of(row: Model) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"


def save(client: Client, row: Model, **typed: Any) -> list[str]:
    """Send the row's form with these fields. Returns the messages of the next page."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in typed.items()}
    answer = client.post(url_of(row), {**form_of(client, url_of(row)), **texts}, follow=True)
    assert answer.status_code == 200, answer.content
    if "adminform" in answer.context:
        return [str(each) for each in answer.context["adminform"].form.errors.values()]
    row.refresh_from_db()
    return [str(each) for each in answer.context["messages"]]


@pytest.mark.parametrize(("typed", "saved"), AREAS)
def test_area_is_stored_in_the_form_of_leads(typed: Any, saved: Any, admin_client: Client) -> None:
    buyer = BuyerFactory()
    messages = save(admin_client, buyer, service_area=typed)
    assert buyer.service_area == saved
    assert any(each.startswith("service_area: ") and " is saved as " in each for each in messages)


@pytest.mark.parametrize(("area", "problem"), IMPOSSIBLE_AREAS)
def test_impossible_area_is_refused_by_name(area: Any, problem: str, admin_client: Client) -> None:
    with pytest.raises(ValidationError) as refused:
        BuyerFactory.build(workspace=WorkspaceFactory(), service_area=area).full_clean()
    assert problem in refused.value.message_dict["service_area"]
    buyer = BuyerFactory()
    assert html.escape(problem) in save(admin_client, buyer, service_area=area)[0]
    buyer.refresh_from_db()
    assert buyer.service_area == {"everywhere": True}


@pytest.mark.parametrize(("factory", "field"), CONDITION_FIELDS)
def test_condition_is_stored_in_the_form_of_leads(factory: Any, field: str, admin_client: Client) -> None:
    row = factory()
    for typed, saved in CONDITIONS:
        messages = save(admin_client, row, **{field: typed})
        assert getattr(row, field) == saved
        assert any(each.startswith(f"{field}: ") and " is saved as " in each for each in messages)


@pytest.mark.parametrize(("factory", "field"), CONDITION_FIELDS)
def test_impossible_condition_is_refused_by_name(factory: Any, field: str) -> None:
    row = factory()
    for condition, problem in IMPOSSIBLE_CONDITIONS:
        setattr(row, field, condition)
        with pytest.raises(ValidationError) as refused:
            row.full_clean()
        assert refused.value.message_dict[field] == [problem]


@pytest.mark.parametrize(("typed", "saved"), CONDITIONS)
def test_row_itself_is_strict(typed: Any, saved: Any) -> None:
    """A program's value is not changed silently: it is refused with the right form."""
    row = EnrollmentFactory(lead_filter=typed)
    with pytest.raises(ValidationError, match="never matches: write"):
        row.full_clean()
    row.lead_filter = saved
    row.full_clean()


def test_price_rule_is_stored_in_the_form_of_leads(admin_client: Client) -> None:
    campaign = CampaignFactory()
    messages = save(admin_client, campaign, price_rules=[{"when": leaf("state", "Georgia"), "percent": 120}])
    assert campaign.price_rules == [{"when": leaf("state", "GA"), "percent": 120}]
    assert "price_rules: [0].when.value: 'Georgia' is saved as 'GA'." in messages


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([{"wen": leaf("state", "GA"), "percent": 120}], "[0].wen: unknown key: did you mean 'when'?"),
        (
            [{"when": leaf("state", "Georgie"), "percent": 9}],
            "[0].when.value: 'Georgie' is not a state: did you mean GA?",
        ),
    ],
)
def test_impossible_price_rule_is_refused_by_name(rules: Any, problem: str) -> None:
    campaign = CampaignFactory.build(workspace=WorkspaceFactory(), price_rules=rules)
    with pytest.raises(ValidationError) as refused:
        campaign.full_clean()
    assert refused.value.message_dict["price_rules"] == [problem]


@pytest.mark.parametrize(
    ("factory", "field"), [(CampaignFactory, "vertical"), (SourceFactory, "default_vertical")]
)
def test_vertical_is_stored_in_the_form_of_leads(factory: Any, field: str, admin_client: Client) -> None:
    row = factory()
    assert f"{field}: 'Home Solar' is saved as 'home_solar'." in save(
        admin_client, row, **{field: "Home Solar"}
    )
    assert getattr(row, field) == "home_solar"
    setattr(row, field, "Home Solar")
    with pytest.raises(ValidationError, match="Write 'Home Solar' as home_solar"):
        row.full_clean()


@pytest.mark.parametrize("factory", [WorkspaceFactory, BuyerFactory, CampaignFactory])
def test_time_zone_is_a_place(factory: Any, admin_client: Client) -> None:
    row = factory()
    save(admin_client, row, timezone="america/chicago")
    assert row.timezone == "America/Chicago"
    for abbreviation, fix in (
        ("EST", "America/New_York"),
        ("CST", "America/Chicago"),
        ("Eastern", "America/New_York"),
    ):
        assert fix in save(admin_client, row, timezone=abbreviation)[0]
    row.refresh_from_db()
    assert row.timezone == "America/Chicago"


class TestAnswers:
    QUESTIONS = [
        {"key": "states", "field": "state", "op": "in"},
        {"key": "types", "field": "attributes.type", "op": "in"},
    ]

    def test_answer_is_stored_in_the_form_of_leads(self, admin_client: Client) -> None:
        buyer = EnrollmentFactory(campaign__questions=self.QUESTIONS).buyer
        messages = save(admin_client, buyer, answers={"states": ["Georgia", "AL"]})
        assert buyer.answers == {"states": ["GA", "AL"]}
        assert "answers: states[0]: 'Georgia' is saved as 'GA'." in messages

    def test_impossible_answer_is_refused_by_name(self) -> None:
        buyer = EnrollmentFactory(campaign__questions=self.QUESTIONS).buyer
        buyer.answers = {"states": ["Georgie"]}
        with pytest.raises(ValidationError, match="'Georgie' is not a state: did you mean GA"):
            buyer.full_clean()

    def test_mistyped_key_is_refused_by_name(self) -> None:
        campaign = CampaignFactory(questions=self.QUESTIONS)
        buyer = BuyerFactory.build(workspace=campaign.workspace, answers={"typs": ["roof"]})
        with pytest.raises(ValidationError) as refused:
            buyer.full_clean()
        assert refused.value.message_dict["answers"] == [
            "typs: no campaign in the workspace asks this: did you mean 'types'?"
        ]

    def test_answers_may_be_stored_before_the_first_question(self) -> None:
        BuyerFactory.build(workspace=WorkspaceFactory(), answers={"types": ["roof"]}).full_clean()

    @pytest.mark.parametrize(
        ("question", "problem"),
        [
            (
                {"key": "a", "field": "state", "op": "in", "requird": True},
                "[0].requird: unknown key: did you mean 'required'?",
            ),
            (
                {"key": "a", "field": "attributes.full_name", "op": "eq"},
                "[0].field: attributes.full_name is personal data",
            ),
            ({"key": "a", "field": "counties", "op": "eq"}, "[0].op: counties is a list"),
        ],
    )
    def test_impossible_question_is_refused_by_name(self, question: Any, problem: str) -> None:
        campaign = CampaignFactory.build(workspace=WorkspaceFactory(), questions=[{"key": "a", **question}])
        with pytest.raises(ValidationError) as refused:
            campaign.full_clean()
        [said] = refused.value.message_dict["questions"]
        assert said.startswith(problem)


def test_check_while_typing_shows_the_stored_form(admin_client: Client) -> None:
    answer = admin_client.post(
        "/admin/distribution/buyer/check/service_area/", {"text": '{"states": ["Georgia"]}'}
    ).json()
    assert answer["is_valid"]
    assert answer["says"][1] == "states[0]: 'Georgia' is saved as 'GA'."


def test_every_column_of_definitions_is_covered() -> None:
    """A new column of definitions needs a rewriter, or a reason here."""
    plain = {
        "hours",
        "schedule",
        "questions",
        "answers",
    }  # no literals; answers are read with their questions
    for model in (Buyer, Campaign, Enrollment, Tier, RoutingRule, Source, Workspace):
        page: Any = admin.site._registry[model]
        entered = {
            field.name
            for field in model._meta.fields
            if field.get_internal_type() == "JSONField"
            or field.name in ("timezone", "vertical", "default_vertical")
        }
        assert entered - plain == set(page.rewriters), model
