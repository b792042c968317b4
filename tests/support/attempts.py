"""Attempts without a lead, for what only counts them."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tracing.models import Attempt
from tracing.recorder import new_attempt_id

LEADS = count(1_000_000)


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
        id=new_attempt_id(),
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
