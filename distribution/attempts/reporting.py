"""What an attempt reports after its commit: metrics and one structured log line. A test lead is in no metric."""

from datetime import timedelta

from distribution import metrics
from distribution.attempts.record import AttemptRecord
from distribution.models import OfferKind
from routing.leads.attempt_log import AttemptLine, log_attempt
from routing.leads.decision_metrics import Waited, measure_wait
from routing.locks.attempts import LockedLead, after_pause
from routing.metrics.leads import DUPLICATES, LEADS_ROUTED
from routing.models import LeadStatus


def report_attempt(
    record: AttemptRecord, *, locked: LockedLead, lock_ms: float, seconds: float, seconds_locked: float
) -> None:
    """`locked`: the row as first locked. `seconds`: the whole attempt. `seconds_locked`: from that first lock on."""
    if not locked.is_test:
        _measure(record, locked, seconds=seconds)
        _measure_closing(record, locked, seconds_locked=seconds_locked)
    count_sales(record)
    _count_auction(record, locked)
    sold = {"buyers": len(record.assignments), "charged_cents": record.charged_cents}
    waited = measure_wait(locked, decided_at=locked.locked_at + timedelta(seconds=seconds_locked))
    log_attempt(make_line(record, lock_ms, waited), cause=record.cause, **sold)


def _measure(record: AttemptRecord, locked: LockedLead, *, seconds: float) -> None:
    metrics.DECISION_SECONDS.observe(seconds)
    if locked.next_attempt_at is not None:
        lag = max(0.0, (locked.locked_at - locked.next_attempt_at).total_seconds())
        metrics.START_LAG_SECONDS.labels(mode=locked.dispatch_mode).observe(lag)
    if record.route is not None and record.route.path:
        LEADS_ROUTED.labels(hops=str(len(record.route.path))).inc()
    if record.first is not None:
        DUPLICATES.labels(kind=record.first.kind).inc()


def _measure_closing(record: AttemptRecord, locked: LockedLead, *, seconds_locked: float) -> None:
    """From the end of the offer to the lock by the database's clock, and from the lock to the commit by this one's.

    An attempt that failed to close the offer is part of the lag, and its retry is due after the end. An auction ends
    before its time when all bids are in.
    """
    closed, due_at = record.closed, locked.next_attempt_at
    if closed is None or due_at is None or locked.status != LeadStatus.OFFERED:
        return
    ended_at = after_pause(min(due_at, closed.closes_at), locked.resumed_at)
    late = (locked.locked_at - ended_at).total_seconds() + seconds_locked
    metrics.OFFER_CLOSING_LAG_SECONDS.observe(max(0.0, late))


def _count_auction(record: AttemptRecord, locked: LockedLead) -> None:
    """Of the attempt that closed it."""
    closed = record.closed
    if closed is None or closed.kind != OfferKind.AUCTION or locked.status != LeadStatus.OFFERED:
        return
    is_of_bids = record.decided is not None and record.decided.facts.phase == "bids"
    if not is_of_bids:
        result = "fallback" if record.decided else "other"
    elif record.assignments or record.held:
        result = "sold"
    else:
        result = record.skip_reason if record.skip_reason in ("no_bids", "below_reserve") else "other"
    metrics.AUCTIONS.labels(result=result).inc()


def count_sales(record: AttemptRecord) -> None:
    if record.lead.is_test:
        return
    metrics.LEADS_SOLD.inc(len(record.assignments))
    metrics.CENTS_CHARGED.inc(record.charged_cents)


def make_line(
    record: AttemptRecord, lock_ms: float | None, waited: Waited, *, is_decision: bool = True
) -> AttemptLine:
    head, lead, first = record.trace.head, record.lead, record.first
    return AttemptLine(
        lead_id=lead.public_id,
        attempt_id=head.id,
        result=record.step.result,
        skip_reason=record.skip_reason,
        attempts=head.number,
        owner=head.worker,
        duration_ms=record.duration_ms,
        lock_ms=lock_ms,
        rule_id=record.rule_id,
        source_workspace_id=lead.source_workspace_id,
        destination_workspace_id=lead.workspace_id,
        duplicate_of=first.public_id if first else None,
        duplicate_workspace_id=first.workspace_id if first else None,
        waited=waited,
        is_decision=is_decision,
        is_test=lead.is_test,
        ended_by=record.ended_by,
    )
