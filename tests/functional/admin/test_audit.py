"""Every change that a person makes leaves an entry: who, what, why, before and after, in the same transaction."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, connection, transaction
from django.test import Client

from distribution.models import Buyer, Campaign
from routing.models import Membership, Source, SourceKey
from tests.support.admin_pages import client_of, form_of, page, person, save
from tests.support.factories import BuyerFactory, CampaignFactory, SourceFactory, WorkspaceFactory
from tracing import audit
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def entries() -> list[tuple[str, str, str, dict[str, object], dict[str, object]]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "model", "reason", "before", "after"))


def test_change_is_audited_with_its_reason(client: Client) -> None:
    campaign = CampaignFactory(price_cents=2_500, name="Roofs")

    assert (
        save(client, Campaign, campaign, price_cents="30", change_reason="Season starts").status_code == 302
    )

    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.model) == ("root", "changed", "distribution.campaign")
    assert (entry.object_id, entry.object_label) == (str(campaign.pk), f"Roofs ({campaign.workspace})")
    assert (entry.workspace_id, entry.reason) == (campaign.workspace_id, "Season starts")
    assert (entry.before, entry.after) == ({"price_cents": 2500}, {"price_cents": 3000})


def test_change_of_a_role_belongs_to_no_workspace(client: Client) -> None:
    role = Group.objects.create(name="callers")
    WorkspaceFactory(pk=role.pk)

    assert save(client, Group, role, name="dialers").status_code == 302

    assert AuditEntry.objects.get().workspace_id is None


def test_page_of_an_entry_shows_names_and_dollars(client: Client) -> None:
    campaign = CampaignFactory(price_cents=2_500, name="Roofs")
    save(client, Campaign, campaign, price_cents="30", change_reason="Season starts")

    shown = client.get(page(AuditEntry, "change", AuditEntry.objects.get().pk)).content.decode()

    assert "<div>Price: $25.00 → $30.00</div>" in shown
    assert f'/{campaign.workspace_id}/change/">{campaign.workspace}</a>' in shown


def test_list_has_the_columns_of_a_history(client: Client) -> None:
    campaign = CampaignFactory(name="Roofs")
    save(client, Campaign, campaign, price_cents="30", change_reason="Season starts")

    content = client.get(page(AuditEntry, "changelist")).content.decode()
    title = client.get(page(AuditEntry, "change", AuditEntry.objects.get().pk)).context["subtitle"]

    assert "<h1>Audit log</h1>" in content
    heads = re.findall(r'<div class="text"><span>(.*?)</span></div>', content)
    assert heads == ["Time", "Who", "What", "Kind", "Name", "Why"]
    assert title == f"Changed: {campaign}, by root"


def test_unchanged_form_is_not_audited(client: Client) -> None:
    campaign = CampaignFactory()

    assert save(client, Campaign, campaign, change_reason="nothing really").status_code == 302

    assert entries() == []


def test_addition_is_audited_with_its_values(client: Client) -> None:
    workspace = WorkspaceFactory()
    data = {**form_of(client, page(Source, "add")), "workspace": workspace.pk, "name": "site"}

    assert client.post(page(Source, "add"), data).status_code == 302

    [(action, model, _, before, after)] = entries()
    assert (action, model, before) == ("added", "routing.source", {})
    assert (after["name"], after["workspace"]) == ("site", workspace.pk)


def test_key_is_shown_without_its_secret(client: Client) -> None:
    source = SourceFactory()

    client.post(
        page(SourceKey, "add"),
        {"name": "site", "source": source.pk, "scopes": ["leads:write"], "change_reason": "new site"},
    )

    [(action, _, reason, _, after)] = entries()
    assert (action, reason, after["hashed_key"]) == ("added", "new site", "changed")


def test_user_permissions_are_audited(client: Client) -> None:
    clerk = User.objects.create_user("clerk")
    workspace = WorkspaceFactory(slug="acme")
    data = {
        "username": "clerk",
        "is_active": "on",
        "is_staff": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        "groups": [str(Group.objects.get(name="operator").pk)],
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-MIN_NUM_FORMS": "0",
        "memberships-MAX_NUM_FORMS": "1000",
        "memberships-0-workspace": str(workspace.pk),
        "memberships-0-user": str(clerk.pk),
    }

    assert client.post(page(User, "change", clerk.pk), data).status_code == 302

    assert Membership.objects.get().workspace == workspace
    entry = AuditEntry.objects.get(action="rights")
    assert entry.before == {"groups": [], "workspaces": []}
    assert entry.after == {"groups": ["operator"], "workspaces": ["acme"]}


def test_no_entry_without_its_change_and_no_change_without_its_entry(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = BuyerFactory(name="Old")
    data = {**form_of(client, page(Buyer, "change", buyer.pk)), "name": "New"}

    def fail(**_: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(audit, "record", fail)
    client.raise_request_exception = False
    assert client.post(page(Buyer, "change", buyer.pk), data).status_code == 500
    buyer.refresh_from_db()
    assert buyer.name == "Old"


def test_values_that_name_a_person_are_not_stored() -> None:
    before = {"email": "ada@example.com", "status": "failed", "phone": ""}
    after = {"email": "bob@example.com", "status": "pending", "phone": "+14045550100"}

    assert audit.difference(before, after) == (
        {"email": "changed", "phone": "changed", "status": "failed"},
        {"email": "changed", "phone": "changed", "status": "pending"},
    )


@pytest.mark.parametrize("sql", ["UPDATE {} SET actor = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_audit_is_append_only(sql: str) -> None:
    audit.record(actor="x", action="changed", target=CampaignFactory(), workspace_id=None)

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql.format("tracing_auditentry"))


def test_viewer_reads_the_audit_of_its_workspace() -> None:
    campaign = CampaignFactory()
    audit.record(actor="x", action="changed", target=campaign, workspace_id=campaign.workspace_id)
    audit.record(actor="x", action="changed", target=CampaignFactory(), workspace_id=None)
    client = client_of(person("viewer", campaign.workspace))

    shown = client.get(page(AuditEntry, "changelist")).context["cl"].result_list

    assert [entry.object_label for entry in shown] == [str(campaign)]
    assert AuditEntry in admin.site._registry
