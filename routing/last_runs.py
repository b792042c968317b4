"""When each reconciler last completed, in PostgreSQL: without beat none runs, and no other process notices.

Read by the status command and page of the dispatch, by /readyz, and by the leading dispatcher for the metrics.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection

from tracing.reconciling import LONGEST_RUN_SECONDS, Counts

# A run may wait in the queue of the workers, and takes a while itself.
LATE_AFTER_PERIODS: Final = 3

# A reconciler that has never run counts from the first run of any. In one order: two processes may insert at once.
KNOW: Final = """
INSERT INTO routing_reconcilerrun (name, known_at)
SELECT name, clock_timestamp() FROM unnest(%s::text[]) AS name ORDER BY name
ON CONFLICT (name) DO NOTHING
"""
WRITE: Final = """
UPDATE routing_reconcilerrun
SET started_at = statement_timestamp() - make_interval(secs => %(took)s), ended_at = statement_timestamp(),
    done_at = CASE WHEN %(failure)s = '' THEN statement_timestamp() ELSE done_at END,
    checked = %(checked)s, repaired = %(repaired)s, skipped = %(skipped)s, failure = %(failure)s
WHERE name = %(name)s
"""
READ: Final = """
SELECT name, clock_timestamp() - COALESCE(done_at, known_at), done_at IS NOT NULL, failure, checked, repaired, skipped,
    ended_at - started_at
FROM routing_reconcilerrun WHERE name = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class LastRun:
    """`age_seconds`: since its last completed run, manual or by beat; if it has never run, since the first run of any
    reconciler; None: none has run. `failure`: the error that ended the last run, "" for none."""

    name: str
    period_seconds: int
    age_seconds: float | None = None
    has_run: bool = False
    failure: str = ""
    checked: int = 0
    repaired: int = 0
    skipped: int = 0
    took_seconds: float | None = None

    @property
    def is_late(self) -> bool:
        if self.age_seconds is None:
            return True
        return self.age_seconds > LATE_AFTER_PERIODS * self.period_seconds + LONGEST_RUN_SECONDS

    @property
    def is_ok(self) -> bool:
        return not (self.is_late or self.failure)


def record_run(name: str, counts: Counts, *, took_seconds: float, failure: str = "") -> None:
    """Store how a run that repairs ended."""
    with connection.cursor() as cursor:
        cursor.execute(KNOW, [sorted({*settings.LEADSWITCH_RECONCILERS, name})])
        cursor.execute(
            WRITE,
            {
                "name": name,
                "took": took_seconds,
                "failure": failure,
                "checked": counts.checked,
                "repaired": counts.repaired,
                "skipped": counts.skipped,
            },
        )


def read_runs() -> Sequence[LastRun]:
    """Return the last run of every reconciler in the settings, in their order. One statement."""
    periods = {name: period for name, (_, period) in settings.LEADSWITCH_RECONCILERS.items()}
    with connection.cursor() as cursor:
        cursor.execute(READ, [list(periods)])
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    return [
        _last_run(name, period, rows[name]) if name in rows else LastRun(name, period)
        for name, period in periods.items()
    ]


def _last_run(
    name: str,
    period_seconds: int,
    row: tuple[timedelta, bool, str, int, int, int, timedelta | None],
) -> LastRun:
    age, has_run, failure, checked, repaired, skipped, took = row
    return LastRun(
        name=name,
        period_seconds=period_seconds,
        age_seconds=age.total_seconds(),
        has_run=has_run,
        failure=failure,
        checked=checked,
        repaired=repaired,
        skipped=skipped,
        took_seconds=None if took is None else took.total_seconds(),
    )
