"""Deleting needs a reason, leaves an audit entry with the deleted values, and says why a row cannot be deleted."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Model
from django.db.models.deletion import ProtectedError
from django.test import Client
from django.test.utils import CaptureQueriesContext

from distribution.attempts.distribute import distribute_lead
from distribution.models import (
    ApprovalPolicy,
    Assignment,
    Buyer,
    BuyerKey,
    CallPolicy,
    Campaign,
    CarrierAccount,
    Channel,
    Endpoint,
    Enrollment,
    PortalUser,
    ReturnPolicy,
    Tier,
    Wallet,
    WorkspaceKey,
)
from routing.models import Lead, Membership, RoutingRule, Source, SourceKey, Workspace
from tests.support.admin_pages import EDITABLE, READ_ONLY, build_world, client_of, page, person
from tests.support.factories import (
    BuyerFactory,
    CallPolicyFactory,
    CampaignFactory,
    CarrierAccountFactory,
    ChannelFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    PortalUserFactory,
    ReturnPolicyFactory,
    RuleFactory,
    SourceFactory,
    TierFactory,
    WorkspaceFactory,
    issue_buyer_key,
    issue_key,
    issue_workspace_key,
)
from tracing.admin.deleting import find_holders
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db
CONFIRMED = {"post": "yes", "change_reason": "no longer sold"}


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def make_key(model: type[Model]) -> Model:
    if model is SourceKey:
        issue_key(SourceFactory())
    elif model is WorkspaceKey:
        issue_workspace_key(WorkspaceFactory())
    else:
        issue_buyer_key(BuyerFactory())
    return model._default_manager.get()


def make_membership() -> Model:
    return Membership.objects.create(user=User.objects.create_user("clerk"), workspace=WorkspaceFactory())


def make_approval_policy() -> Model:
    return ApprovalPolicy.objects.create(workspace=WorkspaceFactory(), fields=["bid_cents"])


# Every table whose rows may be deleted, with a row that no other row refers to.
DELETABLE: dict[type[Model], Any] = {
    Workspace: WorkspaceFactory,
    Membership: make_membership,
    RoutingRule: RuleFactory,
    Source: SourceFactory,
    SourceKey: lambda: make_key(SourceKey),
    Campaign: CampaignFactory,
    Tier: TierFactory,
    BuyerKey: lambda: make_key(BuyerKey),
    WorkspaceKey: lambda: make_key(WorkspaceKey),
    Enrollment: EnrollmentFactory,
    Endpoint: EndpointFactory,
    ReturnPolicy: ReturnPolicyFactory,
    ApprovalPolicy: make_approval_policy,
    PortalUser: PortalUserFactory,
    CarrierAccount: CarrierAccountFactory,
    Channel: ChannelFactory,
    CallPolicy: CallPolicyFactory,
    User: lambda: User.objects.create_user("clerk"),
    Group: lambda: Group.objects.create(name="clerks"),
}
every_deletable = pytest.mark.parametrize("model", DELETABLE, ids=lambda model: model.__name__)


def test_every_table_requires_a_reason_or_refuses_deletion() -> None:
    assert {*DELETABLE} - {User, Group} == {*EDITABLE} - {Buyer}


@every_deletable
@pytest.mark.parametrize("reason", [None, "", "   ", "x" * 201])
def test_deletion_without_a_reason_is_refused(model: type[Model], reason: str | None, client: Client) -> None:
    row = DELETABLE[model]()
    sent = {"post": "yes"} if reason is None else {"post": "yes", "change_reason": reason}
    before = list(model._default_manager.values())
    url = page(model, "delete", row.pk)
    shown, one = client.get(url), client.post(url, sent)
    many = client.post(
        page(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], **sent}
    )

    assert (shown.status_code, one.status_code, many.status_code) == (200, 400, 400)
    for answer in (one, many):
        assert list(answer.context["reason_form"].errors) == ["change_reason"]
        assert b'name="change_reason"' in answer.content
    assert not shown.context["reason_form"].errors
    assert list(model._default_manager.values()) == before
    assert not AuditEntry.objects.exists()


@every_deletable
def test_deleted_row_stays_in_the_audit_with_its_reason(model: type[Model], client: Client) -> None:
    row = DELETABLE[model]()
    name = str(row)

    assert client.post(page(model, "delete", row.pk), CONFIRMED).status_code == 302

    assert not model._default_manager.filter(pk=row.pk).exists()
    entry = AuditEntry.objects.get(model=model._meta.label_lower)
    assert (entry.actor, entry.action, entry.reason) == ("root", "deleted", "no longer sold")
    assert (entry.object_id, entry.object_label, entry.after) == (str(row.pk), name, {})
    assert entry.before[model._meta.pk.name] == row.pk


def test_enrollment_with_sales_is_archived_and_the_page_says_so(client: Client) -> None:
    enrollment = EnrollmentFactory(buyer__credits_cents=10_000)
    distribute_lead(LeadFactory(source__workspace=enrollment.campaign.workspace).pk)
    name = str(enrollment)

    answer = client.post(page(Enrollment, "delete", enrollment.pk), CONFIRMED, follow=True)

    assert (
        f"{name} has sales, so it was archived instead of deleted. It buys no more leads."
        in answer.content.decode()
    )
    assert Enrollment.everything.get().archived_at is not None
    assert client.get(page(Enrollment, "change", enrollment.pk)).status_code == 404
    assert AuditEntry.objects.get(model="distribution.enrollment").reason == "no longer sold"


def test_many_rows_are_deleted_with_one_reason_and_an_entry_each(client: Client) -> None:
    tiers = [TierFactory(), TierFactory()]
    data = {"action": "delete_selected", "_selected_action": [tier.pk for tier in tiers]}

    asked = client.post(page(Tier, "changelist"), data)
    assert asked.status_code == 200
    assert b'name="change_reason"' in asked.content
    assert client.post(page(Tier, "changelist"), {**data, **CONFIRMED}).status_code == 302

    assert not Tier.objects.exists()
    entries = AuditEntry.objects.order_by("object_id").values_list("object_id", "reason", "workspace_id")
    expected = [(str(tier.pk), "no longer sold", tier.campaign.workspace_id) for tier in tiers]
    assert sorted(entries) == sorted(expected)


def test_cascaded_rows_are_audited_too(client: Client) -> None:
    source = SourceFactory()
    issue_key(source)

    assert client.post(page(Source, "delete", source.pk), CONFIRMED).status_code == 302

    assert not SourceKey.objects.exists()
    entries = list(AuditEntry.objects.values_list("model", "reason", "workspace_id").order_by("model"))
    assert entries == [
        ("routing.source", "no longer sold", source.workspace_id),
        ("routing.sourcekey", "no longer sold", source.workspace_id),
    ]
    assert AuditEntry.objects.get(model="routing.sourcekey").before["hashed_key"] == "changed"


HELD: dict[type[Model], tuple[str, ...]] = {
    Workspace: (
        *(
            "approval policies",
            "blocked phones",
            "buyers",
            "calls",
            "campaigns",
            "card customers",
            "card payments",
            "cards",
            "carrier accounts",
            "channels",
            "endpoints",
        ),
        *(
            "leads",
            "return policies",
            "routing rules",
            "sources",
            "statement counters",
            "statements",
            "verifications",
        ),
    ),
    Source: ("contracts of sources", "leads", "payables", "pings"),
    Campaign: (
        "assignments",
        "call policies",
        "campaign snapshots",
        "enrollments",
        "offers",
        "verifications",
    ),
    Tier: ("enrollments",),
    Endpoint: ("deliveries",),
}


@pytest.mark.parametrize("model", HELD, ids=lambda model: model.__name__)
@pytest.mark.parametrize("how", ["one", "many"])
def test_refused_deletion_says_why_and_what_to_do(
    model: type[Model],
    how: str,
    client: Client,
) -> None:
    workspace = build_world()
    only = {Workspace: lambda: workspace, Source: lambda: Lead.objects.get().source}
    row = only.get(model, model._default_manager.get)()
    entries_before = AuditEntry.objects.count()
    with pytest.raises(ProtectedError):
        row.delete()
    url = page(model, "changelist") if how == "many" else page(model, "delete", row.pk)
    sent = {"action": "delete_selected", "_selected_action": [row.pk]} if how == "many" else {}

    answer = client.post(url, {**sent, **CONFIRMED})

    assert answer.status_code == 200
    assert tuple(answer.context["protected"]) == HELD[model]
    content = answer.content.decode()
    assert "because these refer to it" in content
    assert admin.site._registry[model].instead_of_deleting in content  # type: ignore[attr-defined]
    assert 'name="change_reason"' not in content
    assert model._default_manager.filter(pk=row.pk).exists()
    assert AuditEntry.objects.count() == entries_before
    assert Workspace.objects.filter(pk=workspace.pk).exists()


def test_blocking_rows_are_not_loaded(client: Client) -> None:
    """A workspace with a million leads: its page reads one row of each table, and lists none."""
    source = SourceFactory()
    LeadFactory.create_batch(3, source=source)
    url = page(Workspace, "delete", source.workspace_id)
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        content = client.get(url).content.decode()
    LeadFactory.create_batch(5, source=source)
    with CaptureQueriesContext(connection) as many:
        client.get(url)

    assert len(many) == len(few)
    reads = [each["sql"] for each in many if 'FROM "routing_lead"' in each["sql"]]
    assert reads
    assert all("LIMIT 1" in sql for sql in reads)
    assert not [lead for lead in Lead.objects.all() if str(lead.public_id) in content]


@pytest.mark.parametrize("how", ["one", "many"])
def test_row_referenced_since_the_page_stays_and_says_so(
    how: str,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A buyer is enrolled in the tier after the page checked and before it deletes."""
    tier = EnrollmentFactory().tier
    monkeypatch.setattr("tracing.admin.deleting.find_holders", lambda _: iter(()))
    monkeypatch.setattr(
        admin.ModelAdmin, "get_deleted_objects", lambda *_: ([], {}, set(), [])
    )  # Django checks too
    url = page(Tier, "changelist") if how == "many" else page(Tier, "delete", tier.pk)
    sent = {"action": "delete_selected", "_selected_action": [tier.pk]} if how == "many" else {}

    answer = client.post(url, {**sent, **CONFIRMED})

    assert answer.status_code == 302
    assert "Nothing was deleted" in client.get(page(Tier, "changelist")).content.decode()
    assert Tier.objects.filter(pk=tier.pk).exists()
    assert not AuditEntry.objects.exists()


