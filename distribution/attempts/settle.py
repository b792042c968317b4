"""Ends a hold with the answer of the buyer's system: the sale is captured, or released and the next buyer is asked.

    attempt (result posting): price held, lead `posting`
      |-> accept_sale: held price charged, assignment `sold`;     lead `distributed`, or due at once for a further buyer
      `-> reject_sale: held price released, assignment `rejected`; lead due at once, or finished after the deadline

Each answer is an attempt of its own, without a decision (decisions/0068). Both functions may be called again: a hold
ends once, with the first answer. A test lead takes the same way and moves no money, cap or turn.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg.pq import Format

from distribution import metrics
from distribution.attempts.begin import begin_record
from distribution.attempts.capture import capture
from distribution.attempts.hide_person import hide_person
from distribution.attempts.record import AttemptRecord, Unsold
from distribution.attempts.reporting import make_line
from distribution.counters import find_latest_sale, give_back_sale
from distribution.locks import lock_for_return
from distribution.models import Assignment, AssignmentState
from routing.dispatch.enqueue import after_commit
from routing.leads.attempt_log import log_attempt
from routing.leads.decision_metrics import NO_WAIT
from routing.leads.finish import close_posting
from routing.locks.attempts import LockedLead, lock_lead, wait_for_lead
from routing.models import LeadStatus
from routing.retry import NextStep
from tracing.models import AttemptResult, AttemptTrigger
from tracing.skip_reasons import SKIP_REASONS
from tracing.vocabulary import Event

MAX_REASON: Final = 200
NO_ENDPOINT: Final = "LeadSwitch: no active endpoint that can answer"
NO_TEST_ENDPOINT: Final = "LeadSwitch: no active endpoint that can answer and has a test URL"

# A hold, with how many other buyers have the lead, and what they pay.
READ_HOLD: Final = """
SELECT a.id, a.public_id, a.buyer_id, a.price_cents, a.state, a.is_test, a.created_at, c.max_buyers,
    c.post_deadline_seconds, count(o.id), COALESCE(SUM(o.price_cents), 0)::bigint
