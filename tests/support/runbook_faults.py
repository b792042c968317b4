"""Faults of a product on real servers, one context each, for the states that runbooks are about."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
import redis
from django.conf import settings
from django.db import ProgrammingError, connection
from django.test import override_settings

from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign
from leadswitch.embedded import redis as embedded_redis
from routing.dispatch import canary, pauses, schedule, workers
from routing.dispatch.control import write_leader_heartbeat
from routing.dispatch.heartbeat import send_heartbeat
from routing.dispatch.leadership import acquire_leadership
from routing.dispatch.schedule import Due
from routing.models import DispatchPath, Lead
from routing.reconcile import find_reconciler, run_reconciler
from routing.redis.keys import shard_of
from tests.support.blocking import another_connection, holding, short_lock_timeout
from tests.support.factories import LeadFactory
from tests.support.own_redis import using_own_redis
from tests.support.race_leads import make_leads
from tests.support.reconciled import all_ran
from tests.support.redis_faults import refusing_writes
from tests.support.schema import changed, execute, refusing_updates
from tests.support.waiting import wait_until, wait_until_blocked

LEADER: Final = "host-a:71:ab12"
OTHER: Final = "host-b:82:cd34"
HOLD_LEAD: Final = "SELECT 1 FROM routing_lead WHERE id = %s FOR UPDATE"
HOLD_BUYERS: Final = "SELECT 1 FROM distribution_buyer FOR UPDATE"
HOLD_WALLETS: Final = "SELECT 1 FROM distribution_wallet FOR UPDATE"
REFUSE_SALES: Final = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'refused'; END$$;"
    "CREATE TRIGGER refuse BEFORE INSERT ON distribution_assignment FOR EACH ROW EXECUTE FUNCTION refuse()"
)


@dataclass(frozen=True, slots=True)
class Product:
    """A campaign with one buyer, in dispatch mode event. Pages mean its lead by LEAD and its workspace by SLUG."""

    campaign: Campaign
    lead: Lead
    directory: Path

    def distribute(self) -> str:
        """Run an attempt on the lead. Returns its result."""
        return str(distribute_lead(self.lead.pk).result)

    def schedule(self, lead_ids: Sequence[int]) -> None:
        due_at = datetime.now(UTC) - timedelta(minutes=3)
        schedule.put([Due(lead_id, self.lead.workspace_id, due_at) for lead_id in lead_ids])

    def add_leads(self, count: int, *, ago: timedelta) -> list[int]:
        moment = datetime.now(UTC) - ago
        return make_leads(self.campaign, count=count, received_at=moment, next_attempt_at=moment)


@contextmanager
def led(product: Product) -> Iterator[None]:
    write_leader_heartbeat(LEADER, epoch=3, path=DispatchPath.REDIS)
    send_heartbeat(product.directory, "dispatcher")
    yield


@contextmanager
def worked(_product: Product) -> Iterator[None]:
    workers.write_worker_heartbeat("celery@one")
    yield


@contextmanager
def reconciled(product: Product) -> Iterator[None]:
    send_heartbeat(product.directory, "beat")
    all_ran()
    yield


@contextmanager
def sold(product: Product) -> Iterator[None]:
    assert product.distribute() == "success"
    yield


@contextmanager
def without_beat(product: Product) -> Iterator[None]:
    all_ran(ago=timedelta(hours=4))
    age_heartbeat(product.directory, "beat")
    yield


@contextmanager
def without_leader(product: Product) -> Iterator[None]:
    """The leader hung five minutes ago."""
    write_leader_heartbeat(LEADER, epoch=3, path=DispatchPath.REDIS)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE routing_dispatchcontrol SET seen_at = seen_at - interval '5 minutes'")
    age_heartbeat(product.directory, "dispatcher")
    yield


def age_heartbeat(directory: Path, name: str) -> None:
    send_heartbeat(directory, name)
    moment = time.time() - 300
    os.utime(directory / "alive" / name, (moment, moment))


@contextmanager
def two_leaders(_product: Product) -> Iterator[None]:
    """One has the heartbeat in PostgreSQL, and the other the lease in Redis."""
    leader, _ = acquire_leadership(OTHER, lease_ms=600_000, least_epoch=0)
    assert leader is not None
    yield


@contextmanager
def one_worker_of_two(_product: Product) -> Iterator[None]:
    workers.write_worker_heartbeat("celery@one")
    workers.write_worker_heartbeat("celery@two", silent_seconds=60)
    yield


@contextmanager
def overdue_leads(product: Product) -> Iterator[None]:
    """They have not started, and are missing in Redis."""
    product.add_leads(20, ago=timedelta(minutes=3))
    yield


@contextmanager
def queued_leads(product: Product) -> Iterator[None]:
    """They wait in a ready queue that no worker consumes."""
    product.schedule(product.add_leads(120, ago=timedelta(minutes=3)))
    shards = settings.LEADSWITCH_READY_SHARDS
    others = set(range(shards)) - {shard_of(product.lead.workspace_id, shards=shards)}
    workers.write_worker_heartbeat("celery@one", shards=others)
    yield


@contextmanager
def due_retries(product: Product) -> Iterator[None]:
    """More than 500 leads met a busy wallet, and their next attempt was due three minutes ago."""
    lead_ids = product.add_leads(501, ago=timedelta(minutes=3))
    Lead.objects.filter(pk__in=lead_ids).update(attempts=1, skip_reason="tier_lock_contention")
    product.schedule(lead_ids)
    yield


@contextmanager
def contention(product: Product) -> Iterator[None]:
    """An attempt finds the wallet of the only buyer locked, and waits for its next attempt."""
    with holding(HOLD_WALLETS):
        assert product.distribute() == "retry"
    yield


@contextmanager
def refused_sales(product: Product) -> Iterator[None]:
    """PostgreSQL raises an error in the middle of each sale."""
    with changed(REFUSE_SALES, back="DROP FUNCTION refuse CASCADE"):
        assert product.distribute() == "retry"
        yield


@contextmanager
def timed_out_lock(product: Product) -> Iterator[None]:
    """An attempt does not get the buyer's row in time. The commit of a sale needs it."""
    with short_lock_timeout(), holding(HOLD_BUYERS):
        assert product.distribute() == "retry"
    yield


