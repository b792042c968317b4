"""`reconcile inflight`: leads of lost workers are requeued, and a lead that kills worker after worker is parked."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings as product_settings

from distribution.attempts.lease import distribute_leased
from distribution.models import Campaign
from routing.dispatch import lua_prelude, schedule
from routing.dispatch.schedule import Due, Release
from routing.dispatch.sizes import read_sizes
from routing.metrics.dispatch import FLIGHTS_LOST, LEADS_GIVEN_UP
from routing.models import Lead
from routing.reconcile import Counts, find_reconciler, inflight, run_reconciler
from tests.support.blocking import holding
from tests.support.factories import CampaignFactory, enroll
from tests.support.race_leads import assert_verified, make_leads
from tests.support.times import pairs
from tests.support.waiting import wait_until
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

HOLD_LEAD = "SELECT 1 FROM routing_lead WHERE id = %s FOR UPDATE"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(workspace__dispatch_mode="event")
    enroll(campaign, count=2, credits_cents=1_000_000)
    return campaign


def reconcile() -> Counts:
    return run_reconciler(find_reconciler("inflight"), fix=True)


def put_due(lead_id: int, workspace_id: int) -> Due:
    lead = Lead.objects.get(pk=lead_id)
    due = Due(lead_id, workspace_id, lead.received_at)
    assert pairs(schedule.put([due])) == [(lead_id, workspace_id)]
    return due


def lose(lead_id: int, workspace_id: int, settings: Any, *, is_started: bool) -> None:
    """A lead in flight whose worker has been gone for longer than its lease."""
    settings.LEADSWITCH_LEASE_SECONDS = 0.001
    put_due(lead_id, workspace_id)
    if is_started:
        assert schedule.start([lead_id]) != [None]
    wait_until(lambda: len(schedule.find_expired(limit=2)) == 1, what="the end of a lease")
    settings.LEADSWITCH_LEASE_SECONDS = 600


def count_lost(state: str) -> float:
    return float(FLIGHTS_LOST.labels(state=state)._value.get())


@pytest.mark.finds("inflight")
@pytest.mark.parametrize("is_started", [True, False])
def test_lost_lead_is_requeued(campaign: Campaign, settings: Any, *, is_started: bool) -> None:
    """Celery loses tasks of killed workers even with late acks. The reconciler must find them."""
    [lead_id] = make_leads(campaign, count=1)
    lose(lead_id, campaign.workspace_id, settings, is_started=is_started)
    state = "started" if is_started else "queued"
    before = count_lost(state)

    reported = inflight.run(fix=False, limit=10)
    assert reported == Counts(checked=1, skipped=1)
    assert len(schedule.find_expired(limit=10)) == 1  # a report changes nothing
    repaired = reconcile()
    assert repaired == Counts(checked=1, repaired=1)
    assert reported.named == repaired.named == (f"lead {lead_id}",)

    sizes = read_sizes()
    assert (sizes.inflight, sizes.waiting) == (0, 1)
    assert count_lost(state) == before + 1
    assert Lead.objects.get(pk=lead_id).lost_leases == int(is_started)  # waiting in a queue costs no worker
    assert reconcile() == Counts()


def test_unexpired_lease_is_left_alone(campaign: Campaign) -> None:
    [lead_id] = make_leads(campaign, count=1)
    put_due(lead_id, campaign.workspace_id)
    schedule.start([lead_id])
    assert reconcile() == Counts()
    assert read_sizes().inflight == 1


def test_locked_lead_is_left_alone(campaign: Campaign, settings: Any) -> None:
    """Its worker is slow, not gone: it still holds the row's lock."""
    [lead_id] = make_leads(campaign, count=1)
    lose(lead_id, campaign.workspace_id, settings, is_started=True)
    with holding(HOLD_LEAD, [lead_id]):
        assert reconcile() == Counts(checked=1, skipped=1)
        assert read_sizes().inflight == 1
    assert reconcile() == Counts(checked=1, repaired=1)