FROM distribution_assignment a
JOIN distribution_campaign c ON c.id = a.campaign_id
LEFT JOIN distribution_assignment o ON o.lead_id = a.lead_id AND o.state = 'sold' AND o.id <> a.id
WHERE a.id = %s
GROUP BY a.id, c.id
"""
RELEASE: Final = """
WITH released AS (
    UPDATE distribution_wallet
    SET held_cents = held_cents - %(price)s, version = version + 1
    WHERE buyer_id = %(buyer)s
    RETURNING id, balance_cents
)
INSERT INTO distribution_ledgerentry (
    wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, assignment_id, actor, reason
)
SELECT id, 'release', %(price)s, balance_cents, 'release:' || %(public_id)s, %(assignment)s, 'engine', ''
FROM released
"""


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a hold ended. `is_new` False: it had ended before, and nothing was written.

    `state`: of the assignment now. It differs from the answer if another answer came first. `is_due`: the lead is due
    at once; call distribute_lead after the commit.
    """

    lead_id: int
    state: str
    is_new: bool
    is_due: bool = False


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an answer means for the lead. `reason`: why the lead is not sold; "" if this buyer accepted it."""

    status: LeadStatus
    result: AttemptResult
    reason: str = ""


class _Sold(NamedTuple):
    """How many buyers have the lead now, and the sum of their prices."""

    buyers: int
    cents: int


class _Hold(NamedTuple):
    """One row of READ_HOLD, in the order of its columns."""

    id: int
    public_id: UUID
    buyer_id: int
    price_cents: int
    state: str
    is_test: bool
    created_at: datetime
    max_buyers: int
    post_deadline_seconds: int
    other_buyers: int
    other_cents: int


def accept_sale(
    assignment_id: int, *, at: datetime, lead_id: int | None = None, charge_cents: int | None = None
) -> Settlement:
    """Charge a held price: the buyer's system accepted the lead.

    `charge_cents`: less than the held price; the rest is free again. `lead_id`: of the assignment, if wait_for_lead has
    locked it. Needs an open transaction. Locks the lead, then the wallet. Raises Assignment.DoesNotExist,
    CaptureRefused.
    """
    lead, hold = _lock(assignment_id, lead_id=lead_id)
    if hold.state != AssignmentState.HELD:
        return Settlement(lead.id, hold.state, is_new=False)
    held_cents = hold.price_cents
    capture(hold.id, at=at, charge_cents=charge_cents)
    hold = hold._replace(price_cents=held_cents if charge_cents is None else charge_cents)
    record = begin_record(lead, at=at, trigger=AttemptTrigger.DELIVERY)
    record.assignments = (hold.public_id,)
    rest = {} if hold.price_cents == held_cents else {"held_cents": held_cents}
    data = {"assignment": str(hold.public_id), **rest, **record.mark_test()}
    record.trace.add(
        Event.DELIVERY_ACCEPTED,
        buyer_id=hold.buyer_id,
        cost_cents=hold.price_cents,
        outcome=AssignmentState.SOLD,
        data=data,
    )
    buyers = hold.other_buyers + 1
    has_room = buyers < hold.max_buyers and not _is_late(lead, hold, at)
    answer = _Answer(LeadStatus.PENDING if has_room else LeadStatus.DISTRIBUTED, AttemptResult.SUCCESS)
    sold = _Sold(buyers, hold.other_cents + hold.price_cents)
    _finish(record, answer, sold=sold, charged_cents=0 if hold.is_test else hold.price_cents)
    return Settlement(lead.id, AssignmentState.SOLD, is_new=True, is_due=has_room)


def reject_sale(assignment_id: int, *, reason: str, at: datetime, lead_id: int | None = None) -> Settlement:
    """Release a held price: the buyer's system rejected the lead. Its caps, budgets and turn are given back.

    `reason`: the buyer's own words; personal data of the lead is hidden before they are stored. `lead_id`: of the
    assignment, if wait_for_lead has locked it. Needs an open transaction. Locks the lead, then the wallet and the
    enrollment. Raises Assignment.DoesNotExist.
    """
    lead, hold = _lock(assignment_id, lead_id=lead_id)
    if hold.state != AssignmentState.HELD:
        return Settlement(lead.id, hold.state, is_new=False)
    assignment = Assignment.objects.get(pk=assignment_id)
    if not assignment.is_test:
        _release(assignment)
    _write_rejected(assignment, reason=hide_person(reason, lead_id=lead.id)[:MAX_REASON], at=at)
    record = begin_record(lead, at=at, trigger=AttemptTrigger.DELIVERY)
    data = {"assignment": str(hold.public_id), **record.mark_test(), "reason": assignment.reject_reason}
    record.trace.add(
        Event.DELIVERY_REJECTED,
        buyer_id=hold.buyer_id,
        cost_cents=hold.price_cents,
        outcome=AssignmentState.REJECTED,
        reason="rejected_lead",
        data=data,
    )
    answer = _after_rejection(lead, is_late=_is_late(lead, hold, at))
    _finish(record, answer, sold=_Sold(hold.other_buyers, hold.other_cents))
    return Settlement(
        lead.id, AssignmentState.REJECTED, is_new=True, is_due=answer.status == LeadStatus.PENDING
    )


def reject_unasked(public_id: UUID, *, at: datetime) -> None:
    """Release a hold for which no delivery exists, because the buyer has no live endpoint that can answer.

    Needs the transaction of the attempt that holds it.
    """
    unasked = Assignment.objects.filter(public_id=public_id, deliveries__isnull=True)
    for assignment in unasked:
        reason = NO_TEST_ENDPOINT if assignment.is_test else NO_ENDPOINT
        reject_sale(assignment.pk, reason=reason, at=at)


def _lock(assignment_id: int, *, lead_id: int | None) -> tuple[LockedLead, _Hold]:
    """The assignment is read after the lead's lock: its state changes only under that lock."""
    if lead_id is None:
        lead_id = Assignment.objects.values_list("lead_id", flat=True).get(pk=assignment_id)
        wait_for_lead(lead_id)
    lead = lock_lead(lead_id)
    assert lead is not None  # noqa: S101 - its lock is held
    return lead, _read_hold(assignment_id)


