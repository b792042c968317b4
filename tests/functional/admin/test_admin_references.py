"""A recorded change of a reference shows the names of the rows, with their ids."""

from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from distribution.models import Assignment, Campaign
from routing.models import Lead, RoutingRule, Source, Workspace
from tests.support.admin_pages import build_world, client_of, count_statements, lead_title, page, person
from tests.support.factories import CampaignFactory, RuleFactory, SourceFactory, WorkspaceFactory
from tracing import audit
from tracing.admin.references import read_names
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def record_move(rule: RoutingRule, *, was: int, now: int) -> AuditEntry:
    """Append the entry of a person who changed the destination of a rule."""
    return audit.record(
        actor="ann",
        action="changed",
        target=rule,
        workspace_id=rule.workspace_id,
        before={"destination": was},
        after={"destination": now},
    )


def named(workspace: Workspace) -> str:
    url = page(Workspace, "change", workspace.pk)
    return f'<a href="{url}">{workspace.name}</a> <small>#{workspace.pk}</small>'


def test_history_and_audit_show_names_with_ids(client: Client) -> None:
    rule, other = RuleFactory(active=False), WorkspaceFactory(name="Oak & Sons")
    entry = record_move(rule, was=rule.destination_id, now=other.pk)
    escaped = named(other).replace("&", "&amp;")
    text = f"Destination: {named(rule.destination)} → {escaped}</div>"

    assert text in client.get(page(RoutingRule, "history", rule.pk)).content.decode()
    assert text in client.get(page(AuditEntry, "change", entry.pk)).content.decode()


def test_lead_and_its_sale_are_named_by_their_titles(rf: RequestFactory) -> None:
    build_world()
    sale = Assignment.objects.get()
    request = rf.get("/")
    request.user = User.objects.create_superuser("root")

    lead = read_names(request, Lead, [sale.lead_id])[sale.lead_id]
    sold = read_names(request, Assignment, [sale.pk])[sale.pk]

    assert lead == f'<a href="{page(Lead, "change", sale.lead_id)}">{lead_title(sale.lead)}</a>'
    assert f">Sale to {sale.buyer.name} for $25.00 (…" in sold


def test_unset_reference_is_nothing(client: Client) -> None:
    source = SourceFactory(name="web")
    campaign = CampaignFactory(workspace=source.workspace)
    audit.record(
        actor="ann",
        action="changed",
        target=campaign,
        workspace_id=campaign.workspace_id,
        before={"source": None, "name": "1"},
        after={"source": source.pk, "name": "2"},
    )

    [line] = client.get(page(Campaign, "history", campaign.pk)).context["lines"]

    link = f'<a href="{page(Source, "change", source.pk)}">{source}</a> <small>#{source.pk}</small>'
    assert line.details == ("Name: 1 → 2", f"Source: nothing → {link}")


def test_deleted_row_is_marked(client: Client) -> None:
    rule, gone = RuleFactory(active=False), WorkspaceFactory()
    number = gone.pk
    entry = record_move(rule, was=number, now=rule.destination_id)
    gone.delete()
    text = f"Destination: deleted (#{number}) → {named(rule.destination)}</div>"

    assert text in client.get(page(RoutingRule, "history", rule.pk)).content.decode()
    assert text in client.get(page(AuditEntry, "change", entry.pk)).content.decode()


def test_row_of_another_workspace_has_no_name(client: Client) -> None:
    rule, mine = RuleFactory(active=False), WorkspaceFactory(name="My second workspace")
    rule.destination.name = "Foreign workspace"
    rule.destination.save(update_fields=["name"])
    entry = record_move(rule, was=rule.destination_id, now=mine.pk)
    operator = client_of(person("operator", rule.workspace, mine))
    text = f"Destination: not visible to you (#{rule.destination_id}) → {named(mine)}</div>"

    for url in (page(RoutingRule, "history", rule.pk), page(AuditEntry, "change", entry.pk)):
        assert "Foreign workspace" in client.get(url).content.decode()
        shown = operator.get(url).content.decode()
        assert text in shown
        assert "Foreign workspace" not in shown


def test_history_needs_no_statement_for_each_entry(client: Client) -> None:
    rule, workspaces = RuleFactory(active=False), WorkspaceFactory.create_batch(20)
    url = page(RoutingRule, "history", rule.pk)
    record_move(rule, was=rule.destination_id, now=workspaces[0].pk)
    count_statements(client, url)
    statements = count_statements(client, url)

    for was, now in pairwise(workspaces):
        record_move(rule, was=was.pk, now=now.pk)

    assert count_statements(client, url) == statements
    content = client.get(url).content.decode()
    assert all(named(each) in content for each in workspaces)
