"""Leads by day and campaign. No filter reads a table to find its choices."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from distribution.attempts.distribute import distribute_lead
from routing.models import Lead
from tests.support.admin_pages import client_of, page, person
from tests.support.factories import CampaignFactory, EnrollmentFactory, LeadFactory, SourceFactory
from tracing.admin.days import first_id_at

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 3, 8, 12, tzinfo=UTC)


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def shown(client: Client, **filters: object) -> list[Lead]:
    response = client.get(page(Lead, "changelist"), {name: str(value) for name, value in filters.items()})
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def test_leads_are_filtered_by_day(client: Client) -> None:
    old, new = LeadFactory(received_at=DAY), LeadFactory()

    assert shown(client, day="2026-03-08") == [old]
    assert shown(client, day="today") == shown(client, day="week") == [new]
    assert shown(client, day="yesterday") == []
    for junk in ("x", "2026-02-30", "9999-12-31", "0000-00-00"):
        assert shown(client, day=junk) == []


def test_day_begins_with_simultaneous_leads(client: Client) -> None:
    """The lead that made its public id first was written last, and no lead arrived in the hour before."""
    second, first = (
        LeadFactory(received_at=DAY, public_id=first_id_at(DAY + timedelta(milliseconds=ms))) for ms in (2, 1)
    )
    assert second.pk < first.pk
    assert shown(client, day="2026-03-08") == [first, second]


def test_leads_are_filtered_by_campaign(client: Client) -> None:
    enrollment = EnrollmentFactory(buyer__credits_cents=10_000)
    lead = LeadFactory(source=SourceFactory(workspace=enrollment.campaign.workspace))
    LeadFactory()
    distribute_lead(lead.pk)

    assert shown(client, campaign=enrollment.campaign_id) == [lead]
    for junk in ("0", "x", "9" * 40):
        assert shown(client, campaign=junk) == []


def test_leads_are_filtered_by_pause(client: Client) -> None:
    held, free = LeadFactory(paused_at=DAY), LeadFactory()
    assert shown(client, paused="yes") == [held]
    assert shown(client, paused="no") == [free]
    assert shown(client, paused="x") == [free, held]


def test_only_own_campaigns_are_offered() -> None:
    mine, foreign = CampaignFactory(name="Mine"), CampaignFactory(name="Foreign")
    content = client_of(person("viewer", mine.workspace)).get(page(Lead, "changelist")).content.decode()
    assert (mine.name in content, foreign.name in content) == (True, False)
