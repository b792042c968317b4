"""Tables age: an unknown ZIP or area code is accepted with a flag, and an impossible one is refused."""

from typing import Any

import pytest
from django.test import Client

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment
from routing.models import Lead, Source
from routing.places.zips import find_place
from routing.values.normalize import FieldError, read_phone
from tests.support.factories import CampaignFactory, SourceFactory, enroll, issue_key

pytestmark = pytest.mark.django_db


def send(source: Source, **lead: Any) -> Any:
    return Client().post(
        "/api/v1/leads/",
        {"email": "ada@example.com", **lead},
        content_type="application/json",
        headers={"Authorization": f"Api-Key {issue_key(source)}"},
    )


def test_new_zip_is_accepted_flagged_and_sold_by_its_state() -> None:
    """The first three digits mean Georgia, even if the tables lack the ZIP."""
    zip_code = next(f"303{n:02d}" for n in range(100) if find_place(f"303{n:02d}") is None)
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=10_000, buyer__service_area={"states": ["GA"]})
    answer = send(SourceFactory(workspace=campaign.workspace), zip=zip_code)
    assert answer.status_code == 201, answer.content
    assert [(each["field"], each["code"]) for each in answer.json()["warnings"]] == [("zip", "unknown")]
    lead = Lead.objects.get()
    assert (lead.zip, lead.state, lead.county, lead.country) == (zip_code, "GA", "", "US")
    distribute_lead(lead.pk)
    assert Assignment.objects.count() == 1


@pytest.mark.parametrize("zip_code", ["00012", "3031", "ABCDE"])
def test_non_zip_is_refused(zip_code: str) -> None:
    assert send(SourceFactory(), zip=zip_code).status_code == 400
    assert Lead.objects.count() == 0


def test_new_area_code_is_accepted_and_flagged() -> None:
    answer = send(SourceFactory(), zip="30312", phone="(421) 881-2345")
    assert answer.status_code == 201, answer.content
    assert [(each["field"], each["code"]) for each in answer.json()["warnings"]] == [("phone", "unknown")]
    assert Lead.objects.get().phone == "+14218812345"


@pytest.mark.parametrize(
    "number",
    [
        "+1 555 881 2345",
        "+1 999 881 2345",
        "+1 911 881 2345",
        "+1 222 222 2222",
        "+1 404 111 2345",
        "+1 421 881",
    ],
)
def test_non_number_is_refused(number: str) -> None:
    with pytest.raises(FieldError):
        read_phone(number)


def test_known_number_is_not_flagged() -> None:
    phone = read_phone("+1 404 881 2345")
    assert phone is not None
    assert phone.is_known
