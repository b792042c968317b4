"""The statements of the hot path use their indexes on filled tables, and a sold lead takes few of them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from distribution.attempts.campaigns import CAMPAIGNS, HEADS
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.live_facts import OF_CAMPAIGN, OF_ENROLLMENTS
from distribution.models import Campaign
from routing.leads.finish import CLOSE
from routing.locks.attempts import LOCK_LEAD, LOCK_NEXT_DUE, LOCK_NEXT_POLLED, lock_lead
from routing.models import Lead, RetryingLead
from routing.queries import COUNT_POLLED
from routing.rules.duplicates import READ_ARRIVAL
from routing.rules.plans import PLANS
from tests.support.admin_pages import client_of
from tests.support.admin_pages import person as admin_person
from tests.support.blocking import holding
from tests.support.factories import (
    CampaignFactory,
    LeadFactory,
    RuleFactory,
    SourceFactory,
    WorkspaceFactory,
    enroll,
    person,
)
from tests.support.filling import fill_leads, fill_mostly_sold
from tests.support.plans import nodes, plan, walk
from tests.support.planting import plant

FILLED_LEADS = 20_000
BIG = {"routing_lead", "distribution_assignment"}
FILL_ASSIGNMENTS = """
INSERT INTO distribution_assignment (
    public_id, lead_id, buyer_id, campaign_id, enrollment_id, attempt_id, price_cents, state, created_at,
    counted_on
)
SELECT gen_random_uuid(), l.id, e.buyer_id, e.campaign_id, e.id, gen_random_uuid(), 1, 'sold', now(), current_date
FROM routing_lead l JOIN distribution_enrollment e ON e.id % 2 = l.id % 2
WHERE l.status = 'distributed' AND e.campaign_id = (SELECT MIN(id) FROM distribution_campaign)
"""


@pytest.fixture
def filled(committed_db: None) -> Campaign:  # noqa: ARG001
    campaign = CampaignFactory()
    enroll(campaign, count=4, credits_cents=100_000)
    for _ in range(30):
        enroll(CampaignFactory(), count=2)
    source = SourceFactory(workspace=campaign.workspace)
    fill_mostly_sold(source, count=FILLED_LEADS)
    plant(FILL_ASSIGNMENTS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return campaign


def test_hot_statements_use_their_indexes(filled: Campaign) -> None:
    lead = Lead.objects.filter(status="distributed").earliest("id")
    enrollment_ids = list(filled.enrollments.values_list("pk", flat=True))
    close = [lead.workspace_id, "failed", "", 1, None, "", None, 0, 0, "failed", None, lead.pk, 0]
    by_lead = {"assignment_lead_buyer_once", "distribution_assignment_lead_id"}
    for sql, parameters, expected in (
        (LOCK_NEXT_DUE, {"after": 0}, {"lead_workspace_due"}),
        (LOCK_NEXT_POLLED, {"after": 0, "alive": 15}, {"lead_workspace_due"}),
        (COUNT_POLLED, {"limit": 800, "alive": 15}, {"lead_workspace_due"}),
        (LOCK_LEAD, [lead.pk], {"routing_lead_pkey"}),
        (CLOSE, close, {"routing_lead_pkey"}),
        (OF_CAMPAIGN, [lead.pk, lead.pk, lead.pk, filled.pk], by_lead),
        (OF_ENROLLMENTS, [lead.pk, lead.pk, lead.pk, enrollment_ids], by_lead),
    ):
        indexes, scanned = plan(sql, parameters)
        names = {
            name.removesuffix(name[-9:]) if name.startswith("distribution_") else name for name in indexes
        }
        assert names & expected, (sql, indexes, scanned)
        assert not scanned & BIG, (sql, indexes, scanned)


FILL_PERSON = """
UPDATE routing_lead SET
    email_hash = CASE WHEN status = 'distributed' AND id % 2 = 0 THEN 'ann' ELSE 'someone ' || id END,
    phone_hash = 'phone ' || id / 3, status = CASE WHEN status = 'distributed' THEN 'duplicate' ELSE status END
