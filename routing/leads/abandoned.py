"""Ends attempts that no process runs: those of expired claims, expired leads, and leads that lost too many workers.

Writes the next states of many leads and the traces of their attempts in a few statements. A lead that a buyer has is
sold when no other buyer gets it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, cast

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from routing.dispatch.enqueue import enqueue_leads_after_commit
from routing.leads.attempt_log import AttemptLine, log_attempt
from routing.leads.decision_metrics import measure_wait
from routing.locks.attempts import after_pause
from routing.locks.leads_to_end import LeadToEnd
from routing.models import LeadStatus
from routing.retry import NextStep
from tracing.attempt_parts import AttemptEnd, AttemptHead
from tracing.models import AttemptResult, AttemptTrigger
from tracing.recorder import Recorder, new_attempt_id, write_many
from tracing.vocabulary import Event

# SQL, because one statement gives each lead of the batch its own values. The rows were read under their locks, which
# are still held, so the statement does not compare the state before.
END: Final = """
UPDATE routing_lead l
SET status = e.status, skip_reason = e.reason, attempts = l.attempts + 1, next_attempt_at = e.due_at,
    due_reason = CASE WHEN e.due_at IS NULL THEN '' ELSE e.reason END, paused_at = NULL,
    finished_at = CASE WHEN e.due_at IS NULL THEN %s::timestamptz END,
    conflicts = e.conflicts, errors = e.errors, locked_by = '', locked_at = NULL
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::int[], %s::int[])
    AS e(id, status, reason, due_at, conflicts, errors)
WHERE l.id = e.id
"""


# How many buyers have each of these leads, and the sum of their prices.
SoldHook = Callable[[Sequence[int]], Mapping[int, tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Abandoned:
    """How the attempt of a locked lead ends: finished as `status`, or pending again at the step's due time.

    `ended_by`: of a lead that is sold, why no other buyer gets it. `trigger`: what the attempt is the end of; None: a
    retry, or the first attempt. `campaign_id`: that decided it.
    """

    lead: LeadToEnd
    status: LeadStatus
    reason: str
    step: NextStep
    details: Mapping[str, Any] = field(default_factory=dict)  # go into the event of the trace
    event: Event = Event.FAILED
    cost_cents: int | None = None
    ended_by: str = ""
    trigger: AttemptTrigger | None = None
    campaign_id: int | None = None


def end_attempts(attempts: Sequence[Abandoned], *, at: datetime, owner: str) -> list[AttemptLine]:
    """Write leads and traces. Needs the transaction that holds the leads' locks.

    The trace names `owner` as the worker of an attempt without a claim. Enqueues each lead on commit. Returns the lines
    to log after the commit (log_attempts). The leads are written even if a trace cannot be.
    """
    if not attempts:
        return []
    attempts = _end_sold(attempts)
    with connection.cursor() as cursor:
        cursor.execute(
            END,
            [
                at,
                [each.lead.id for each in attempts],
                [each.status.value for each in attempts],
                [each.reason for each in attempts],
                [each.step.due_at for each in attempts],
                [each.step.tries.conflicts for each in attempts],
                [each.step.tries.errors for each in attempts],
            ],
        )
    enqueue_leads_after_commit(*(each.lead.id for each in attempts))
    traces = [_trace(each, at=at, owner=owner) for each in attempts]
    write_many(traces)
    return [
        AttemptLine(
            lead_id=each.lead.public_id,
            attempt_id=recorder.head.id,
            result=end.result,
            skip_reason=end.skip_reason,
            attempts=recorder.head.number,
            owner=recorder.head.worker,
            duration_ms=end.duration_ms,
            source_workspace_id=each.lead.source_workspace_id,
            destination_workspace_id=each.lead.workspace_id,
            waited=measure_wait(each.lead, decided_at=at),
            is_test=each.lead.is_test,
            ended_by=each.ended_by,
        )
        for each, (recorder, end) in zip(attempts, traces, strict=True)
    ]


def _is_sold(attempt: Abandoned) -> bool:
    return attempt.lead.is_partly_sold and attempt.step.due_at is None


def _end_sold(attempts: Sequence[Abandoned]) -> list[Abandoned]:
    """A lead that a buyer has ends as sold."""
    lead_ids = [each.lead.id for each in attempts if _is_sold(each)]
    if not lead_ids:
        return list(attempts)
    read_sold = cast("SoldHook", import_string(settings.LEADSWITCH_SOLD_HOOK))
    sold = read_sold(lead_ids)
    return [_end_as_sold(each, *sold[each.lead.id]) if _is_sold(each) else each for each in attempts]


def _end_as_sold(attempt: Abandoned, buyers: int, cents: int) -> Abandoned:
    """The reason becomes why no other buyer gets the lead."""
    test = {"is_test": True} if attempt.lead.is_test else {}
    return replace(
        attempt,
        status=LeadStatus.DISTRIBUTED,
        reason="",
        step=replace(attempt.step, result=AttemptResult.SUCCESS),
        details={**attempt.details, "buyers": buyers, "ended_by": attempt.reason, **test},
        event=Event.DISTRIBUTED,
        cost_cents=cents,
        ended_by=attempt.reason,
    )


def log_attempts(lines: Sequence[AttemptLine]) -> None:
    for line in lines:
        log_attempt(line)


def _trace(attempt: Abandoned, *, at: datetime, owner: str) -> tuple[Recorder, AttemptEnd]:
    """An attempt under a claim starts with the claim. Any other attempt has no duration."""
    lead, due_at = attempt.lead, attempt.step.due_at
    started_at = min(lead.locked_at or at, at)
    recorder = Recorder(
        AttemptHead(
            id=new_attempt_id(),
            lead_id=lead.id,
            number=lead.attempts + 1,
            trigger=_find_trigger(attempt).value,
            source_workspace_id=lead.source_workspace_id,
            started_at=started_at,
            worker=lead.locked_by or owner,
            received_at=after_pause(lead.received_at, lead.resumed_at),
            due_at=lead.due_since,
            is_test=lead.is_test,
        )
    )
    result = attempt.step.result
    due = {"due_at": due_at.isoformat() if due_at else None} if attempt.event == Event.FAILED else {}
    recorder.add(
        attempt.event,
        outcome=result,
        reason=attempt.reason,
        cost_cents=attempt.cost_cents,
        data={**attempt.details, **due},
    )
    end = AttemptEnd(
        result=result,
        finished_at=at,
        duration_ms=round((at - started_at).total_seconds() * 1000, 3),
        skip_reason=attempt.reason,
        transient=due_at is not None,
        next_attempt_at=due_at,
        destination_workspace_id=lead.workspace_id,
        campaign_id=attempt.campaign_id,
    )
    return recorder, end


def _find_trigger(attempt: Abandoned) -> AttemptTrigger:
    if attempt.trigger is not None:
        return attempt.trigger
    return AttemptTrigger.RETRY if attempt.lead.attempts else AttemptTrigger.INGEST