@contextmanager
def uncompilable(product: Product) -> Iterator[None]:
    """The definition of the campaign cannot be compiled."""
    Campaign.objects.filter(pk=product.campaign.pk).update(mode="by_favor")
    assert product.distribute() == "failed"
    yield


@contextmanager
def open_lock(product: Product) -> Iterator[None]:
    """A session locks the lead's row, and another waits for it."""
    with ThreadPoolExecutor(1) as threads, holding(HOLD_LEAD, [product.lead.pk]) as holder:
        blocked = threads.submit(lock_and_leave, product.lead.pk)
        wait_until_blocked()
        yield
        holder.rollback()
        blocked.result()


def lock_and_leave(lead_id: int) -> None:
    with another_connection() as other, other.cursor() as cursor:
        cursor.execute(HOLD_LEAD, [lead_id])


@contextmanager
def old_claims(product: Product) -> Iterator[None]:
    old = datetime.now(UTC) - timedelta(days=1)
    lead_ids = product.add_leads(11, ago=timedelta(days=1))
    Lead.objects.filter(pk__in=lead_ids).update(
        status="calling", next_attempt_at=None, locked_by="caller:1", locked_at=old
    )
    yield


@contextmanager
def failing_reconciler(_product: Product) -> Iterator[None]:
    """PostgreSQL refuses each repair of stale_locks, which last completed ten minutes ago."""
    with refusing_updates("routing_lead", errcode="P0001"):
        with pytest.raises(ProgrammingError, match="refused"):
            run_reconciler(find_reconciler("stale_locks"), fix=True)
        execute(
            "UPDATE routing_reconcilerrun SET done_at = done_at - interval '10 minutes' WHERE name = 'stale_locks'"
        )
        yield


@contextmanager
def late_canary(_product: Product) -> Iterator[None]:
    """It left five minutes ago, and no worker has returned it."""
    canary.send()
    execute("UPDATE routing_canary SET out_since = out_since - interval '5 minutes'")
    yield


@contextmanager
def lost_workers(product: Product) -> Iterator[None]:
    """One lead has lost as many workers as it may, and is parked. The lease of another has just expired."""
    Lead.objects.filter(pk=product.lead.pk).update(lost_leases=settings.LEADSWITCH_MAX_LOST_LEASES)
    lose_lease(product, product.lead.pk)
    run_reconciler(find_reconciler("inflight"), fix=True)
    product.lead.refresh_from_db()
    assert product.lead.skip_reason == "worker_lost"
    [lead_id] = product.add_leads(1, ago=timedelta(seconds=1))
    lose_lease(product, lead_id)
    yield


def lose_lease(product: Product, lead_id: int) -> None:
    with override_settings(LEADSWITCH_LEASE_SECONDS=0.001):
        product.schedule([lead_id])
        assert schedule.start([lead_id]) != [None]
        wait_until(lambda: len(schedule.find_expired(limit=2)) == 1, what="the end of a lease")


@contextmanager
def drifted_balance(_product: Product) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE distribution_wallet SET balance_cents = balance_cents + 100")
    yield


@contextmanager
def expired_leads(product: Product) -> Iterator[None]:
    lead_ids = product.add_leads(101, ago=timedelta(days=100))
    Lead.objects.filter(pk__in=lead_ids).update(attempts=3, skip_reason="all_buyers_capped")
    yield


@contextmanager
def duplicate(product: Product) -> Iterator[None]:
    earlier = product.lead.received_at - timedelta(seconds=1)
    Lead.objects.filter(pk=product.lead.pk).update(email_hash="the same")
    LeadFactory(source=product.lead.source, email_hash="the same", received_at=earlier)
    assert product.distribute() == "duplicate"
    yield


@contextmanager
def capped(product: Product) -> Iterator[None]:
    """The only buyer has reached its cap of the day with an earlier lead."""
    product.campaign.enrollments.update(cap_day=1)
    [earlier] = product.add_leads(1, ago=timedelta(minutes=1))
    assert distribute_lead(earlier).result == "success"
    assert product.distribute() == "deferred"
    yield


@contextmanager
def paused_workspace(product: Product) -> Iterator[None]:
    pauses.switch(product.lead.workspace_id, to=datetime.now(UTC), actor="ann", reason="a doubt")
    yield


@contextmanager
def stopped_redis(product: Product) -> Iterator[None]:
    with using_own_redis(product.directory) as paths:
        embedded_redis.stop(paths)
        yield


@contextmanager
def full_redis(product: Product) -> Iterator[None]:
    with (
        using_own_redis(product.directory),
        redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client,
        led(product),
        worked(product),
        refusing_writes(client),
    ):
        yield
