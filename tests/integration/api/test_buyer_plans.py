"""Buyers' requests use indexes on filled tables, and a page reads little more than it shows."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from distribution.api.streams.feed import read_recent
from distribution.explain.missed import LAST_ID
from distribution.explain.missed_places import FIND_PLACE, LIST_OF_LEAD, LIST_PLACES
from distribution.explain.missed_skips import FIND_MISSED, LIST_MISSED, LIST_SKIPS
from distribution.explain.offers import READ
from distribution.models import Buyer, Enrollment
from distribution.money.by_day import BALANCES
from distribution.queries import Period, list_assignments, list_ledger
from routing.models import Lead
from tests.support.factories import CampaignFactory, SourceFactory, enroll
from tests.support.filling import FILL_BOUGHT, FILL_CHARGES, fill_mostly_sold
from tests.support.plans import nodes
from tests.support.planting import plant
from tracing.models import Attempt

LEADS = 4_000
BUYERS = 20
# Two attempts of every lead, each of which skips every buyer.
FILL_ATTEMPTS = """
INSERT INTO tracing_attempt (
    id, lead_id, number, trigger, source_workspace_id, destination_workspace_id, campaign_id, config_version, result,
    skip_reason, transient, started_at, finished_at, duration_ms, worker, facts
)
SELECT gen_random_uuid(), l.id, n, 'ingest', 1, 1, NULL, 1, 'unsold', '', false, now(), now(), 1, '', '{}'
FROM routing_lead l CROSS JOIN generate_series(1, 2) n
"""
FILL_EVENTS = """
INSERT INTO tracing_leaddistributionevent (
    lead_id, attempt_id, seq, event, buyer_id, cost_cents, outcome, skip_reason, duration_ms, data, created_at
)
SELECT a.lead_id, a.id, row_number() OVER (PARTITION BY a.id), 'buyer_skipped', e.buyer_id, 1, 'skipped',
    'buyer_paused', NULL, '{}', now()
