"""A worker's checks before it tries a dispatched lead, and that the lease ends on every path."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import redis
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connection
from django.utils import timezone

from distribution import metrics as distribution_metrics
from distribution.attempts import lease as handback
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.lease import distribute_leased
from distribution.models import Assignment, Campaign
from distribution.tasks import process_leads
from routing.dispatch import schedule
from routing.dispatch.schedule import Due
from routing.dispatch.sizes import read_sizes
from routing.leads.actions import cancel_sent_lead, pause_lead, rerun_lead, resume_lead
from routing.metrics.dispatch import FLIGHTS_REFUSED, SCHEDULE_FAILURES
from routing.models import Lead
from routing.queries import read_due_times
from routing.redis import keys
from tests.support import switches
from tests.support.blocking import holding
from tests.support.factories import CampaignFactory, LeadFactory, RuleFactory, WorkspaceFactory, enroll
from tests.support.flushed_enqueuer import flushed_enqueuer
from tests.support.race_leads import assert_verified, make_leads
from tests.support.times import pairs
from tracing.models import Attempt

if TYPE_CHECKING:
    from datetime import datetime

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

WHY = {"actor": "ops", "reason": "a doubt"}
HOLD_LEAD = "SELECT 1 FROM routing_lead WHERE id = %s FOR UPDATE"
HOLD_WALLETS = "SELECT 1 FROM distribution_wallet FOR UPDATE"


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(workspace__dispatch_mode="event", workspace__timezone="UTC")
    enroll(campaign, count=2, credits_cents=1_000_000)
    return campaign


def hand_over(campaign: Campaign, **fields: Any) -> Lead:
    """A lead in flight, when the message that names it arrives."""
    [lead_id] = make_leads(campaign, count=1, **fields)
    lead = Lead.objects.get(pk=lead_id)
    assert pairs(schedule.put([Due(lead_id, lead.workspace_id, lead.received_at)])) == [
        (lead_id, lead.workspace_id)
    ]
    return lead


def is_in_flight() -> bool:
    return read_sizes().inflight > 0


def due_in_index(client: "redis.Redis[str]", lead: Lead) -> float | None:
    """Seconds until the lead is due again, or None if it is not."""
    lead.refresh_from_db(fields=["workspace"])
    score = client.zscore(keys.schedule_of(lead.workspace_id), str(lead.pk))
    return None if score is None else score / 1000 - timezone.now().timestamp()


def attempts_of(lead: Lead) -> list[tuple[str, str]]:
    return list(Attempt.objects.filter(lead_id=lead.pk).values_list("result", "skip_reason"))


def test_due_lead_is_sold_and_its_lease_ends(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    lead = hand_over(campaign)
    process_leads([lead.pk], is_leased=True)
    lead.refresh_from_db()
    assert lead.status == "distributed"
    assert not is_in_flight()
    assert due_in_index(redis_client, lead) is None
    assert_verified()


def test_status_is_checked_first(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    """The lead has finished in the meantime: it is not tried, whatever other reason would stop it."""
    lead = hand_over(campaign)
    cancel_sent_lead(lead.public_id, source_id=lead.source_id)
    switches.pause_product(at=timezone.now(), **WHY)
    distribute_leased(lead.pk)
    assert attempts_of(lead) == []
    assert not is_in_flight()
    assert due_in_index(redis_client, lead) is None


def pause_product(_: Lead) -> None:
    switches.pause_product(at=timezone.now(), **WHY)


def pause_workspace(lead: Lead) -> None:
    assert switches.pause_workspace(lead.workspace_id, at=timezone.now(), **WHY)


@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "not-stored"])
@pytest.mark.parametrize("pause", [pause_product, pause_workspace])
def test_pause_stops_the_lead(
    campaign: Campaign,
    redis_client: "redis.Redis[str]",
    monkeypatch: pytest.MonkeyPatch,
    pause: Callable[[Lead], None],
    *,
    is_stored: bool,
) -> None:
    """The lead is requeued at its due time, or later if Redis cannot store the pause."""
    lead = hand_over(campaign)
    pause(lead)
    if not is_stored:
        monkeypatch.setattr(handback, "mirror", lambda *_: False)
    distribute_leased(lead.pk)
    assert attempts_of(lead) == []
    assert not is_in_flight()
    assert due_in_index(redis_client, lead) == pytest.approx(0 if is_stored else 10, abs=5)


def test_lead_paused_by_an_operator_waits_for_that_operator(
    campaign: Campaign, redis_client: "redis.Redis[str]"
) -> None:
    lead = hand_over(campaign)
    pause_lead(lead.pk, at=timezone.now())
    distribute_leased(lead.pk)
    assert attempts_of(lead) == []
    assert not is_in_flight()
    assert due_in_index(redis_client, lead) is None
    with flushed_enqueuer():
        resume_lead(lead.pk, at=timezone.now())
    assert is_in_flight()


def test_due_time_is_read_under_the_lock(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    """The index may be early. The row decides, and the index is corrected."""
    lead = hand_over(campaign)
    Lead.objects.filter(pk=lead.pk).update(next_attempt_at=timezone.now() + timedelta(hours=1))
    distribute_leased(lead.pk)
    assert attempts_of(lead) == []
    assert due_in_index(redis_client, lead) == pytest.approx(3600, abs=30)
    assert not is_in_flight()


def test_outside_the_hours_of_its_workspace_it_waits_for_them(
    campaign: Campaign, redis_client: "redis.Redis[str]"
) -> None:
    opening = (timezone.now() + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
    open_only_at(campaign, opening)
    lead = hand_over(campaign)
    distribute_leased(lead.pk)
    lead.refresh_from_db()
    assert attempts_of(lead) == [("deferred", "outside_workspace_hours")]
    assert (lead.status, lead.next_attempt_at, lead.due_reason) == (
        "pending",
        opening,
        "outside_workspace_hours",
    )
    assert due_in_index(redis_client, lead) == pytest.approx(
        (opening - timezone.now()).total_seconds(), abs=30
    )
    assert not is_in_flight()
    assert distribute_lead(lead.pk, at=opening).result == "success"
    assert_verified()


def open_only_at(campaign: Campaign, moment: "datetime") -> None:
    campaign.workspace.hours = {moment.strftime("%a").lower(): [["12:00", "13:00"]]}
    campaign.workspace.full_clean()
    campaign.workspace.save()


def test_hours_of_its_destination_count_too(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    """It waits there, and is routed again when that workspace opens."""
    opening = (timezone.now() + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
    open_only_at(campaign, opening)
    partner = WorkspaceFactory(dispatch_mode="event")
    RuleFactory(workspace=partner, destination=campaign.workspace)
    lead: Lead = LeadFactory(source__workspace=partner, received_at=timezone.now() - timedelta(hours=1))
    assert len(schedule.put([Due(lead.pk, partner.pk, lead.received_at)])) == 1
    distribute_leased(lead.pk)
    lead = Lead.objects.get(pk=lead.pk)
    assert attempts_of(lead) == [("deferred", "outside_workspace_hours")]
    assert (lead.workspace_id, lead.next_attempt_at) == (campaign.workspace_id, opening)
    assert due_in_index(redis_client, lead) == pytest.approx(
        (opening - timezone.now()).total_seconds(), abs=30
    )
    assert distribute_lead(lead.pk, at=opening).result == "success"
    assert_verified()


def test_workspace_that_never_opens_parks_the_lead(campaign: Campaign) -> None:
    campaign.workspace.hours = {"mon": []}
    campaign.workspace.save()
    lead = hand_over(campaign)
    distribute_leased(lead.pk)
    lead.refresh_from_db()
    assert (lead.status, lead.skip_reason) == ("failed", "outside_workspace_hours")
    assert_verified()


def test_busy_lead_is_retried(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    """A refused lock is normal contention, not an error."""
    lead = hand_over(campaign)
    with holding(HOLD_LEAD, [lead.pk]):
        distribute_leased(lead.pk)
    assert attempts_of(lead) == []
    assert due_in_index(redis_client, lead) == pytest.approx(1, abs=1)
    assert not is_in_flight()


def test_conflict_is_retried_within_moments(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    lead = hand_over(campaign)
    with holding(HOLD_WALLETS):
        distribute_leased(lead.pk)
    lead.refresh_from_db()
    assert lead.due_reason == "tier_lock_contention"
    assert lead.next_attempt_at is not None
    score = redis_client.zscore(keys.schedule_of(lead.workspace_id), str(lead.pk))
    assert score == schedule.to_ms(lead.next_attempt_at)
    assert not is_in_flight()


def test_missing_lead_ends_its_lease() -> None:
    assert len(schedule.put([Due(987_654_321, 1, timezone.now() - timedelta(hours=1))])) == 1
    distribute_leased(987_654_321)
    assert not is_in_flight()
    assert read_sizes().waiting == 0


def test_lease_ends_when_the_database_is_gone(
    campaign: Campaign, redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = hand_over(campaign)
    cause = OperationalError("server closed the connection unexpectedly")

    def fail(_: int) -> None:
        raise cause

    monkeypatch.setattr(handback, "distribute_lead", fail)
    with pytest.raises(OperationalError):
        distribute_leased(lead.pk)
    assert not is_in_flight()
    assert due_in_index(redis_client, lead) == pytest.approx(5, abs=5)


def test_message_past_its_time_starts_no_further_lead(
    campaign: Campaign, redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = hand_over(campaign), hand_over(campaign)

    def run_out_of_time(*_: object, **__: object) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(handback, "distribute_lead", run_out_of_time)
    with pytest.raises(SoftTimeLimitExceeded):
        process_leads([first.pk, second.pk], is_leased=True)
    [(lead, lease)] = redis_client.hgetall(keys.leases_key()).items()
    assert (int(lead), lease.endswith("!")) == (second.pk, False)


def test_rest_of_a_message_is_tried_after_a_lost_session(
    campaign: Campaign, redis_client: "redis.Redis[str]"
) -> None:
    """As after a restart of PostgreSQL: only the lead that had the lost session waits."""
    first, second = hand_over(campaign), hand_over(campaign)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(OperationalError):
        process_leads([first.pk, second.pk], is_leased=True)
    second.refresh_from_db()
    assert second.status == "distributed"
    assert not is_in_flight()
    assert due_in_index(redis_client, first) == pytest.approx(5, abs=2)


def test_lease_ends_if_the_outcome_cannot_be_read(
    campaign: Campaign, redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = hand_over(campaign)

    def fail(_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(handback, "read_due_times", fail)
    with holding(HOLD_LEAD, [lead.pk]):
        distribute_leased(lead.pk)
    assert not is_in_flight()
    assert due_in_index(redis_client, lead) == pytest.approx(5, abs=5)


@pytest.mark.parametrize("state", ["queued twice", "ended", "started elsewhere"])
def test_message_without_its_lease_is_dropped(campaign: Campaign, state: str) -> None:
    lead = hand_over(campaign)
    refused = FLIGHTS_REFUSED._value.get()
    if state == "started elsewhere":
        schedule.start([lead.pk])
        expected = ("pending", 1)
    elif state == "ended":
        schedule.release([schedule.Release(lead.pk, None)])
        expected = ("pending", 1)
    else:
        distribute_leased(lead.pk)
        expected = ("distributed", 1)
    distribute_leased(lead.pk)
    lead.refresh_from_db()
    assert (lead.status, FLIGHTS_REFUSED._value.get() - refused) == expected


def test_lead_is_tried_without_redis(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    lead = hand_over(campaign)
    failures = SCHEDULE_FAILURES.labels(operation="start", cause="ConnectionError")._value
    before = failures.get()

    def refuse(*_: Any) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(schedule, "_run", refuse)
    distribute_leased(lead.pk)
    lead.refresh_from_db()
    assert lead.status == "distributed"
    assert failures.get() == before + 1
    assert_verified()


def test_run_again_reaches_the_worker_after_its_commit(campaign: Campaign) -> None:
    [lead_id] = make_leads(campaign, count=1, next_attempt_at=timezone.now() + timedelta(days=1))
    with flushed_enqueuer():
        rerun_lead(lead_id, at=timezone.now())
    assert is_in_flight()


def test_canceled_lead_leaves_the_schedule(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    """A late message must not start a lead that ended."""
    [lead_id] = make_leads(campaign, count=1, next_attempt_at=timezone.now() + timedelta(days=1))
    lead = Lead.objects.get(pk=lead_id)
    [waiting] = read_due_times([lead_id])
    assert waiting.due_at is not None
    schedule.put([Due(lead_id, lead.workspace_id, waiting.due_at)])
    assert due_in_index(redis_client, lead) is not None
    with flushed_enqueuer():
        cancel_sent_lead(lead.public_id, source_id=lead.source_id)
    assert due_in_index(redis_client, lead) is None


def test_lag_is_measured_from_the_due_time(campaign: Campaign) -> None:
    lag = distribution_metrics.START_LAG_SECONDS.labels(mode="event")
    before = lag._sum.get()
    lead = hand_over(campaign, next_attempt_at=timezone.now() - timedelta(seconds=30))
    distribute_leased(lead.pk)
    assert lag._sum.get() - before == pytest.approx(30, abs=10)


def test_no_lead_is_sold_twice_by_messages(campaign: Campaign) -> None:
    lead = hand_over(campaign)
    process_leads([lead.pk] * 3, is_leased=True)
    process_leads([lead.pk])
    assert Assignment.objects.count() == 1
    assert connection.in_atomic_block is False
