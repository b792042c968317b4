"""A source reads its own statement, and nothing of others."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from distribution.models import Assignment
from distribution.payables.contracts import today_of
from routing.models import Lead, Source, SourceScope
from tests.support.factories import issue_key
from tests.support.payables import build_campaign, build_source, refund_part, sell_lead

pytestmark = pytest.mark.django_db

URL = "/api/v1/payables/"


@pytest.fixture
def source() -> Source:
    """It sold one lead to two buyers. Another source of its workspace sold one as well."""
    campaign = build_campaign(buyers=2)
    source = build_source(campaign, pays="share", share_bps=4_000)
    sell_lead(source)
    sell_lead(build_source(campaign, amount_cents=333))
    return source


def read(source: Source, *, scopes: tuple[str, ...] = (SourceScope.PAYABLES_READ,), **query: str) -> Any:
    key = issue_key(source, scopes=list(scopes))
    return Client(headers={"Authorization": f"Api-Key {key}"}).get(URL, query)


def test_source_reads_the_current_month(source: Source) -> None:
    today = today_of(source, at=timezone.now())

    answer = read(source)

    figures = {
        "leads": 1,
        "sales": 2,
        "returns": 0,
        "charged_back": 0,
        "earned_cents": 2_000,
        "deducted_cents": 0,
        "adjusted_cents": 0,
        "paid_cents": 0,
    }
    assert answer.status_code == 200
    assert answer.json() == {
        "first_day": today.replace(day=1).isoformat(),
        "last_day": today.isoformat(),
        "timezone": "America/New_York",
        "opening_balance_cents": 0,
        "closing_balance_cents": 2_000,
        "total": figures,
        "days": [{"day": today.isoformat(), **figures, "balance_cents": 2_000}],
        "charged_back_leads": [],
    }


def test_returned_lead_that_is_charged_back_is_named(source: Source) -> None:
    """By the lead's id and the sender's own one, without the buyer. One of its two buyers got $5.00 back."""
    today = today_of(source, at=timezone.now())
    sold = Assignment.objects.select_related("lead").filter(lead__source=source).earliest("id")
    Lead.objects.filter(pk=sold.lead_id).update(external_id="form-1001")
    refund_part(sold, 500)

    answer = read(source).json()

    assert (answer["total"]["returns"], answer["total"]["charged_back"]) == (1, 1)
    assert answer["charged_back_leads"] == [
        {
            "day": today.isoformat(),
            "lead_id": str(sold.lead.public_id),
            "external_id": "form-1001",
            "deducted_cents": -200,
        }
    ]
    other = Source.objects.exclude(pk=source.pk).get(workspace=source.workspace)
    assert read(other).json()["charged_back_leads"] == []


def test_other_days_are_read_on_request(source: Source) -> None:
    answer = read(source, first_day="2020-01-01", last_day="2020-12-31").json()

    assert (answer["days"], answer["closing_balance_cents"]) == ([], 0)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"first_day": "yesterday"}, "first_day"),
        ({"last_day": "2026-02-30"}, "last_day"),
        ({"first_day": "2026-02-01", "last_day": "2026-01-31"}, "last_day"),
        ({"first_day": "2020-01-01", "last_day": "2026-01-31"}, "last_day"),
        ({"first_day": "0001-01-01", "last_day": "0001-01-01"}, "last_day"),
        ({"first_day": "9999-12-31"}, "last_day"),
    ],
)
def test_wrong_period_is_named(source: Source, query: dict[str, str], name: str) -> None:
    answer = read(source, **query)

    assert answer.status_code == 400
    assert set(answer.json()["error"]["fields"]) == {name}


def test_default_scopes_do_not_show_money(source: Source) -> None:
    """Keys of sources are in web forms."""
    key = issue_key(source)

    assert Client(headers={"Authorization": f"Api-Key {key}"}).get(URL).status_code == 403