"""


def test_person_is_looked_for_by_identity_though_thousands_of_duplicates_are_there(
    filled: Campaign,
) -> None:
    """9,500 leads are of one person: the index omits those that make no other lead a duplicate."""
    plant(FILL_PERSON)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE routing_lead")
    lead = Lead.objects.filter(email_hash="ann").latest("id")
    parameters: Any = {
        "id": lead.pk,
        "received_at": lead.received_at,
        "email_hash": "ann",
        "phone_hash": lead.phone_hash,
        "source_id": lead.source_id,
        "vertical": "roofing",
        "workspace_id": filled.workspace_id,
        "path": [filled.workspace_id],
    }

    found = nodes(READ_ARRIVAL, parameters, options="ANALYZE, FORMAT JSON")

    of_leads = [
        node
        for node in found
        if node.get("Relation Name") == "routing_lead" or "lead_" in node.get("Index Name", "")
    ]
    assert {node.get("Index Name") for node in of_leads} - {None} == {
        "lead_email_identity",
        "lead_phone_identity",
        "lead_email_to_phone",
        "lead_phone_to_email",
    }
    assert not [node for node in of_leads if node["Node Type"] == "Seq Scan"]
    assert max(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in of_leads) <= 3


@pytest.mark.usefixtures("filled")
def test_leads_that_are_due_later_are_not_read() -> None:
    """No lead is due and 1,000 wait: the index returns due leads only, without a filter (a stable clock)."""
    Lead.objects.filter(status="pending").update(next_attempt_at=timezone.now() + timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE routing_lead")
    for sql, parameters in ((LOCK_NEXT_DUE, {"after": 0}), (COUNT_POLLED, {"limit": 800, "alive": 15})):
        found = nodes(sql, parameters, options="ANALYZE, FORMAT JSON")
        [reads] = [node for node in found if node.get("Index Name") == "lead_workspace_due"]
        assert "next_attempt_at <= statement_timestamp()" in reads["Index Cond"]
        assert (reads["Actual Rows"], reads.get("Rows Removed by Filter", 0)) == (0, 0)


RUNNING = 5
PILE = 20_000


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        (LOCK_NEXT_DUE, {"after": 0}),
        (LOCK_NEXT_POLLED, {"after": 0, "alive": 15}),
        (COUNT_POLLED, {"limit": 800, "alive": 15}),
    ],
    ids=["next due", "next polled", "count polled"],
)
@pytest.mark.usefixtures("committed_db")
def test_overdue_leads_of_paused_workspaces_are_not_read(sql: str, parameters: Any) -> None:
    """They have been due longest of all, and are skipped with their workspace."""
    fill_leads(
        SourceFactory(workspace__paused_at=timezone.now()),
        count=PILE,
        next_attempt_at="now() - interval '1 hour'",
    )
    for _ in range(RUNNING):
        LeadFactory()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with transaction.atomic():
        found = nodes(sql, parameters, options="ANALYZE, FORMAT JSON")
        transaction.set_rollback(True)
    reads = [node for node in found if node.get("Relation Name") == "routing_lead"]
    read = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in reads
    )
    assert read <= RUNNING


@pytest.mark.usefixtures("committed_db")
def test_pick_locks_no_other_workspace() -> None:
    """The walk over the workspaces ends at the first lead."""
    lead_ids = [LeadFactory().pk for _ in range(RUNNING)]
    with holding(LOCK_NEXT_DUE, {"after": 0}), transaction.atomic():
        free = [lead_id for lead_id in lead_ids if lock_lead(lead_id) is not None]
    assert free == lead_ids[1:]


def test_campaigns_of_a_workspace_are_found_by_the_partial_index(filled: Campaign) -> None:
    Campaign.objects.bulk_create(
        Campaign(
            workspace=filled.workspace,
            name=f"{n}",
            vertical=f"vertical-{n}",
            active=n % 2 == 0,
            price_cents=1,
        )
        for n in range(1_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_campaign")

    assert plan(HEADS, [filled.workspace_id, "roofing"]) == ({"campaign_resolve"}, set())


@pytest.mark.parametrize("buyers", [1, 3, 40])
@pytest.mark.parametrize("max_buyers", [1, 3])
@pytest.mark.usefixtures("committed_db")
def test_sold_lead_takes_at_most_12_statements(buyers: int, max_buyers: int) -> None:
    """BEGIN, SAVEPOINTs and COMMIT are counted. The number does not grow with the buyers.

    One lead of each version takes six more: its attempt ends, its snapshot is stored, and the attempt restarts.
    """
    campaign = CampaignFactory(max_buyers=max_buyers)
    enroll(campaign, count=buyers, credits_cents=100_000)
    source = SourceFactory(workspace=campaign.workspace)
    CAMPAIGNS.clear()
    sold_to = min(buyers, max_buyers)
    assert count_statements(LeadFactory(source=source), sold_to=sold_to) == 17
    CAMPAIGNS.clear()  # as another process

    counts = [count_statements(LeadFactory(source=source), sold_to=sold_to) for _ in range(3)]

    assert counts == [12, 11, 11]  # one more for the first of a version: it is read


def count_statements(lead: Lead, *, sold_to: int = 1) -> int:
    with CaptureQueriesContext(connection) as captured:
        outcome = distribute_lead(lead.pk)
    assert outcome.result == "success"
    assert len(outcome.assignments) == sold_to
    return len(captured)


@pytest.mark.usefixtures("committed_db")
def test_routed_lead_with_an_identity_takes_at_most_14_too() -> None:
    """Two more than a lead without an identity: a wait for others of the same person, and a search. Rules cost none."""
    campaign = CampaignFactory()
    enroll(campaign, count=3, credits_cents=100_000)
    source, hub = SourceFactory(), WorkspaceFactory()
    CAMPAIGNS.clear()
    PLANS.clear()
    people = [person(f"ann{number}@example.com", f"+1404555010{number}") for number in range(8)]
    first = LeadFactory(source=SourceFactory(workspace=campaign.workspace), **people[0])
    distribute_lead(first.pk)  # reads and stores the campaign
    before = count_statements(LeadFactory(source=SourceFactory(workspace=campaign.workspace), **people[1]))
    RuleFactory(workspace=source.workspace, destination=hub)
    RuleFactory(workspace=hub, destination=campaign.workspace)

    counts = [count_statements(LeadFactory(source=source, **people[number])) for number in range(2, 5)]

    assert before == 13
    assert counts == [14, 13, 13]  # one more after a change of rules: they are read
    assert count_statements(LeadFactory(source=source)) == 12  # asks whether the destination is paused


@pytest.mark.parametrize("is_scoped", [True, False])
@pytest.mark.usefixtures("committed_db")
def test_page_of_the_retry_queue_uses_its_index(is_scoped: bool) -> None:  # noqa: FBT001
    source = SourceFactory()
    fill_leads(
        source,
        count=20_000,
        attempts="CASE WHEN n % 10 = 0 THEN 1 ELSE 0 END",
        next_attempt_at="now() + n * interval '1 second'",
    )
    viewer = admin_person("viewer" if is_scoped else "admin", source.workspace)
    pages = client_of(viewer).get("/admin/routing/retryinglead/").context["cl"]
    middle = RetryingLead.objects.order_by("next_attempt_at")[1_000]
    key = (middle.next_attempt_at, middle.pk)

    for rows in (pages.queryset, pages.after(pages.queryset, key), pages.before(pages.queryset, key)):
        [explained] = json.loads(rows[:51].explain(format="json", analyze=True))
        [scan] = [node for node in walk(explained["Plan"]) if node.get("Index Name") == "lead_retry_queue"]
        assert scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) <= 52, explained