NEVER: dict[type[Model], str] = {
    Buyer: "Pause the buyer on its page instead",
    Wallet: "adjust its balance",
    Lead: "Leads cannot be deleted",
    Assignment: "Assignments cannot be deleted",
}


@pytest.mark.parametrize("model", NEVER, ids=lambda model: model.__name__)
def test_undeletable_model_says_so(model: type[Model], client: Client) -> None:
    build_world()
    row = model._default_manager.first()
    assert row is not None
    for answer in (
        client.get(page(model, "delete", row.pk)),
        client.post(page(model, "delete", row.pk), CONFIRMED),
    ):
        assert answer.status_code == 403
        assert NEVER[model] in answer.content.decode()
    assert model._default_manager.filter(pk=row.pk).exists()
    assert set(READ_ONLY) >= {Lead, Assignment}


def test_user_without_delete_permission_is_refused_before_the_reason() -> None:
    tier = TierFactory()
    client = client_of(person("viewer", tier.campaign.workspace))

    for answer in (
        client.get(page(Tier, "delete", tier.pk)),
        client.post(page(Tier, "delete", tier.pk), {"post": "yes"}),
        client.post(page(Tier, "delete", tier.pk), CONFIRMED),
    ):
        assert answer.status_code == 403
    assert Tier.objects.exists()


def test_holders_are_found_through_cascaded_rows() -> None:
    """Deleting a campaign deletes its tiers, which enrollments refer to."""
    tier = EnrollmentFactory().tier
    Enrollment.objects.exclude(tier=tier).delete()

    assert set(find_holders(Campaign.objects.filter(pk=tier.campaign_id))) == {Enrollment}
    Enrollment.objects.all().delete()
    assert set(find_holders(Campaign.objects.filter(pk=tier.campaign_id))) == set()