def test_locked_leads_hide_no_others(
    campaign: Campaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages follow a cursor, which keeps healthy leads from hiding a lost lead."""
    monkeypatch.setattr(inflight, "LEASES_PER_PAGE", 1)
    settings.LEADSWITCH_LEASE_SECONDS = 0.001
    busy, lost = make_leads(campaign, count=2)
    put_due(busy, campaign.workspace_id)
    wait_until(lambda: len(schedule.find_expired(limit=2)) == 1, what="the end of the first lease")
    put_due(lost, campaign.workspace_id)
    wait_until(lambda: len(schedule.find_expired(limit=2)) == 2, what="the end of both leases")
    with holding(HOLD_LEAD, [busy]):
        assert reconcile() == Counts(checked=2, repaired=1, skipped=1)
    assert [each.lead_id for each in schedule.find_expired(limit=2)] == [busy]


def test_finished_lead_only_loses_its_lease(campaign: Campaign, settings: Any) -> None:
    [lead_id] = make_leads(campaign, count=1)
    lose(lead_id, campaign.workspace_id, settings, is_started=True)
    Lead.objects.filter(pk=lead_id).update(
        status="cancelled", next_attempt_at=None, finished_at=Lead.objects.get(pk=lead_id).received_at
    )
    assert reconcile() == Counts(checked=1, repaired=1)
    sizes = read_sizes()
    assert (sizes.inflight, sizes.waiting, Lead.objects.get(pk=lead_id).lost_leases) == (0, 0, 0)


def test_missing_lead_only_loses_its_lease(settings: Any) -> None:
    settings.LEADSWITCH_LEASE_SECONDS = 0.001
    [(lead_id, *_)] = schedule.put([Due(987_654_321, 1, LONG_AGO)])
    schedule.start([lead_id])
    wait_until(lambda: len(schedule.find_expired(limit=2)) == 1, what="the end of a lease")
    assert reconcile() == Counts(checked=1, repaired=1)
    assert read_sizes().inflight == 0


def test_late_end_of_a_lease_is_not_a_lost_worker(campaign: Campaign, settings: Any) -> None:
    """The worker ended its lease between the check and the repair."""
    [lead_id] = make_leads(campaign, count=1)
    lose(lead_id, campaign.workspace_id, settings, is_started=True)
    [expired] = schedule.find_expired(limit=1)
    schedule.release([Release(lead_id, expired.deadline_ms)])
    assert inflight._recover(expired) is False
    assert Lead.objects.get(pk=lead_id).lost_leases == 0
    assert read_sizes().waiting == 1  # it is due anyway


def test_lead_is_given_up_after_too_many_lost_workers(campaign: Campaign, settings: Any) -> None:
    """A lead that kills its workers must not do so forever."""
    [lead_id] = make_leads(campaign, count=1)
    settings.LEADSWITCH_MAX_LOST_LEASES = 3
    given_up = LEADS_GIVEN_UP._value.get()
    for lost_workers in (1, 2):
        lose(lead_id, campaign.workspace_id, settings, is_started=True)
        reconcile()
        schedule.withdraw([(lead_id, campaign.workspace_id)])
        lead = Lead.objects.get(pk=lead_id)
        assert (lead.status, lead.lost_leases, lead.attempts) == ("pending", lost_workers, 0)

    lose(lead_id, campaign.workspace_id, settings, is_started=True)
    reconcile()

    lead = Lead.objects.get(pk=lead_id)
    assert (lead.status, lead.skip_reason, lead.next_attempt_at) == ("failed", "worker_lost", None)
    attempt = Attempt.objects.get(lead_id=lead_id)
    assert (attempt.result, attempt.skip_reason, attempt.number) == ("failed", "worker_lost", 1)
    events = LeadDistributionEvent.objects.filter(attempt_id=attempt.pk).order_by("seq")
    assert [each.event for each in events] == ["distribution_started", "failed"]
    assert events[1].data == {"lost_workers": 3, "due_at": None}
    assert LEADS_GIVEN_UP._value.get() == given_up + 1
    assert read_sizes().waiting == 0
    assert_verified()


def test_lost_workers_count_only_in_a_row(campaign: Campaign) -> None:
    """A completed attempt resets the count."""
    campaign.enrollments.update(active=False)
    [lead_id] = make_leads(campaign, count=1)
    Lead.objects.filter(pk=lead_id).update(lost_leases=product_settings.LEADSWITCH_MAX_LOST_LEASES - 1)
    put_due(lead_id, campaign.workspace_id)
    distribute_leased(lead_id)
    assert Lead.objects.get(pk=lead_id).lost_leases == 0


def test_dispatcher_that_dies_between_claim_and_publication_loses_nothing(
    campaign: Campaign, settings: Any
) -> None:
    """With remove and push in two calls, a process that dies between them loses the lead."""
    [lead_id] = make_leads(campaign, count=1)
    lose(lead_id, campaign.workspace_id, settings, is_started=False)  # claimed, and never published
    assert reconcile().repaired == 1
    assert read_sizes().waiting == 1


def test_control_without_leases_the_lead_is_nowhere(
    campaign: Campaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the reconciler of the whole schedule would find it again."""
    leasing = "redis.call('ZADD', INFLIGHT, unpack(scores))"
    assert leasing in lua_prelude.PRELUDE
    monkeypatch.setattr(lua_prelude, "PRELUDE", lua_prelude.PRELUDE.replace(leasing, ""))
    schedule._script.cache_clear()
    try:
        settings.LEADSWITCH_LEASE_SECONDS = 0.001
        [lead_id] = make_leads(campaign, count=1)
        due = put_due(lead_id, campaign.workspace_id)
        sizes = read_sizes()
        assert (sizes.inflight, sizes.waiting) == (0, 0)
        assert reconcile() == Counts()
        assert schedule.find_lost([due]) == {lead_id}
    finally:
        schedule._script.cache_clear()
