"""`python -m tests.bench.dispatch.child`: a process of the bench that takes requests on its stdin.

It sends leads, fills the schedule and reads the results.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from random import Random
from secrets import token_hex
from typing import Any, Final

import django

if __name__ == "__main__":
    django.setup()

from celery import current_app
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from distribution.attempts.worker import freeze_startup_objects
from routing.dispatch import schedule
from routing.dispatch.backlog import BacklogScan, scan_all
from routing.dispatch.enqueue import enqueue_leads_after_commit, publish
from routing.dispatch.publish import PROCESS_LEADS, publish_ready
from routing.dispatch.schedule import LEADS_PER_CALL, Due
from routing.dispatch.sizes import read_sizes
from routing.intake.parse import CleanLead
from routing.intake.store import store_lead
from routing.models import DispatchMode, Lead, LeadStatus, Source, Workspace
from routing.queries import DueTime
from routing.reconcile.schedule import run as reconcile_schedule
from routing.redis.client import get_client
from routing.redis.keys import pace_key, schedule_of, shard_of
from tests.bench.dataset import Pool, build_pool
from tests.bench.dispatch.plan import (
    BACKLOG_WORKSPACES,
    BUYERS,
    COUNTDOWN,
    DELAYED,
    EVENT,
    IMMEDIATE,
)
from tests.bench.worker import serve

LEADS_PER_BATCH: Final = 1_000
SECONDS_PER_CLAIM: Final = 30
SECONDS_PILED: Final = 600
# The whole backlog is due by this time. Other leads are due later.
SECONDS_LOOKED_AT: Final = 3_600

# Leads of other workspaces, due at a time far from now.
FILL: Final = """
INSERT INTO routing_lead (
    public_id, workspace_id, source_workspace_id, source_id, external_id, first_name, last_name, email, phone, address,
    email_hash, phone_hash, zip, city, county, state, country, vertical, attributes, consent, status, skip_reason,
    attempts, next_attempt_at, due_reason, received_at, expires_at
)
SELECT gen_random_uuid(), w.id, w.id, s.id, '', '', '', '', '', '', md5('e' || w.slug || n), md5('p' || w.slug || n),
    '30312', 'Atlanta', 'Fulton County', 'GA', 'US', 'none', '{}', '{}', 'pending', '', 0,
    now() + %(due_in)s * interval '1 second' + n * interval '1 ms', '', now() - interval '1 hour',
    now() + interval '2 years'
FROM generate_series(1, %(count)s) AS n
JOIN (SELECT id, slug, row_number() OVER (ORDER BY id) - 1 AS place FROM routing_workspace WHERE slug LIKE %(slugs)s) w
    ON w.place = n %% %(workspaces)s
