"""`reconcile expiry`: leads end at the end of their time to live. A finished lead is not changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.offers.claim import claim_offer
from distribution.verify import run_verification
from routing.locks.leads_to_end import LOCK_EXPIRED, LOCK_STALE
from routing.models import Lead, LeadStatus, Workspace
from routing.reconcile import Counts, expiry, find_reconciler, run_reconciler, stale_locks
from tests.support.blocking import holding
from tests.support.claims import claim
from tests.support.factories import LeadFactory
from tests.support.filling import fill_leads
from tests.support.holds import accept, asking_campaign, lead_of, open_hold
from tests.support.offers import assert_everything_holds, buyers_of, offering_campaign, open_offer_of
from tests.support.plans import nodes
from tests.support.planting import plant
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")

HOLD_LEAD = "SELECT 1 FROM routing_lead WHERE id = %s FOR UPDATE"
LONG_AGO = datetime.now(UTC) - timedelta(days=100)
FINISHED = {"next_attempt_at": None, "finished_at": LONG_AGO}


def run(*, fix: bool = True) -> Counts:
    return run_reconciler(find_reconciler("expiry"), fix=fix)


def old(**fields: Any) -> Lead:
    lead: Lead = LeadFactory(received_at=LONG_AGO, **fields)
    return lead


@pytest.mark.finds("expiry")
def test_every_overdue_unfinished_lead_expires() -> None:
    """No attempt runs these: paused, in a paused workspace, due much later, waiting for verification or offers."""
    later = datetime.now(UTC) + timedelta(days=30)
    over = [
        old(paused_at=LONG_AGO),
        old(next_attempt_at=later, attempts=4, skip_reason="all_buyers_capped", conflicts=2),
        old(status="gated", next_attempt_at=None),
        old(status="offered", next_attempt_at=later),
    ]
    Workspace.objects.filter(pk=over[1].workspace_id).update(paused_at=LONG_AGO)
    plant("UPDATE routing_lead SET attempts = 0 WHERE id <> %s", [over[1].pk])

    reported = run(fix=False)
    assert reported == Counts(checked=4, skipped=4)
    assert not Lead.objects.filter(status="expired").exists()
    repaired = run()
    assert repaired == Counts(checked=4, repaired=4)
    for counts in (reported, repaired):
        assert set(counts.named) == {f"lead {lead.pk}" for lead in over}

    for lead in over:
        attempts_before = lead.attempts
        lead.refresh_from_db()
        assert (lead.status, lead.skip_reason, lead.due_reason) == ("expired", "lead_expired", "")
        assert (lead.next_attempt_at, lead.paused_at, lead.attempts) == (None, None, attempts_before + 1)
        assert lead.finished_at is not None
        attempt = Attempt.objects.get(lead_id=lead.pk)
        assert (attempt.result, attempt.skip_reason, attempt.number) == (
            "expired",
            "lead_expired",
            lead.attempts,
        )
        assert (attempt.source_workspace_id, attempt.destination_workspace_id) == (
            lead.source_workspace_id,
            lead.workspace_id,
        )
        assert distribute_lead(lead.pk).not_run == "finished"
    assert run() == Counts()
    assert run_verification().holds


def test_finished_lead_is_not_changed() -> None:
    """Expiring a finished lead would erase its history."""
    for status in set(LeadStatus.values) - {"pending", "calling", "gated", "offered", "posting"}:
        old(status=status, **FINISHED)
    LeadFactory()
    before = list(Lead.objects.order_by("pk").values())

    assert run(fix=False) == run() == Counts()

    assert list(Lead.objects.order_by("pk").values()) == before


def test_lead_that_a_buyers_system_is_asked_about_is_left_to_its_answer() -> None:
    """The buyer may have it: its held price is charged or released by an answer, never by time."""
    lead = lead_of(asking_campaign(buyers=1), at=datetime.now(UTC))
    assert distribute_lead(lead.pk).result == "posting"
    Lead.objects.update(expires_at=LONG_AGO)

    assert run(fix=False) == run() == Counts()

    hold = open_hold(lead)
    assert accept(hold, at=datetime.now(UTC)).is_new
    lead.refresh_from_db()
    assert lead.status == "distributed"
    assert run_verification().holds


@pytest.mark.finds("stale_locks")
def test_lead_under_a_lease_is_left_to_its_owner() -> None:
    lead = LeadFactory()
    claim(lead.pk, owner="caller:1")
    Lead.objects.update(expires_at=LONG_AGO)
    assert run() == Counts()

    Lead.objects.update(locked_at=LONG_AGO)
    assert run_reconciler(find_reconciler("stale_locks"), fix=True).repaired == 1
    lead.refresh_from_db()
    assert lead.next_attempt_at == lead.expires_at  # never later than that
    assert run().repaired == 1
    assert run_verification().holds


def test_lead_being_tried_is_left_to_its_attempt() -> None:
    lead = old()
    with holding(HOLD_LEAD, [lead.pk]):
        assert run() == Counts()
    assert distribute_lead(lead.pk).result == "expired"
    assert run() == Counts()
    assert Attempt.objects.count() == 1


def test_batches_and_a_limit() -> None:
    source = LeadFactory().source
    count = 2 * settings.LEADSWITCH_TUNING.expiry_batch_leads + 3
    Lead.objects.bulk_create(LeadFactory.build_batch(count, source=source, received_at=LONG_AGO))

    assert run_reconciler(find_reconciler("expiry"), fix=True, limit=7) == Counts(7, 7)
    assert run_reconciler(find_reconciler("expiry"), fix=False, limit=7) == Counts(7, 0, 7)
    assert run() == Counts(count - 7, count - 7)

    assert Lead.objects.filter(status="expired").count() == Attempt.objects.count() == count
    assert run_verification().holds


def test_both_searches_of_a_big_table_read_only_what_they_find() -> None:
    source = LeadFactory().source
    fill_leads(
        source,
        count=30_000,
        status="CASE WHEN n % 2 = 0 THEN 'pending' ELSE 'distributed' END",
        next_attempt_at="CASE WHEN n % 2 = 0 THEN now() END",
        finished_at="CASE WHEN n % 2 = 1 THEN now() END",
        expires_at="now() + (n - 100) * interval '1 minute'",
    )
    at, batch = datetime.now(UTC), 500
    for sql, parameters, index in (
        (LOCK_EXPIRED, [at, batch], "lead_expiring"),
        (expiry.COUNT, [batch], "lead_expiring"),
        (LOCK_STALE, [at, batch], "lead_locked"),
        (stale_locks.COUNT, [900, batch], "lead_locked"),
    ):
        found = nodes(sql, parameters, options="ANALYZE, FORMAT JSON")
        reads = [node for node in found if node.get("Index Name") == index]
        assert reads, (sql, found)
        assert reads[0]["Actual Rows"] <= 60, sql  # of 15,000 that are unfinished
        assert reads[0].get("Rows Removed by Filter", 0) == 0


def test_expired_lead_that_one_of_two_buyers_has_ends_as_sold() -> None:
    campaign = offering_campaign(buyers=2, max_buyers=2)
    offer = open_offer_of(campaign, at=timezone.now())
    claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0])
    Lead.objects.filter(pk=offer.lead_id).update(expires_at=timezone.now())

    assert run().repaired == 1

    assert Lead.objects.get(pk=offer.lead_id).status == "distributed"
    assert_everything_holds()
