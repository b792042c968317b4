"""What forms say beyond their fields: how much an area covers, and why an enrolment would get nothing today."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from distribution.coverage import measure_coverage
from distribution.models import Buyer, Enrollment
from distribution.standing import why_nothing_today
from tests.admin_pages import client_of, page
from tests.factories import BuyerFactory, EnrollmentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def test_an_area_is_measured_as_the_engine_reads_it() -> None:
    whole = measure_coverage({"counties": ["GA:Fulton County"]})
    without = measure_coverage({"counties": ["GA:Fulton County"], "exclude": {"zips": ["30312"]}})

    assert whole.counties == [("Fulton County, GA", whole.zips)]
    assert without.zips == whole.zips - 1
    assert measure_coverage({}).zips == 0


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
    "tier": (
        {"campaign__vertical": "roofing", "lead_filter": {"field": "vertical", "op": "eq", "value": "solar"}},
        r"No lead passes both the campaign's vertical \(vertical is roofing\) and the enrolment's filter",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_why_an_enrolment_gets_nothing_today(case: str, client: Client) -> None:
    changes, sentence = CASES[case]
    enrollment = EnrollmentFactory(**{"buyer__credits_cents": 10_000, **changes})
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