def _read_hold(assignment_id: int) -> _Hold:
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(READ_HOLD, [assignment_id])
        return _Hold(*cursor.fetchone())


def _is_late(lead: LockedLead, hold: _Hold, at: datetime) -> bool:
    return at >= (lead.posting_from or hold.created_at) + timedelta(seconds=hold.post_deadline_seconds)


def _after_rejection(lead: LockedLead, *, is_late: bool) -> _Answer:
    if not is_late:
        return _Answer(LeadStatus.PENDING, AttemptResult.REJECTED, "rejected_lead")
    if lead.is_partly_sold:
        return _Answer(LeadStatus.DISTRIBUTED, AttemptResult.SUCCESS, "post_deadline_passed")
    return _Answer(LeadStatus.FAILED, AttemptResult.UNSOLD, "post_deadline_passed")


def _release(assignment: Assignment) -> None:
    enrollment_id = lock_for_return(campaign_id=assignment.campaign_id, buyer_id=assignment.buyer_id)
    if enrollment_id is not None:
        give_back_sale(assignment, enrollment_id=enrollment_id)
    parameters: dict[str, int | str] = {
        "price": assignment.price_cents,
        "buyer": assignment.buyer_id,
        "public_id": str(assignment.public_id),
        "assignment": assignment.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, parameters)


def _write_rejected(assignment: Assignment, *, reason: str, at: datetime) -> None:
    assignment.state, assignment.settled_at, assignment.reject_reason = AssignmentState.REJECTED, at, reason
    assignment.is_counted, assignment.returned_after = False, find_latest_sale(assignment)
    assignment.save(update_fields=["state", "settled_at", "reject_reason", "is_counted", "returned_after"])


def _finish(record: AttemptRecord, answer: _Answer, *, sold: _Sold, charged_cents: int = 0) -> None:
    """Write the lead's row, the trace and, after the commit, the log line."""
    due_at = record.at if answer.status == LeadStatus.PENDING else None
    record.step = NextStep(answer.result, due_at)
    if answer.result == AttemptResult.SUCCESS:
        _conclude_sold(record, sold, ended_by=answer.reason)
    else:
        record.unsold = Unsold(answer.reason, SKIP_REASONS[answer.reason].retry_class)
        data = {"due_at": due_at.isoformat() if due_at else None}
        record.trace.add(Event.FAILED, outcome=answer.result, reason=answer.reason, data=data)
    close_posting(
        record.lead.id,
        status=answer.status,
        reason=record.skip_reason,
        is_accepted=bool(record.assignments),
        attempts=record.trace.head.number,
        at=record.at,
    )
    record.write_trace()
    after_commit(partial(_report, record, charged_cents=charged_cents))


def _conclude_sold(record: AttemptRecord, sold: _Sold, *, ended_by: str) -> None:
    record.ended_by = ended_by
    data = {"buyers": sold.buyers, **({"ended_by": ended_by} if ended_by else {}), **record.mark_test()}
    record.trace.add(Event.DISTRIBUTED, cost_cents=sold.cents, outcome=record.step.result, data=data)


def _report(record: AttemptRecord, *, charged_cents: int) -> None:
    line = make_line(record, None, NO_WAIT, is_decision=False)
    log_attempt(line, cause="", buyers=len(record.assignments), charged_cents=charged_cents)
    if not record.lead.is_test:
        metrics.LEADS_SOLD.inc(len(record.assignments))
        metrics.CENTS_CHARGED.inc(charged_cents)
