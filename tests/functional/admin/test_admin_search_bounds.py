"""A search in the admin finds an old row under any filter, and says when it left rows out."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, Campaign, LedgerEntry
from routing.models import Lead
from tests.support.admin_pages import client_of, page
from tests.support.factories import BuyerFactory, CampaignFactory, LeadFactory, SourceFactory, enroll
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

LOOKED = 2
LATER = 4


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    for module in (
        "routing.admin.lead",
        "tracing.admin.attempt",
        "tracing.admin.event",
        "distribution.admin.money",
    ):
        monkeypatch.setattr(f"{module}.MAX_SCANNED", LOOKED)
    monkeypatch.setattr("routing.admin.lead.LOOKED_UP", LOOKED)
    return client_of(User.objects.create_superuser("root"))


def make_old(campaign: Campaign, **fields: Any) -> Lead:
    """A lead that was tried before several others."""
    source = SourceFactory(workspace=campaign.workspace)
    leads = [LeadFactory(source=source, **(fields if number == 0 else {})) for number in range(1 + LATER)]
    for lead in leads:
        distribute_lead(lead.pk)
    oldest: Lead = leads[0]
    return oldest


def find(client: Client, model: type[Model], **asked: object) -> tuple[list[Any], str]:
    answer = client.get(page(model, "changelist"), {name: str(value) for name, value in asked.items()})
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list), answer.content.decode()


@pytest.mark.parametrize("model", [Lead, Attempt, LeadDistributionEvent])
def test_search_with_a_filter_finds_an_old_row(model: type[Model], client: Client) -> None:
    lead = make_old(CampaignFactory(), external_id="form-7")
    attempt = Attempt.objects.get(lead_id=lead.pk)
    text = {Lead: "form-7", Attempt: lead.pk, LeadDistributionEvent: attempt.pk}[model]

    found, shown = find(client, model, q=text, skip_reason="no_enrolled_buyers")

    assert {getattr(row, "lead_id", row.pk) for row in found} == {lead.pk}
    assert "have been searched" not in shown
    assert "have been searched" in find(client, model, skip_reason="internal_error")[1]


def test_search_of_leads_with_a_campaign_finds_an_old_lead(client: Client) -> None:
    campaign = CampaignFactory()
    lead = make_old(campaign, external_id="form-7")

    assert find(client, Lead, q="form-7", campaign=campaign.pk)[0] == [lead]


def test_search_of_the_ledger_with_a_kind_finds_an_old_entry(client: Client) -> None:
    campaign = CampaignFactory(price_cents=100)
    enroll(campaign, count=1, credits_cents=100_000)
    make_old(campaign)
    oldest = LedgerEntry.objects.filter(kind="charge").earliest("pk")

    assert find(client, LedgerEntry, q=oldest.idempotency_key, kind__exact="charge")[0] == [oldest]


@pytest.mark.parametrize("model", [Assignment, LedgerEntry])
def test_search_with_too_many_buyers_says_so(
    model: type[Model], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distribution.admin.assignment.MAX_FOUND", 2)
    monkeypatch.setattr("distribution.admin.money.MAX_BUYERS", 2)
    for name in ("Acme East", "Acme North", "Acme West"):
        BuyerFactory(name=name)

    assert "more than 2 buyers" in find(client, model, q="Acme")[1]
    assert "more than 2 buyers" not in find(client, model, q="Acme West")[1]
    Buyer.objects.filter(name="Acme West").update(name="Other")
    assert "more than 2 buyers" not in find(client, model, q="Acme")[1]
