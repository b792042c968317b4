"""Spans of the worker: one for each lead of a message, and in it one for the attempt. Ids, codes and counts only."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from distribution.attempts.attempt import RunningAttempt
from distribution.attempts.outcome import AttemptOutcome
from distribution.attempts.record import AttemptRecord
from routing.dispatch import span_contexts
from routing.dispatch.canary import is_canary
from routing.leads.attempt_log import LOCK_REASONS
from routing.spans import Spans
from tracing.models import AttemptResult

# Followed by "." and the code of a skip reason.
SKIPPED: Final = "leadswitch.skipped"


class Process(Protocol):
    def __call__(self, lead_id: int, /, *, is_leased: bool) -> None: ...


def process_in_spans(spans: Spans, lead_ids: Sequence[int], process: Process) -> Process:
    """Return `process` with a span around each lead, in the distributed trace of the request that enqueued it."""
    contexts = span_contexts.read(lead_ids)

    def process_in_span(lead_id: int, /, *, is_leased: bool) -> None:
        if is_canary(lead_id):
            process(lead_id, is_leased=is_leased)
            return
        with spans.process_lead(contexts.get(lead_id, ""), lead_id=lead_id):
            process(lead_id, is_leased=is_leased)

    return process_in_span


def run_in_span(
    spans: Spans, attempt: RunningAttempt, run: Callable[[RunningAttempt], AttemptOutcome]
) -> AttemptOutcome:
    with spans.attempt() as span:
        outcome = run(attempt)
        span.describe(dict(list_attributes(outcome, attempt.record)))
        if is_failure(outcome):
            cause = attempt.record.cause if attempt.record is not None else ""
            span.fail(cause or outcome.skip_reason)
        return outcome


def list_attributes(outcome: AttemptOutcome, record: AttemptRecord | None) -> Iterator[tuple[str, str | int]]:
    """Without an attempt: why none ran. The lead's public id is missing if no lead was locked."""
    if outcome.public_id is not None:
        yield "leadswitch.lead.id", str(outcome.public_id)
    if outcome.not_run is not None:
        yield "leadswitch.attempt.not_run", outcome.not_run.value
        return
    yield "leadswitch.attempt.id", str(outcome.attempt_id)
    yield "leadswitch.attempt.result", outcome.result
    yield "leadswitch.attempt.skip_reason", outcome.skip_reason
    yield "leadswitch.attempt.buyers", len(outcome.assignments)
    if record is not None:
        yield "leadswitch.attempt.number", record.trace.head.number
        yield "leadswitch.source_workspace.id", record.lead.source_workspace_id
        yield "leadswitch.destination_workspace.id", record.lead.workspace_id
        skipped = record.decided.decision.skipped if record.decided is not None else ()
        for reason, count in Counter(skip.reason for skip in skipped).items():
            yield f"{SKIPPED}.{reason}", count


def is_failure(outcome: AttemptOutcome) -> bool:
    """Whether the product failed. A busy lock is normal: the lead is due again soon."""
    if outcome.result == AttemptResult.RETRY:
        return outcome.skip_reason not in LOCK_REASONS
    return outcome.result == AttemptResult.FAILED
