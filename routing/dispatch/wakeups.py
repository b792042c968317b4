"""Wakes the leads that a change did not wake itself, and reports how many leads it concerns.

The change itself wakes the first 200, in its own transaction (routing.models.wakeup). The rest follow here, batch by
batch, at a limited rate: a hundred thousand leads must not start at once (docs/decisions/0021).
"""

from typing import Final

from django.conf import settings
from django.db import connection, transaction

from routing.dispatch.enqueue import after_commit, enqueue_leads_after_commit
from routing.dispatch.publish import send_wake

# No setting: the count that a person reads. The triggers stop there too.
MAX_COUNTED: Final = 10_000
# An attempt that read the old definition may end this much later, with a reason that the change removed.
LONGEST_ATTEMPT_SECONDS: Final = 30
# No setting: attempts store the cause, so no statement reads older rows.
RETENTION_DAYS: Final = 7
RECONCILE: Final = "routing.reconcile"

FOLLOW_SETTINGS: Final = """
INSERT INTO routing_dispatchcontrol AS control (id, wake_hours, wake_leads_per_second)
VALUES (1, %(hours)s, %(leads)s)
ON CONFLICT (id) DO UPDATE
SET wake_hours = excluded.wake_hours, wake_leads_per_second = excluded.wake_leads_per_second
WHERE (control.wake_hours, control.wake_leads_per_second)
    <> (excluded.wake_hours, excluded.wake_leads_per_second)
"""
# The oldest of each workspace, then the second of each, and so on.
OPEN: Final = """
SELECT id, workspace_id FROM routing_wakeup WHERE done_at IS NULL
ORDER BY row_number() OVER (PARTITION BY workspace_id ORDER BY id), id
LIMIT %s
"""
WAITING: Final = """
SELECT count(*), COALESCE(sum(routing_count_waiting(w, %s)), 0) FROM routing_wakeup w WHERE done_at IS NULL
"""
LOCK: Final = "SELECT lead_ids FROM routing_wakeup WHERE id = %s AND done_at IS NULL FOR NO KEY UPDATE"
WAKE: Final = "SELECT routing_wake_batch(w, %s, %s) FROM routing_wakeup w WHERE id = %s"
WRITE: Final = """
UPDATE routing_wakeup
SET woken = woken + %(found)s, lead_ids = '{}', swept_at = COALESCE(swept_at, clock_timestamp()),
    done_at = CASE WHEN %(found)s = 0 AND swept_at < clock_timestamp() - make_interval(secs => %(attempt)s)
        THEN clock_timestamp() END
WHERE id = %(id)s
"""
# A lead stores the number of the latest change that woke it. The attempt after a newer change did not see an older one
# whose transaction was still open. So the older one gets a number above the newer one's.
RENUMBER: Final = """
WITH late AS (
    UPDATE routing_wakeup w
    SET done_at = clock_timestamp(), swept_at = clock_timestamp(), lead_ids = '{}'
    WHERE id = %s AND swept_at IS NULL AND EXISTS (
        SELECT FROM routing_wakeup k
        WHERE k.id > w.id AND k.workspace_id = w.workspace_id AND k.transaction <> w.transaction
            AND NOT pg_visible_in_snapshot(w.transaction::text::xid8, NULLIF(k.snapshot, '')::pg_snapshot)
    )
    RETURNING w.*
)
INSERT INTO routing_wakeup (
    cause, workspace_id, campaign_id, buyer_id, verticals, sources, reasons, hours, transaction, snapshot, created_at
)
SELECT cause, workspace_id, campaign_id, buyer_id, verticals, sources, reasons, hours, transaction,
    pg_current_snapshot()::text, created_at
FROM late RETURNING id
"""
FORGET: Final = (
    "DELETE FROM routing_wakeup WHERE done_at < clock_timestamp() - make_interval(days => %(days)s)"
)
# How many leads the changes of the open transaction have matched.
COUNT_HERE: Final = """
SELECT COALESCE(sum(most), 0)::bigint FROM (
    SELECT max(matched) AS most FROM routing_wakeup
    WHERE transaction = pg_current_xact_id_if_assigned()::text::bigint
    GROUP BY workspace_id
) each
"""


def follow_settings() -> None:
    """Copy the settings to the database, whose triggers and routing_wake_batch read them."""
    values = {
        "hours": settings.LEADSWITCH_WAKE_MAX_AGE_HOURS,
        "leads": settings.LEADSWITCH_TUNING.wakeup_leads_per_second,
    }
    with connection.cursor() as cursor:
        cursor.execute(FOLLOW_SETTINGS, values)


def list_open(*, limit: int) -> list[tuple[int, int]]:
    """Return (change, workspace) of changes that may have leads to wake, the oldest of each workspace first."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, [limit])
        return [(change, workspace_id) for change, workspace_id in cursor.fetchall()]


def count_open() -> tuple[int, int]:
    """Return how many changes are open, and how many leads they would wake."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [MAX_COUNTED + 1])
        changes, leads = cursor.fetchone()
    return int(changes), int(leads)


def leads_per_run() -> int:
    """How many leads a run may wake: its spread ends before that of the next run begins."""
    _, period_seconds = settings.LEADSWITCH_RECONCILERS["wakeups"]
    return int(settings.LEADSWITCH_TUNING.wakeup_leads_per_second * period_seconds)


def wake_batch(wakeup_id: int, *, count: int, placed: int) -> int:
    """Wake up to `count` leads of a change, the first of them `placed` places behind the run's first. Returns how many.

    Enqueues them after the commit, and those that the change itself has woken. Locked leads are left for the next
    run.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(LOCK, [wakeup_id])
        row = cursor.fetchone()
        if row is None:
            return 0
        cursor.execute(RENUMBER, [wakeup_id])
        [number] = cursor.fetchone() or [wakeup_id]
        cursor.execute(WAKE, [count, placed, number])
        found: list[int] = cursor.fetchone()[0]
        cursor.execute(WRITE, {"found": len(found), "attempt": LONGEST_ATTEMPT_SECONDS, "id": number})
        if row[0] or found:
            enqueue_leads_after_commit(*row[0], *found)
    return len(found)


def forget_old() -> None:
    """Delete old changes. Attempts store their cause, so no explanation is lost."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"days": RETENTION_DAYS})


def describe_woken() -> str:
    """A sentence on how many leads the open transaction's changes will have tried again; "" for none.

    Enqueues the rest after the commit. Needs the transaction of the changes.
    """
    with connection.cursor() as cursor:
        cursor.execute(COUNT_HERE)
        matched = int(cursor.fetchone()[0])
    if not matched:
        return ""
    after_commit(lambda: send_wake(RECONCILE, args=["wakeups"]))
    if matched == 1:
        return "1 lead that was not sold will be tried again."
    more = "More than " if matched > MAX_COUNTED else ""
    return f"{more}{min(matched, MAX_COUNTED):,} leads that were not sold will be tried again."