JOIN routing_source s ON s.workspace_id = w.id
"""
DUE_AGAIN: Final = "UPDATE routing_lead SET next_attempt_at = %s WHERE id = %s"
# The hand-written loop: claim the next leads for a while, and publish them.
CLAIM: Final = """
UPDATE routing_lead SET next_attempt_at = now() + interval '1 year' + %s * interval '1 second'
WHERE id IN (
    SELECT id FROM routing_lead
    WHERE status = 'pending' AND paused_at IS NULL AND next_attempt_at <= now()
    ORDER BY next_attempt_at, id LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING id, workspace_id
"""
STARTED: Final = """
SELECT lead_id, extract(epoch FROM started_at)::float8 FROM tracing_attempt WHERE lead_id = ANY(%s) AND number = 1
"""


class Child:
    """The requests of the bench. Each answer is one JSON object."""

    def __init__(self) -> None:
        self._pool: Pool | None = None
        self._random = Random(1)

    def migrate(self) -> Mapping[str, Any]:
        call_command("migrate", verbosity=0, interactive=False)
        return {}

    def build(self) -> Mapping[str, Any]:
        self._pool = build_pool(BUYERS)
        for number in range(BACKLOG_WORKSPACES):
            workspace = Workspace.objects.create(
                slug=f"backlog-{number}", name=f"Backlog {number}", dispatch_mode=DispatchMode.EVENT
            )
            Source.objects.create(workspace=workspace, name="form")
        return {}

    def use(self, contender: str) -> Mapping[str, Any]:
        """From now on, let this contender start the leads of the selling workspace."""
        mode = DispatchMode.EVENT if contender == EVENT else DispatchMode.POLL
        Workspace.objects.filter(slug="bench").update(dispatch_mode=mode)
        Workspace.objects.exclude(slug="bench").update(dispatch_mode=DispatchMode.EVENT)
        return {}

    def analyze(self) -> Mapping[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return {}

    # --- traffic ---

    def send(
        self, contender: str, rate: int, seconds: float, shortest_delay: float, longest_delay: float
    ) -> Mapping[str, Any]:
        """Store leads at this rate through the product's intake, every second one due later. [id, due, kind]..."""
        source = Source.objects.select_related("workspace").get(workspace__slug="bench")
        take = _by_countdown if contender == COUNTDOWN else _by_product
        began, sent = time.monotonic(), []
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            delay = self._random.uniform(shortest_delay, longest_delay) if number % 2 else 0.0
            due = take(_lead(f"roofing_{BUYERS}"), source, delay)
            assert due.due_at is not None
            sent.append([due.lead_id, due.due_at.timestamp(), DELAYED if delay else IMMEDIATE])
        return {"sent": sent, "seconds": time.monotonic() - began}

    def read_started(self, ids: Sequence[int]) -> Mapping[str, Any]:
        """When each lead's first attempt began, by the database's clock. Leads without an attempt are left out."""
        with connection.cursor() as cursor:
            cursor.execute(STARTED, [list(ids)])
            return {"started": cursor.fetchall()}

    def pile_up(self, contender: str, count: int) -> Mapping[str, Any]:
        """Give another workspace of the same shard `count` due leads that no buyer wants."""
        workspace = self._neighbor()
        mode = DispatchMode.EVENT if contender == EVENT else DispatchMode.POLL
        Workspace.objects.filter(pk=workspace.pk).update(dispatch_mode=mode)
        self._insert(count, slugs=workspace.slug, workspaces=1, due_in=-SECONDS_PILED)
        until = timezone.now()
        leads = BacklogScan(mode, [workspace.pk]).read_page(until=until, count=count)
        if contender == EVENT:
            publish(schedule.put(leads), path="put")
        elif contender == COUNTDOWN:
            for lead in leads:
                current_app.send_task(PROCESS_LEADS, args=[[lead.lead_id]])
        return {}

    def count_piled(self) -> Mapping[str, Any]:
        waiting = Lead.objects.filter(
            workspace=self._neighbor(), status=LeadStatus.PENDING, next_attempt_at__lte=timezone.now()
        )
        return {"count": waiting.count()}

    def _neighbor(self) -> Workspace:
        shards = settings.LEADSWITCH_READY_SHARDS
        shard = shard_of(Workspace.objects.get(slug="bench").pk, shards=shards)
        others = Workspace.objects.filter(slug__startswith="backlog-").order_by("pk")
        return next(each for each in others if shard_of(each.pk, shards=shards) == shard)

    # --- the schedule ---

    def fill(self, count: int, due_in: float, workspaces: int = BACKLOG_WORKSPACES) -> Mapping[str, Any]:
        """Insert leads into `workspaces` of the backlog's workspaces, due from `due_in` on. Redis is not updated."""
        self._insert(count, slugs="backlog-%", workspaces=workspaces, due_in=due_in)
        return {}

    def _insert(self, count: int, *, slugs: str, workspaces: int, due_in: float) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")  # inserting a million rows takes a while
            values: dict[str, int | float | str] = {
                "count": count,
                "due_in": due_in,
                "workspaces": workspaces,
                "slugs": slugs,
            }
            cursor.execute(FILL, values)
            cursor.execute("ANALYZE routing_lead")

    def flush(self) -> Mapping[str, Any]:
        """Empty the bench's Redis database."""
        get_client(60.0).flushdb()
        return {}

    def put_backlog(self) -> Mapping[str, Any]:
        """Put every waiting lead into the schedule. Returns how many, and the seconds spent in put."""
        count, seconds, scan = 0, 0.0, scan_all(DispatchMode.EVENT)
        while not scan.is_finished:
            leads = scan.read_page(count=LEADS_PER_CALL * 10)
            seconds += _clock(partial(schedule.put, leads))
            count += len(leads)
        return {"count": count, "seconds": seconds}

    def put_alone(self, count: int, first_id: int) -> Mapping[str, Any]:
        """Put leads one per call, as the intake does. They are due next year."""
        workspaces = self._backlog_ids()
        due_at = timezone.now() + timedelta(days=365)
        leads = [Due(first_id + n, workspaces[n % len(workspaces)], due_at) for n in range(count)]

        def put_each() -> None:
            for lead in leads:
                schedule.put([lead])

        seconds = _clock(put_each)
        schedule.withdraw([(lead.lead_id, lead.workspace_id) for lead in leads])
        return {"count": count, "seconds": seconds}

    def put_due(self, count: int, first_id: int, due_in: float) -> Mapping[str, Any]:
        """Put leads that are all due at one instant. Returns how many seconds are left until then.

        No worker starts them: the measured rate of the queues is deleted.
        """
        get_client(60.0).delete(pace_key())
        workspaces = self._backlog_ids()
        due_at = timezone.now() + timedelta(seconds=due_in)
        schedule.put([Due(first_id + n, workspaces[n % len(workspaces)], due_at) for n in range(count)])
        return {"seconds": (due_at - timezone.now()).total_seconds()}

    def read_sizes(self) -> Mapping[str, Any]:
        sizes = read_sizes()
        return {"waiting": sizes.waiting, "overdue": sizes.overdue, "inflight": sizes.inflight}

    def read_memory(self) -> Mapping[str, Any]:
        return {"bytes": int(get_client(60.0).info("memory")["used_memory"])}

    # --- the other contenders ---

    def publish_later(self, count: int, seconds: float) -> Mapping[str, Any]:
        """Publish messages with a countdown, the usual way without a schedule."""

        def publish() -> None:
            for number in range(count):
                current_app.send_task(PROCESS_LEADS, args=[[-number]], countdown=seconds)

        return {"seconds": _clock(publish)}

    def poll_by_hand(self, most: int) -> Mapping[str, Any]:
        """Claim due leads from PostgreSQL and publish them as fast as possible."""
        moved, began = 0, time.monotonic()
        while moved < most:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(CLAIM, [SECONDS_PER_CLAIM, LEADS_PER_BATCH])
                claimed = cursor.fetchall()
            if not claimed:
                break
            publish_ready(
                [
                    schedule.Dispatched(
                        lead, workspace, shard_of(workspace, shards=settings.LEADSWITCH_READY_SHARDS), 0
                    )
                    for lead, workspace in claimed
                ]
            )
            moved += len(claimed)
        return {"moved": moved, "seconds": time.monotonic() - began}

    # --- restoring the backlog ---

    def reconcile(self) -> Mapping[str, Any]:
        """Restore the schedule. Returns the seconds it took, and how many leads are due in each second after it."""
        began_ms, before = schedule.to_ms(timezone.now()), time.monotonic()
        counts = reconcile_schedule(fix=True, limit=10_000_000)
        seconds = time.monotonic() - before
        client, bins = get_client(60.0), Counter[int]()
        for workspace_id in self._backlog_ids():
            until_ms = began_ms + SECONDS_LOOKED_AT * 1000
            scores: Any = client.zrange(
                schedule_of(workspace_id), "-inf", until_ms, byscore=True, withscores=True
            )
            bins.update(int((score - began_ms) // 1000) for _, score in scores)
        early = sum(count for second, count in bins.items() if second < 0)
        return {
            "repaired": counts.repaired,
            "seconds": seconds,
            "early": early,
            "by_second": [bins[second] for second in range(max(bins, default=0) + 1)],
            "straight": read_sizes().inflight,
        }

    def _backlog_ids(self) -> list[int]:
        return list(
            Workspace.objects.filter(slug__startswith="backlog-").order_by("pk").values_list("pk", flat=True)
        )


def _clock(call: Callable[[], object]) -> float:
    before = time.monotonic()
    call()
    return time.monotonic() - before


def _lead(vertical: str) -> CleanLead:
    return CleanLead(
        first_name="Test",
        last_name="Person",
        email=f"{token_hex(8)}@example.com",
        phone=None,
        address=None,
        city="Atlanta",
        state="GA",
        county="Fulton County",
        country="US",
        zip="30312",
        vertical=vertical,
        attributes={"roof_age": 12, "property_type": "residential"},
        consent=None,
        external_id=None,
    )


def _by_product(lead: CleanLead, source: Source, delay: float) -> DueTime:
    if not delay:
        taken = store_lead(lead, source=source, channel="bench")
        return DueTime(taken.lead_id, source.workspace_id, source.workspace.dispatch_mode, taken.due_at)
    with transaction.atomic():
        due = _store_for_later(lead, source, delay)
        enqueue_leads_after_commit(due.lead_id)
    return due


def _by_countdown(lead: CleanLead, source: Source, delay: float) -> DueTime:
    """The usual way without a schedule: the broker delays the messages."""
    if delay:
        with transaction.atomic():
            due = _store_for_later(lead, source, delay)
        current_app.send_task(PROCESS_LEADS, args=[[due.lead_id]], countdown=delay)
        return due
    taken = store_lead(lead, source=source, channel="bench", is_woken=False)
    current_app.send_task(PROCESS_LEADS, args=[[taken.lead_id]])
    return DueTime(taken.lead_id, source.workspace_id, DispatchMode.POLL, taken.due_at)


def _store_for_later(lead: CleanLead, source: Source, delay: float) -> DueTime:
    taken = store_lead(lead, source=source, channel="bench", is_woken=False)
    due_at = taken.due_at + timedelta(seconds=delay)
    with connection.cursor() as cursor:
        cursor.execute(DUE_AGAIN, [due_at, taken.lead_id])
    return DueTime(taken.lead_id, source.workspace_id, source.workspace.dispatch_mode, due_at)


if __name__ == "__main__":
    freeze_startup_objects()
    serve(Child())
