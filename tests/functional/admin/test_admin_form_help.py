"""The help that forms give beyond their fields: an area's coverage, and why an enrollment would get nothing today."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from distribution.configuration.coverage import list_covered, measure_coverage
from distribution.configuration.maps import draw_coverage
from distribution.explain.enrollment import describe_obstacles
from distribution.models import Buyer, Campaign, Endpoint, Enrollment, Tier, Wallet
from routing.models import Source, Workspace
from tests.support.admin_pages import EDITABLE, MODELS, build_world, client_of, page, problems, save
from tests.support.factories import BuyerFactory, EnrollmentFactory, SourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


FORMS = (Workspace, Source, Campaign, Tier, Buyer, Enrollment, Wallet, Endpoint)


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
def test_empty_list_names_the_next_step(model: type[Model]) -> None:
    text = admin.site._registry[model].empty_list_text  # type: ignore[attr-defined]
    assert text.endswith(".")


def test_area_is_measured_as_the_engine_reads_it() -> None:
    whole = measure_coverage({"counties": ["GA:Fulton County"]})
    without = measure_coverage({"counties": ["GA:Fulton County"], "exclude": {"zips": ["30312"]}})

    assert whole.counties[0][0] == "Fulton County, GA"
    assert {name for name, _ in whole.counties} >= {"Cobb County, GA"}, (
        "ZIPs that lie in Fulton County in part"
    )
    assert without.zips == whole.zips - 1
    assert measure_coverage({}).zips == 0


@pytest.mark.parametrize("county", ["GA:dekalb county", "GA:DeKalb County"])
def test_county_with_two_spellings_is_one(county: str) -> None:
    """The data has both DeKalb County and Dekalb County in Georgia."""
    coverage = measure_coverage({"counties": [county]})

    assert "DeKalb County, GA" in dict(coverage.counties)
    assert "Dekalb County, GA" not in dict(coverage.counties)


def test_area_covers_zips_that_are_partly_inside() -> None:
    """30349 is in Fulton County and in Clayton County."""
    assert "30349" in {place.zip for place in list_covered({"counties": ["GA:Clayton County"]})}
    assert "30349" in {place.zip for place in list_covered({"counties": ["GA:Fulton County"]})}
    without = {"states": ["GA"], "exclude": {"counties": ["GA:Clayton County"]}}
    assert "30349" not in {place.zip for place in list_covered(without)}


def test_buyers_page_shows_its_coverage(client: Client) -> None:
    buyer = BuyerFactory(service_area={"counties": ["GA:Fulton County"]})
    content = client.get(page(Buyer, "change", buyer.pk)).content.decode()
    assert "Fulton County, GA: " in content
    assert '<path class="admin-covered" d="M' in content
    nowhere = BuyerFactory(service_area={})
    assert "Covers no ZIP" in client.get(page(Buyer, "change", nowhere.pk)).content.decode()
    broken = BuyerFactory(service_area={"radius": [{"zip": "00000", "miles": 5}]})
    content = client.get(page(Buyer, "change", broken.pk)).content.decode()
    assert (
        "The service area is not valid, so this buyer gets no leads: radius[0].zip: &#x27;00000&#x27; is not"
        in content
    )


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "paused": ({"active": False}, "The enrollment is paused"),
    "buyer": ({"buyer__paused_at": "2026-01-01T00:00Z"}, "The buyer is paused"),
    "campaign": ({"campaign__active": False}, "The campaign is not active"),
    "area": ({"buyer__service_area": {}}, "covers no ZIP"),
    "cap": ({"cap_day": 0}, "Its cap per day is 0"),
    "budget": ({"budget_week_cents": 100}, r"Its budget per week is \$1.00, but one lead costs \$25.00"),
    "wallet": ({"buyer__credits_cents": 100}, r"Its balance is too low: \$1.00 of \$"),
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
    "broken area": (
        {"buyer__service_area": {"radius": [{"zip": "00000", "miles": 5}]}},
        "The buyer's service area is not valid: correct it",
    ),
    "broken hours": ({"buyer__hours": {"someday": []}}, "The buyer's hours or time zone are not valid"),
    "broken time zone": ({"buyer__timezone": "Mars/Base"}, "The buyer's hours or time zone are not valid"),
    "broken schedule": (
        {"campaign__schedule": {"mon": 1}},
        "The campaign's hours or time zone are not valid",
    ),
    "broken answers": ({"buyer__answers": ["a"]}, "The buyer's answers are not valid"),
    "broken filter": (
        {"lead_filter": {"field": "state", "op": "near"}},
        "The enrollment's filter is not valid: correct it",
    ),
    "never": (
        {"lead_filter": {"all": [{"field": "zip", "op": "eq", "value": value} for value in ("1", "2")]}},
        r"No lead passes the enrollment's filter \(zip is 1 and zip is 2\): change it",
    ),
    "source": (
        {
            "source_name": "website",
            "lead_filter": {"field": "source", "op": "eq", "value": "import"},
        },
        r"both the campaign's source \(source is website\) and the enrollment's filter \(source is import\)",
    ),
    "tier and enrollment": (
        {
            "tier_filter": {"field": "attributes.age", "op": "gte", "value": 10},
            "lead_filter": {"field": "attributes.age", "op": "lt", "value": 10},
        },
        r"both the tier's filter \(age >= 10\) and the enrollment's filter \(age < 10\): change one of them",
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
        "No lead passes all of the campaign's vertical .*, the tier's filter .*, the enrollment's filter .* and",
    ),
    "tier": (
        {"campaign__vertical": "roofing", "lead_filter": {"field": "vertical", "op": "eq", "value": "solar"}},
        r"No lead passes both the campaign's vertical \(vertical is roofing\) and the enrollment's filter",
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
def test_page_says_why_an_enrollment_gets_nothing_today(case: str, client: Client) -> None:
    changes, sentence = CASES[case]
    enrollment = enrolled(**changes)
    loaded = Enrollment.objects.get(pk=enrollment.pk)

    [reason] = describe_obstacles(loaded, at=timezone.now())

    assert re.search(sentence, reason)
    assert (
        "It would get no leads right now"
        in client.get(page(Enrollment, "change", enrollment.pk)).content.decode()
    )


def test_enrollment_shows_its_use_of_its_caps(client: Client) -> None:
    """Counters of a past date count as zero, those of a date ahead count for today."""
    # A day ahead is in today's window at any time of day.
    ahead = (timezone.now() + timedelta(days=1)).date()
    enrollment = EnrollmentFactory(
        buyer__credits_cents=10_000, cap_day=10, budget_day_cents=50_000, cap_month=99
    )
    counters = {"counted_on": ahead, "day_leads": 3, "day_spent_cents": 7_500}
    hour = {
        "hour_starts_at": timezone.now() - timedelta(hours=5),
        "hour_leads": 98,
        "hour_spent_cents": 9_900,
    }
    Enrollment.objects.filter(pk=enrollment.pk).update(**counters, **hour)

    content = client.get(page(Enrollment, "change", enrollment.pk)).content.decode()

    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>', content)
    assert rows == [
        ("This hour", "0 leads", "$0.00 spent"),
        ("Today", "3 of 10 leads", "$75.00 of $500.00 spent"),
        ("This week", "0 leads", "$0.00 spent"),
        ("This month", "0 of 99 leads", "$0.00 spent"),
    ]
    assert content.index("Nothing blocks this enrollment") < content.index('name="cap_day"')
    assert '<td class="field-taken_today" data-label="Today">3 of 10</td>' in (
        client.get(page(Enrollment, "changelist")).content.decode()
    )


@pytest.mark.parametrize(
    ("typed", "cents"), [("500", 50_000), ("0.05", 5), ("12.5", 1_250), ("0", 0), ("", None)]
)
def test_money_is_typed_in_dollars(typed: str, cents: int | None, client: Client) -> None:
    enrollment = EnrollmentFactory(bid_cents=2_550)
    url = page(Enrollment, "change", enrollment.pk)
    assert re.search(r'name="bid_cents" value="25.50"', client.get(url).content.decode())

    assert save(client, Enrollment, enrollment, bid_cents=typed).status_code == 302

    enrollment.refresh_from_db()
    assert enrollment.bid_cents == cents


@pytest.mark.parametrize("typed", ["-1", "1.005", "NaN", "1e9", "9" * 40, "$5", "x"])
def test_invalid_amount_is_refused_and_shown_again(typed: str, client: Client) -> None:
    enrollment = EnrollmentFactory(bid_cents=2_550)

    answer = save(client, Enrollment, enrollment, bid_cents=typed)

    assert list(problems(answer)) == ["bid_cents"]
    assert f'name="bid_cents" value="{typed}"' in answer.content.decode()
    enrollment.refresh_from_db()
    assert enrollment.bid_cents == 2_550


@pytest.mark.parametrize("model", EDITABLE, ids=lambda model: model.__name__)
def test_empty_form_shows_only_its_fields(model: type[Model], client: Client) -> None:
    content = client.get(page(model, "add")).content.decode()
    assert 'class="readonly"' not in content
    assert "DatabaseDefault" not in content


def test_small_area_is_drawn_larger() -> None:
    def window(area: dict[str, Any]) -> list[int]:
        [found] = re.findall(r'viewBox="([-\d ]+)"', draw_coverage(area))
        return [int(each) for each in found.split()]

    x, y, width, height = window({"counties": ["GA:Fulton County"]})
    assert (width, height) == (57, 32)
    assert x < 333 < x + width  # Atlanta is 333 to the right and 169 down
    assert y < 169 < y + height
    assert window({"everywhere": True}) == window({"states": ["HI"]}) == [0, 0, 480, 270]


def test_valid_enrollment_has_no_obstacle(client: Client) -> None:
    enrollment = EnrollmentFactory(buyer__credits_cents=10_000)
    content = client.get(page(Enrollment, "change", enrollment.pk)).content.decode()
    assert "Nothing blocks this enrollment right now" in content
