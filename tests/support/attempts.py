"""Attempts without a lead, for what only counts them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from uuid6 import uuid7

from tracing.admin.days import first_id_at
from tracing.models import Attempt

LEADS = count(1_000_000)
MILLISECONDS_FROM_BIT = 80


def add_attempt(
    started_at: datetime,
    *,
    workspace_id: int = 7,
    result: str = "success",
    lead_id: int | None = None,
    number: int = 1,
    took_ms: float = 20.0,
    due_seconds: float | None = None,
    received_seconds: float | None = None,
    **more: Any,
) -> Attempt:
    """`due_seconds`, `received_seconds`: how long before the attempt's end the lead was due, and received."""
    finished_at = started_at + timedelta(milliseconds=took_ms)
    times = {
        name: None if seconds is None else finished_at - timedelta(seconds=seconds)
        for name, seconds in (("due_at", due_seconds), ("received_at", received_seconds))
    }
    lead_id = lead_id or next(LEADS)
    if result == "duplicate":
        more = {"first_lead_id": lead_id - 1, **more}
    return Attempt.objects.create(
        id=id_at(started_at),
        lead_id=lead_id,
        number=number,
        trigger="ingest",
        source_workspace_id=workspace_id,
        destination_workspace_id=workspace_id,
        result=result,
        started_at=started_at,
        finished_at=finished_at,
        duration_ms=took_ms,
        **times,
        **more,
    )


def id_at(at: datetime) -> UUID:
    """A UUID of version 7 as a process would have made it at that time."""
    rest = uuid7().int & ((1 << MILLISECONDS_FROM_BIT) - 1)
    return UUID(int=first_id_at(at).int | rest)


OUTCOMES: dict[tuple[str, str], float] = {
    ("success", ""): 50,
    ("unsold", "no_eligible_buyers"): 25,
    ("duplicate", "duplicate_lead"): 9,
    ("deferred", "all_buyers_capped"): 10,
    ("retry", "database_timeout"): 4,
    ("failed", "internal_error"): 0.3,
    ("expired", "lead_expired"): 1.5,
}


def add_many_attempts(now: datetime, *, workspace_ids: Sequence[int], number: int = 900) -> None:
    """A week of attempts with a daily rhythm, the same in each call."""
    chance, outcomes = Random(7), list(OUTCOMES)
    for _ in range(number):
        at = now - timedelta(hours=chance.uniform(0, 167))
        if 8 <= at.hour < 20 or chance.random() < 0.2:
            [(result, skip_reason)] = chance.choices(outcomes, weights=list(OUTCOMES.values()))
            waited = chance.lognormvariate(-2, 1.2)
            add_attempt(
                at,
                workspace_id=chance.choices(workspace_ids, weights=range(len(workspace_ids), 0, -1))[0],
                result=result,
                skip_reason=skip_reason,
                transient=result == "retry",
                due_seconds=waited,
                received_seconds=waited + chance.expovariate(20),
                took_ms=chance.lognormvariate(3, 0.6),
            )
