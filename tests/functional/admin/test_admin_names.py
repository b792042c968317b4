"""Names in place of ids on the pages of the trace: a fixed number of statements, and none of another workspace."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from distribution.models import Assignment, Buyer, Campaign, LedgerEntry
from routing.models import Lead, Workspace
from tests.support.admin_pages import (
    build_world,
    client_of,
    count_statements,
    lead_title,
    page,
    person,
)
from tests.support.factories import BuyerFactory, CampaignFactory, RuleFactory, WorkspaceFactory
from tests.support.planting import plant
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def read(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def add_events(attempt: Attempt, *, buyers: list[Buyer]) -> None:
    """Append one skip of each buyer to the trace of an attempt."""
    last = LeadDistributionEvent.objects.filter(attempt_id=attempt.pk).count()
    LeadDistributionEvent.objects.bulk_create(
        LeadDistributionEvent(
            lead_id=attempt.lead_id,
            attempt_id=attempt.pk,
            seq=last + place,
            event="buyer_skipped",
            buyer_id=buyer.pk,
        )
        for place, buyer in enumerate(buyers, start=1)
    )


def test_list_of_events_needs_no_statement_for_each_buyer(client: Client) -> None:
    attempt = Attempt.objects.get(destination_workspace_id=build_world().pk)
    plant("DELETE FROM tracing_leaddistributionevent")
    buyers = BuyerFactory.create_batch(50)
    url = page(LeadDistributionEvent, "changelist")

    add_events(attempt, buyers=buyers[:5])
    few, statements = read(client, url), count_statements(client, url)
    add_events(attempt, buyers=buyers[5:])
    many, more_statements = read(client, url), count_statements(client, url)

    assert [str(buyer) in few for buyer in buyers] == [True] * 5 + [False] * 45
    assert all(str(buyer) in many for buyer in buyers)
    assert more_statements == statements


def test_page_of_an_attempt_needs_no_statement_for_each_step(client: Client) -> None:
    attempt = Attempt.objects.get(destination_workspace_id=build_world().pk)
    rules = RuleFactory.create_batch(20, active=False)
    route = [[rule.workspace_id, rule.pk, rule.destination_id] for rule in rules]
    url = page(Attempt, "change", attempt.pk)

    plant("UPDATE tracing_attempt SET route = %s", [json.dumps(route[:1])])
    read(client, url)  # the first request also fills caches
    statements = count_statements(client, url)
    plant("UPDATE tracing_attempt SET route = %s", [json.dumps(route)])
    content, more_statements = read(client, url), count_statements(client, url)

    assert all(f'<a href="{page(Workspace, "change", start)}">' in content for start, _, _ in route)
    assert more_statements == statements


def short_link(row: Lead | Assignment) -> str:
    """The end of the row's public id, as a link to the row."""
    short = f'<span title="{row.public_id}">…{str(row.public_id)[-6:]}</span>'
    return f'<a href="{page(type(row), "change", row.pk)}">{short}</a>'


def test_lists_show_the_end_of_ids_with_links(client: Client) -> None:
    build_world()
    sale = Assignment.objects.get()

    leads, sales, entries = (
        read(client, page(model, "changelist")) for model in (Lead, Assignment, LedgerEntry)
    )

    assert short_link(sale.lead) in leads
    assert short_link(sale.lead) in sales
    assert short_link(sale) in sales
    assert short_link(sale) in entries


def test_pages_of_sale_and_entry_link_what_they_are_about(client: Client) -> None:
    build_world()
    sale = Assignment.objects.get()
    entry = LedgerEntry.objects.get(assignment=sale)

    shown = read(client, page(Assignment, "change", sale.pk))
    moved = read(client, page(LedgerEntry, "change", entry.pk))

    assert f'<a href="{page(Lead, "change", sale.lead_id)}">{lead_title(sale.lead)}</a>' in shown
    assert f'<a href="{page(Assignment, "change", sale.pk)}">Sale to {sale.buyer.name} for' in moved


def test_lead_of_another_workspace_is_not_linked() -> None:
    mine, foreign = build_world(), build_world()
    other = Lead.objects.get(workspace=foreign)
    plant("UPDATE distribution_assignment SET lead_id = %s WHERE lead_id <> %s", [other.pk, other.pk])

    own, both = client_of(person("finance", mine)), client_of(person("finance", mine, foreign))

    assert short_link(other) in read(both, page(Assignment, "changelist"))
    content = read(own, page(Assignment, "changelist"))
    assert str(other.public_id) not in content
    assert page(Lead, "change", other.pk) not in content


@pytest.mark.parametrize("role", ["viewer", "operator", "finance"])
def test_name_of_another_workspace_is_not_shown(role: str) -> None:
    """Damaged rows refer to another workspace: its user sees the names, this user sees only the ids."""
    mine, foreign = build_world(), WorkspaceFactory(name="Foreign workspace")
    buyer = BuyerFactory(workspace=foreign, name="Foreign buyer")
    campaign = CampaignFactory(workspace=foreign, name="Foreign campaign")
    rule = RuleFactory(workspace=foreign, name="Foreign rule", active=False)
    attempt = Attempt.objects.get(destination_workspace_id=mine.pk)
    route = json.dumps([[foreign.pk, rule.pk, foreign.pk]])
    plant(
        "UPDATE tracing_attempt SET source_workspace_id = %s, campaign_id = %s, rule_id = %s, route = %s",
        [foreign.pk, campaign.pk, rule.pk, route],
    )
    plant("UPDATE tracing_leaddistributionevent SET buyer_id = %s", [buyer.pk])
    event = LeadDistributionEvent.objects.order_by("pk")[0]
    urls = (
        page(LeadDistributionEvent, "changelist"),
        page(LeadDistributionEvent, "change", event.pk),
        page(Attempt, "changelist"),
        page(Attempt, "change", attempt.pk),
    )

    own, both = client_of(person(role, mine)), client_of(person(role, mine, foreign))

    assert [("Foreign" in read(own, url)) for url in urls] == [False] * 4
    assert [("Foreign buyer" in read(both, url)) for url in urls] == [True, True, False, False]
    shown = read(both, urls[-1])
    for name in ("Foreign workspace", "Foreign campaign", "Foreign rule"):
        assert name in shown, name
    hidden = read(own, urls[-1])
    assert f"<div>{foreign.pk} → {foreign.pk} by {rule.pk}</div>" in hidden
    assert page(Campaign, "change", campaign.pk) not in hidden
