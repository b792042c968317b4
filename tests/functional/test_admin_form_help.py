"""What forms say beyond their fields: how much an area covers, and why an enrolment would get nothing today."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from distribution.coverage import measure_coverage
from distribution.models import Buyer, Campaign, Enrollment, Tier, Wallet
from distribution.standing import why_nothing_today
from routing.models import Source, Workspace
from routing.places import load_rows
from tests.admin_pages import EDITABLE, MODELS, build_world, client_of, page
from tests.factories import BuyerFactory, EnrollmentFactory, SourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


FORMS = (Workspace, Source, Campaign, Tier, Buyer, Enrollment, Wallet)


@pytest.mark.parametrize("model", FORMS, ids=lambda model: model.__name__)
def test_every_field_says_what_to_put_there(model: type[Model], client: Client) -> None:
    build_world()
    row = model._default_manager.first()
    assert row is not None
    urls = [page(model, "change", row.pk)] + ([page(model, "add")] if model in EDITABLE else [])
    for url in urls:
        form = client.get(url).context["adminform"].form
        assert form.fields
        assert [name for name, field in form.fields.items() if not field.help_text] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_an_empty_list_says_what_comes_next(model: type[Model]) -> None:
    text = admin.site._registry[model].empty_list_text  # type: ignore[attr-defined]
    assert text.endswith(".")


def test_an_area_is_measured_as_the_engine_reads_it() -> None:
    whole = measure_coverage({"counties": ["GA:Fulton County"]})
    without = measure_coverage({"counties": ["GA:Fulton County"], "exclude": {"zips": ["30312"]}})

    assert whole.counties == [("Fulton County, GA", whole.zips)]
    assert without.zips == whole.zips - 1
    assert measure_coverage({}).zips == 0


def test_a_county_that_is_written_in_two_ways_is_one() -> None:
    """The data writes DeKalb County and Dekalb County, both of Georgia."""
    spellings = {
        row[3] for row in load_rows().values() if row[2] == "GA" and (row[3] or "").lower() == "dekalb county"
    }
    assert len(spellings) == 2, "the data writes it in one way now: name another county here"

    coverage = measure_coverage({"counties": ["GA:dekalb county"]})

    assert [zips for _, zips in coverage.counties] == [coverage.zips]
    assert coverage.more_counties == 0


def test_a_buyers_page_shows_its_coverage(client: Client) -> None:
    buyer = BuyerFactory(service_area={"counties": ["GA:Fulton County"]})
    content = client.get(page(Buyer, "change", buyer.pk)).content.decode()
    assert "Fulton County, GA: " in content
    assert '<path class="desk-covered" d="M' in content
    nowhere = BuyerFactory(service_area={})
    assert "Covers no ZIP" in client.get(page(Buyer, "change", nowhere.pk)).content.decode()
    broken = BuyerFactory(service_area={"radius": [{"zip": "00000", "miles": 5}]})
    assert "The area cannot be read" in client.get(page(Buyer, "change", broken.pk)).content.decode()


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "paused": ({"active": False}, "The enrolment is paused"),
    "buyer": ({"buyer__paused_at": "2026-01-01T00:00Z"}, "The buyer is paused"),
    "campaign": ({"campaign__active": False}, "The campaign is not active"),
    "area": ({"buyer__service_area": {}}, "covers no ZIP"),
    "cap": ({"cap_day": 0}, "Its cap a day is 0"),
    "budget": ({"budget_week_cents": 100}, r"Its budget a week is \$1.00, one lead costs \$25.00"),
    "wallet": ({"buyer__credits_cents": 100}, r"Its wallet has \$1.00"),
    "answers": (
        {"campaign__questions": [{"key": "types", "field": "zip", "op": "in", "required": True}]},
        "required question “types”",
    ),
    "answer": (
        {
            "campaign__questions": [{"key": "types", "field": "zip", "op": "in"}],
            "buyer__answers": {"types": "a"},
        },
        "answer to “types” does not fit the question",
    ),
    "blank answer": (
        {
            "campaign__questions": [{"key": "types", "field": "zip", "op": "in", "required": True}],
            "buyer__answers": {"types": []},
        },
        "required question “types”",
    ),
    "broken filter": (
        {"lead_filter": {"field": "state", "op": "near"}},
        "The enrolment's filter cannot be read: mend it",
    ),
    "never": (
        {"lead_filter": {"all": [{"field": "zip", "op": "eq", "value": value} for value in ("1", "2")]}},
        r"No lead passes the enrolment's filter \(zip is 1 and zip is 2\): change it",
    ),
    "source": (
        {
            "source_name": "website",
            "lead_filter": {"field": "source", "op": "eq", "value": "import"},
        },
        r"both the campaign's source \(source is website\) and the enrolment's filter \(source is import\)",
    ),
    "tier and enrolment": (
        {
            "tier_filter": {"field": "attributes.age", "op": "gte", "value": 10},
            "lead_filter": {"field": "attributes.age", "op": "lt", "value": 10},
        },
        r"both the tier's filter \(age >= 10\) and the enrolment's filter \(age < 10\): change one of them",
    ),
    "area and tier": (
        {
            "buyer__service_area": {"radius": [{"zip": "30312", "miles": 25}]},
            "tier_filter": {"field": "state", "op": "eq", "value": "TX"},
        },
        r"both the tier's filter \(state is TX\) and the buyer's area \(25 miles around 30312\)",
    ),
    "answer and tier": (
        {
            "campaign__questions": [{"key": "types", "field": "attributes.type", "op": "eq"}],
            "buyer__answers": {"types": "commercial"},
            "tier_filter": {"field": "attributes.type", "op": "eq", "value": "residential"},
        },
        "both the tier's filter .* and the answer to “types”",
    ),
    "all together": (
        {
            "campaign__vertical": "roofing",
            "tier_filter": {"field": "attributes.n", "op": "in", "value": [1, 2]},
            "lead_filter": {
                "all": [
                    {"field": "attributes.n", "op": "not_in", "value": [2]},
                    {"field": "attributes.n", "op": "lt", "value": 9},
                ]
            },
            "campaign__questions": [{"key": "least", "field": "attributes.n", "op": "ne"}],
            "buyer__answers": {"least": 1},
        },
        "No lead passes all of the campaign's vertical .*, the tier's filter .*, the enrolment's filter .* and",
    ),
    "tier": (
        {"campaign__vertical": "roofing", "lead_filter": {"field": "vertical", "op": "eq", "value": "solar"}},
        r"No lead passes both the campaign's vertical \(vertical is roofing\) and the enrolment's filter",
    ),
}


def enrolled(*, tier_filter: Any = None, source_name: str = "", **changes: Any) -> Enrollment:
    enrollment: Enrollment = EnrollmentFactory(**{"buyer__credits_cents": 10_000, **changes})
    if tier_filter:
        Tier.objects.update(content_filter=tier_filter)
    if source_name:
        source = SourceFactory(workspace=enrollment.campaign.workspace, name=source_name)
        Campaign.objects.update(source=source)
    return enrollment


@pytest.mark.parametrize("case", CASES)
def test_why_an_enrolment_gets_nothing_today(case: str, client: Client) -> None:
    changes, sentence = CASES[case]
    enrollment = enrolled(**changes)
    loaded = Enrollment.objects.get(pk=enrollment.pk)

    [reason] = why_nothing_today(loaded, at=timezone.now())

    assert re.search(sentence, reason)
    assert (
        "It would get nothing today" in client.get(page(Enrollment, "change", enrollment.pk)).content.decode()
    )


def test_an_enrolment_in_order_has_nothing_in_its_way(client: Client) -> None:
    enrollment = EnrollmentFactory(buyer__credits_cents=10_000)
    content = client.get(page(Enrollment, "change", enrollment.pk)).content.decode()
    assert "Nothing stands in its way today" in content
    assert client.get(page(Enrollment, "add")).status_code == 200