FROM tracing_attempt a CROSS JOIN distribution_enrollment e
ORDER BY a.lead_id, a.number
"""
# Every buyer is shown every lead in its first attempt, in an offer that is closed.
FILL_OFFERS = """
INSERT INTO distribution_offer (
    public_id, kind, lead_id, campaign_id, attempt_id, opened_at, closes_at, state, closed_at, end_reason, max_buyers
)
SELECT gen_random_uuid(), 'ping_post', a.lead_id, c.id, a.id, now(), now(), 'closed', now(), 'window_over', 1
FROM tracing_attempt a CROSS JOIN (SELECT MIN(id) AS id FROM distribution_campaign) c WHERE a.number = 1
"""
FILL_PLACES = """
INSERT INTO distribution_offerbuyer (offer_id, buyer_id, enrollment_id, tier_position, price_cents, visible_at)
SELECT o.id, e.buyer_id, e.id, 1, 1, now() FROM distribution_offer o CROSS JOIN distribution_enrollment e ORDER BY o.id
"""
NO_SECOND_ATTEMPT = "DELETE FROM tracing_attempt WHERE number = 2"
# The second attempt is the claim of another buyer: it has no event of this one.
MAKE_CLAIMS = """
UPDATE tracing_attempt SET trigger = 'claim' WHERE number = 2;
DELETE FROM tracing_leaddistributionevent e USING tracing_attempt a WHERE a.id = e.attempt_id AND a.number = 2
"""
OFFERS = {"distribution_offer", "distribution_offerbuyer"}
BIG = {
    "tracing_leaddistributionevent",
    "tracing_attempt",
    "routing_lead",
    "distribution_assignment",
    "distribution_ledgerentry",
}


@pytest.fixture
def buyer(committed_db: None) -> Buyer:  # noqa: ARG001
    campaign = CampaignFactory()
    enroll(campaign, count=BUYERS, credits_cents=100)
    source = SourceFactory(workspace=campaign.workspace)
    fill_mostly_sold(source, count=LEADS)
    for sql in (FILL_ATTEMPTS, FILL_EVENTS, FILL_BOUGHT, FILL_CHARGES):
        plant(sql)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    found: Buyer = Enrollment.objects.select_related("buyer").earliest("pk").buyer
    return found


def explain(sql: str, parameters: Any) -> tuple[list[dict[str, Any]], set[str], set[str]]:
    """The nodes of the executed plan, the indexes it used, and the tables it read in full."""
    found = nodes(sql, parameters, options="ANALYZE, FORMAT JSON")
    indexes = {node["Index Name"] for node in found if "Index Name" in node}
    return found, indexes, {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}


def test_missed_leads_use_their_index(buyer: Buyer) -> None:
    """Every second event is not of the latest attempt, so a page of 50 reads about 100 events of 160,000."""
    unfiltered = {"reason": None, "exclude": [], "starts_at": None, "ends_at": None}
    parameters: Any = {"buyer": buyer.pk, "before": LAST_ID, "from": 0, **unfiltered}
    found, indexes, scanned = explain(f"{LIST_MISSED} LIMIT 51", parameters)

    assert "event_buyer_skipped" in indexes
    assert not scanned & BIG
    [events] = [node for node in found if node.get("Index Name") == "event_buyer_skipped"]
    assert events["Actual Rows"] <= 110
    assert events.get("Rows Removed by Filter", 0) == 0


def test_skips_before_claims_are_found_by_index(buyer: Buyer) -> None:
    """Each lead was claimed by another buyer, in an attempt that says nothing about this one."""
    for sql in (MAKE_CLAIMS, FILL_OFFERS, FILL_PLACES):
        plant(sql)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    unfiltered = {"reason": None, "exclude": [], "starts_at": None, "ends_at": None}
    parameters: Any = {"buyer": buyer.pk, "before": LAST_ID, "from": 0, **unfiltered}
    found, _, scanned = explain(f"{LIST_MISSED} LIMIT 51", parameters)

    assert not scanned & (BIG | OFFERS)
    [events] = [node for node in found if node.get("Index Name") == "event_buyer_skipped"]
    assert events["Actual Rows"] <= 110
    read = sum(node["Actual Rows"] * node["Actual Loops"] for node in found if "Index Name" in node)
    assert read < 5_000


def test_missed_offers_use_their_index(buyer: Buyer) -> None:
    """No later attempt decided, so a page of 50 reads about 50 places of 80,000."""
    fill_offers()
    unfiltered = {"reason": None, "exclude": [], "starts_at": None, "ends_at": None}
    parameters: Any = {"buyer": buyer.pk, "before": LAST_ID, "from": 0, **unfiltered}
    found, indexes, scanned = explain(f"{LIST_PLACES} LIMIT 51", parameters)

    assert "offerbuyer_feed" in indexes
    assert not scanned & (BIG | OFFERS)
    [places] = [node for node in found if node.get("Index Name") == "offerbuyer_feed"]
    assert places["Actual Rows"] <= 110
    assert places.get("Rows Removed by Filter", 0) <= 1


def test_offers_of_one_lead_are_found_by_the_lead(buyer: Buyer) -> None:
    fill_offers()
    lead = Lead.objects.earliest("pk")
    of_buyer: Any = {"buyer": buyer.pk, "lead": lead.public_id}
    attempts = list(Attempt.objects.filter(lead_id=lead.pk).values_list("pk", flat=True))
    of_lead: Any = {"buyer": None, "lead": lead.pk, "attempts": attempts}
    for sql, parameters in ((FIND_PLACE, of_buyer), (LIST_OF_LEAD, of_buyer), (READ, of_lead)):
        _, indexes, scanned = explain(f"{sql} LIMIT 50", parameters)
        assert not scanned & (BIG | OFFERS)
        assert any(name.startswith("distribution_offer_lead_id") for name in indexes), indexes


def test_streams_read_few_of_the_places_of_their_buyers(buyer: Buyer) -> None:
    """All offers closed long ago but the newest ten. Three buyers listen."""
    fill_offers()
    plant("UPDATE distribution_offer SET closed_at = now() - interval '1 day'")
    plant(
        "UPDATE distribution_offer SET closed_at = now() WHERE id > (SELECT max(id) - 10 FROM distribution_offer)"
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    listening = [buyer.pk, buyer.pk + 1, buyer.pk + 2]
    with CaptureQueriesContext(connection) as captured:
        assert len(read_recent(buyer_ids=listening)) == 30
    found, _, scanned = explain(captured[-1]["sql"].replace("%", "%%"), [])

    assert not scanned & (BIG | OFFERS)
    places = [node for node in found if node.get("Relation Name") == "distribution_offerbuyer"]
    read = [node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in places]
    assert sum(rows * node["Actual Loops"] for rows, node in zip(read, places, strict=True)) < 500


def fill_offers() -> None:
    for sql in (NO_SECOND_ATTEMPT, FILL_OFFERS, FILL_PLACES):
        plant(sql)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def test_one_missed_lead_is_found_by_its_attempts(buyer: Buyer) -> None:
    parameters: Any = {"buyer": buyer.pk, "lead": Lead.objects.earliest("pk").public_id}
    for sql in (FIND_MISSED, LIST_SKIPS):
        _, indexes, scanned = explain(f"{sql} LIMIT 50", parameters)
        assert {"event_attempt_seq_unique", "attempt_lead_number_unique"} <= indexes
        assert not scanned & BIG


def test_ledger_and_assignments_use_their_indexes(buyer: Buyer) -> None:
    with CaptureQueriesContext(connection) as captured:
        list_assignments(buyer, limit=51, before=LAST_ID, period=Period(), state=None)
        list_ledger(buyer, limit=51, before=LAST_ID, period=Period(), kind=None)
    for statement, index in zip(captured, ("assignment_buyer", "ledger_wallet_newest"), strict=True):
        _, indexes, scanned = explain(statement["sql"].replace("%", "%%"), [])
        assert index in indexes
        assert not scanned & BIG


def test_chart_of_a_wallet_reads_two_entries_for_each_day(buyer: Buyer) -> None:
    ends = [timezone.now() - timedelta(days=back) for back in range(30)]
    parameters: Any = {"wallet": buyer.wallet.pk, "last": LAST_ID, "ends": ends}
    _, indexes, scanned = explain(BALANCES, parameters)
    assert {"ledger_wallet_newest", "ledger_created_at"} <= indexes
    assert not scanned & BIG
