"""What became of the leads of a run, from the database and the product's log."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.db import connection

from tests.load.plan import Phase, phase_spans

# A decision is an attempt whose result is not `retry`. The first one counts.
LEADS: Final = """
SELECT (l.attributes ->> 'number')::bigint, extract(epoch FROM l.received_at), extract(epoch FROM a.finished_at),
    coalesce(a.result, ''), l.status
FROM routing_lead l LEFT JOIN LATERAL (
    SELECT finished_at, result FROM tracing_attempt a
    WHERE a.lead_id = l.id AND a.result <> 'retry' ORDER BY a.number LIMIT 1
) a ON true
"""
UNDECIDED: Final = "SELECT EXISTS (SELECT FROM routing_lead WHERE status IN ('pending', 'calling'))"
RETRIES_DUE: Final = """
SELECT count(*) FROM routing_lead WHERE status = 'pending' AND attempts > 0 AND next_attempt_at <= clock_timestamp()
"""
RETRIED: Final = "SELECT count(*) FROM tracing_attempt WHERE result = 'retry'"
# The product's own failures.
FAILED: Final = "failed"
SUCCESS: Final = "success"


@dataclass(frozen=True, slots=True)
class Decided:
    """One stored lead. `decided_at` and `result` are empty while no attempt has decided it."""

    number: int
    received_at: float
    decided_at: float | None
    result: str
    status: str

    @property
    def wait_ms(self) -> float | None:
        return None if self.decided_at is None else (self.decided_at - self.received_at) * 1000


def read_leads() -> list[Decided]:
    with connection.cursor() as cursor:
        cursor.execute(LEADS)
        return [
            Decided(number, float(received), None if decided is None else float(decided), result, status)
            for number, received, decided, result, status in cursor.fetchall()
        ]


def is_undecided() -> bool:
    return bool(_value(UNDECIDED))


def count_retries_due() -> int:
    return int(_value(RETRIES_DUE))


def count_retried() -> int:
    return int(_value(RETRIED))


def count_lock_failures(log: Path) -> Mapping[str, int]:
    """Count `routing.lock.failed` in the product's log, by what happened to the lock."""
    counts = {"busy": 0, "timed_out": 0}
    with log.open(errors="replace") as lines:
        for line in lines:
            if "routing.lock.failed" in line:
                outcome = str(json.loads(line[line.index("{") :]).get("lock"))
                counts[outcome] = counts.get(outcome, 0) + 1
    return counts


def find_recovery_seconds(
    leads: Sequence[Decided], phase: Phase, phases: Sequence[Phase], *, started_at: float
) -> float:
    """Return how long after the end of a phase the last of its leads was decided. Negative times are 0."""
    begin, end = phase_spans(phases)[phases.index(phase)]
    last = max(
        (
            lead.decided_at
            for lead in leads
            if lead.decided_at is not None and begin <= lead.received_at - started_at < end
        ),
        default=0.0,
    )
    return max(0.0, last - started_at - end)


def _value(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    assert row is not None
    return row[0]
