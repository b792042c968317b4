"""The statements of the hot path use their indexes on filled tables, and a sold lead takes few of them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from distribution.config import CAMPAIGNS, HEADS
from distribution.distribute import distribute_lead
from distribution.facts import OF_CAMPAIGN, OF_ENROLLMENTS
from distribution.models import Campaign
from routing.closing import CLOSE
from routing.locks import LOCK_LEAD, LOCK_NEXT_DUE
from routing.models import Lead, RetryingLead
from routing.queries import COUNT_DUE
from tests.admin_pages import client_of
from tests.admin_pages import person as desk_person
from tests.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.filling import fill_leads
from tests.planting import plant

FILLED_LEADS = 20_000
BIG = {"routing_lead", "distribution_assignment"}
FILL_ASSIGNMENTS = """
INSERT INTO distribution_assignment (
    public_id, lead_id, buyer_id, campaign_id, enrollment_id, attempt_id, price_cents, state, created_at
)
SELECT gen_random_uuid(), l.id, e.buyer_id, e.campaign_id, e.id, gen_random_uuid(), 1, 'sold', now()
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
    fill_leads(
        source,
        count=FILLED_LEADS,
        status="CASE WHEN n % 20 = 0 THEN 'pending' ELSE 'distributed' END",
        next_attempt_at="CASE WHEN n % 20 = 0 THEN now() + (n - 10000) * interval '1 minute' END",
        finished_at="CASE WHEN n % 20 > 0 THEN now() END",
    )
    plant(FILL_ASSIGNMENTS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return campaign


def nodes(sql: str, parameters: list[Any], *, options: str = "FORMAT JSON") -> list[dict[str, Any]]:
    """Return every node of a statement's plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({options}) {sql}", parameters)
        [(explained,)] = cursor.fetchall()
    return list(walk((json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]))


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for each in node.get("Plans", []):
        yield from walk(each)


def plan(sql: str, parameters: list[Any]) -> tuple[set[str], set[str]]:
    """Return the indexes that a statement uses and the tables that it reads as a whole."""
    found = nodes(sql, parameters)
    scanned = {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
    return {node["Index Name"] for node in found if "Index Name" in node}, scanned


def test_hot_statements_use_their_indexes(filled: Campaign) -> None:
    lead = Lead.objects.filter(status="distributed").earliest("id")
    enrollment_ids = list(filled.enrollments.values_list("pk", flat=True))
    close = ["failed", "", 1, None, "", None, 0, 0, lead.pk, 0]
    by_lead = {"assignment_live_lead_buyer_unique", "distribution_assignment_lead_id"}
    for sql, parameters, expected in (
        (LOCK_NEXT_DUE, [], {"lead_due"}),
        (COUNT_DUE, [800], {"lead_due"}),
        (LOCK_LEAD, [lead.pk], {"routing_lead_pkey"}),
        (CLOSE, close, {"routing_lead_pkey"}),
        (OF_CAMPAIGN, [lead.pk, lead.pk, filled.pk], by_lead),
        (OF_ENROLLMENTS, [lead.pk, lead.pk, enrollment_ids], by_lead),
    ):
        indexes, scanned = plan(sql, parameters)
        names = {
            name.removesuffix(name[-9:]) if name.startswith("distribution_") else name for name in indexes
        }
        assert names & expected, (sql, indexes, scanned)
        assert not scanned & BIG, (sql, indexes, scanned)


@pytest.mark.usefixtures("filled")
def test_leads_that_are_due_later_are_not_read() -> None:
    """Nothing is due, 1,000 leads wait: the index is asked for what is due, not filtered (a stable clock)."""
    Lead.objects.filter(status="pending").update(next_attempt_at=timezone.now() + timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE routing_lead")
    for sql, parameters in ((LOCK_NEXT_DUE, []), (COUNT_DUE, [800])):
        found = nodes(sql, parameters, options="ANALYZE, FORMAT JSON")
        [reads] = [node for node in found if node.get("Index Name") == "lead_due"]
        assert reads["Index Cond"] == "(next_attempt_at <= statement_timestamp())"
        assert (reads["Actual Rows"], reads.get("Rows Removed by Filter", 0)) == (0, 0)


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
def test_a_sold_lead_takes_at_most_14_statements(buyers: int, max_buyers: int) -> None:
    """BEGIN, SAVEPOINTs and COMMIT counted; the number does not grow with the buyers."""
    campaign = CampaignFactory(max_buyers=max_buyers)
    enroll(campaign, count=buyers, credits_cents=100_000)
    source = SourceFactory(workspace=campaign.workspace)
    CAMPAIGNS.clear()
    counts = []
    for _ in range(3):
        lead = LeadFactory(source=source)
        with CaptureQueriesContext(connection) as captured:
            outcome = distribute_lead(lead.pk)
        assert outcome.result == "success"
        assert len(outcome.assignments) == min(buyers, max_buyers)
        counts.append(len(captured))

    assert counts == [13, 11, 11]  # two more for the first of a version: read and kept


@pytest.mark.parametrize("is_scoped", [True, False])
@pytest.mark.usefixtures("committed_db")
def test_a_page_of_the_retry_queue_is_read_through_its_index(is_scoped: bool) -> None:  # noqa: FBT001
    source = SourceFactory()
    fill_leads(
        source,
        count=20_000,
        attempts="CASE WHEN n % 10 = 0 THEN 1 ELSE 0 END",
        next_attempt_at="now() + n * interval '1 second'",
    )
    person = desk_person("viewer" if is_scoped else "admin", source.workspace)
    pages = client_of(person).get("/admin/routing/retryinglead/").context["cl"]
    middle = RetryingLead.objects.order_by("next_attempt_at")[1_000]
    key = (middle.next_attempt_at, middle.pk)

    for rows in (pages.queryset, pages.after(pages.queryset, key), pages.before(pages.queryset, key)):
        [explained] = json.loads(rows[:51].explain(format="json", analyze=True))
        [scan] = [node for node in walk(explained["Plan"]) if node.get("Index Name") == "lead_retry_queue"]
        assert scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) <= 52, explained
