"""What operators and senders do with one lead: run it again, pause, resume, give up and cancel it.

Each action is one transaction: lock the lead, refuse or update it, write the audit entry, enqueue the lead on commit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least, Now

from routing.dispatch.enqueue import enqueue_leads_after_commit
from routing.leads import page_version, run_limit
from routing.leads.refusals import NO_RERUN, Action, refusal_reason
from routing.locks.attempts import lock_lead, wait_for_lead
from routing.models import UNFINISHED, AskedBy, Lead, LeadStatus
from routing.models.wakeup import GIVEN_UP
from tracing import audit
from tracing.wording import count

MAX_REASON: Final = 200
DUE_REASON: Final = "manual"
ASKED_BY_SENDER: Final = "dispatch_now"

AUDITED: Final = [
    *("status", "next_attempt_at", "due_reason", "paused_at", "finished_at", "cancel_reason", "attempts"),
    *("verification", "verified_at"),
]
# No contact fields: an action does not need to identify the person.
READ: Final = (*AUDITED, *page_version.SHOWN, "public_id", "expires_at", "is_partly_sold")

Changes: TypeAlias = Mapping[str, Any]


class ActionRefused(Exception):
    """The action was refused. The message says why."""


class LeadRunning(ActionRefused):
    """A worker is processing the lead, or the lead waits for an outside service."""


class LeadFinished(ActionRefused):
    """The lead is finished. `status` is its final status."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class TriedTooOften(ActionRefused):
    """The lead reached its limit of requested attempts. The next one is allowed in `wait_seconds`."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(
            f"it has reached its limit of requested attempts; try again in {count(wait_seconds, 'second')}"
        )
        self.wait_seconds = wait_seconds


class LeadNotFound(Exception):
    """The source did not send a lead with this id."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts on a page, why, and the version of the lead that the page showed. Blank `seen` skips the comparison."""

    name: str
    reason: str
    seen: str = ""


def rerun_lead(lead_id: int, *, at: datetime, by: Operator | None = None) -> bool:
    """Make a failed, waiting, returned or duplicate lead due at `at`. A failed lead gets all its retries again.

    Every action here waits for the lead's lock up to lock_timeout and returns whether the lead changed.
    Raises ActionRefused (also as TriedTooOften), Lead.DoesNotExist.
    """

    def change(lead: Lead) -> Changes:
        _count_try(lead_id, asked_by=AskedBy.OPERATOR, at=at)
        return _due_now(lead, at=at, due_reason=DUE_REASON)

    return _act(Action.RERUN, lead_id, change, at=at, by=by)


def pause_lead(lead_id: int, *, at: datetime, by: Operator | None = None) -> bool:
    """Pause a waiting lead: no worker starts it. It stays pending and keeps its due time."""
    return _act(Action.PAUSE, lead_id, lambda _: {"paused_at": at}, at=at, by=by)


def resume_lead(lead_id: int, *, at: datetime, by: Operator | None = None) -> bool:
    """End a lead's pause. A lead that became due during the pause is tried immediately."""
    return _act(Action.RESUME, lead_id, lambda _: {"paused_at": None, "resumed_at": Now()}, at=at, by=by)


def give_up_lead(lead_id: int, *, at: datetime, by: Operator | None = None) -> bool:
    """End a lead's retries and park it as failed. No wake-up applies to it; an operator can run it again.

    It keeps the skip reason of its last attempt.
    """
    return _act(
        Action.GIVE_UP,
        lead_id,
        lambda _: {**_end(LeadStatus.FAILED, at=at), "due_reason": GIVEN_UP},
        at=at,
        by=by,
    )


def cancel_lead(lead_id: int, *, at: datetime, by: Operator | None = None, reason: str = "") -> bool:
    """End an unfinished lead unsold. Idempotent: a canceled lead keeps its first reason.

    Raises LeadFinished, and LeadRunning while buyers' systems are asked or if one has accepted it.
    """

    def work(lead: Lead) -> None:
        if lead.status == LeadStatus.CANCELLED:
            return
        refusal = refusal_reason(Action.CANCEL, lead, at=at)
        if refusal and lead.status in UNFINISHED:
            raise LeadRunning(refusal)
        if refusal:
            raise LeadFinished(lead.status, refusal)
        _update(
            lead,
            {
                **_end(LeadStatus.CANCELLED, at=at),
                "cancel_reason": by.reason if by else reason,
                "locked_by": "",
                "locked_at": None,
            },
        )

    return act_on_lead(Action.CANCEL, lead_id, work, by=by)


def cancel_sent_lead(public_id: UUID, *, source_id: int, reason: str = "") -> int:
    """Cancel a lead that the source sent; see cancel_lead. Returns the lead's id.

    Raises LeadNotFound, LeadFinished, LeadRunning.
    """
    lead_id = _find_sent(public_id, source_id=source_id)
    cancel_lead(lead_id, at=datetime.now(UTC), reason=reason)
    return lead_id


def dispatch_now(public_id: UUID, *, source_id: int, at: datetime) -> None:
    """Make a waiting lead of the source due now, and enqueue it on commit.

    Idempotent: a lead that is already due keeps its time, and the request is not counted. Does not wait for locks.
    Raises LeadNotFound, LeadRunning, TriedTooOften, ActionRefused.
    """
    lead_id = _find_sent(public_id, source_id=source_id)
    with transaction.atomic():
        if lock_lead(lead_id) is None:
            raise LeadRunning("it is being processed; try again in a moment")
        lead = Lead.objects.only(*READ).get(pk=lead_id)
        _refuse_unless_waiting(lead, at=at)
        if lead.next_attempt_at is not None and lead.next_attempt_at <= at:
            _record_request(lead_id)
        else:
            _count_try(lead_id, asked_by=AskedBy.SENDER, at=at)
            _update(lead, _due_now(lead, at=at, due_reason=ASKED_BY_SENDER))


def act_on_lead(
    action: str, lead_id: int, work: Callable[[Lead], object], *, by: Operator | None = None
) -> bool:
    """Do the work under the lead's lock and write its audit entry, in one transaction.

    Returns False if an operator acted and the lead did not change. Raises ActionRefused, Lead.DoesNotExist.
    """
    with transaction.atomic():
        wait_for_lead(lead_id)
        lead = Lead.objects.only(*READ).get(pk=lead_id)
        before = {name: getattr(lead, name) for name in AUDITED}
        if by is not None:
            _refuse_changed(lead, seen=by.seen)
        work(lead)
        return by is None or _record(action, lead, before=before, by=by)


def _act(
    action: Action, lead_id: int, change: Callable[[Lead], Changes], *, at: datetime, by: Operator | None
) -> bool:
    def work(lead: Lead) -> None:
        _refuse(action, lead, at=at)
        _update(lead, change(lead))

    return act_on_lead(action, lead_id, work, by=by)


def _refuse_changed(lead: Lead, *, seen: str) -> None:
    if seen and page_version.of_lead(lead) != seen:
        paused = " and paused" if lead.paused_at is not None else ""
        status = LeadStatus(lead.status).label
        message = f"it changed after you opened the page and is now {status}{paused}; reload the page"
        raise ActionRefused(message)


def _refuse(action: Action, lead: Lead, *, at: datetime) -> None:
    reason = refusal_reason(action, lead, at=at)
    if reason:
        raise ActionRefused(reason)


def _refuse_unless_waiting(lead: Lead, *, at: datetime) -> None:
    """A sender can only start a waiting lead. Only an operator can run a finished or failed lead again."""
    status = LeadStatus(lead.status)
    if status in UNFINISHED and status != LeadStatus.PENDING:
        raise LeadRunning(NO_RERUN[status])
    if status != LeadStatus.PENDING:
        raise ActionRefused(f"it is finished ({status.value}); only a waiting lead can be dispatched")
    _refuse(Action.RERUN, lead, at=at)


def _count_try(lead_id: int, *, asked_by: AskedBy, at: datetime) -> None:
    wait_seconds = run_limit.take(lead_id, asked_by=asked_by, at=at)
    if wait_seconds:
        raise TriedTooOften(wait_seconds)


def _due_now(lead: Lead, *, at: datetime, due_reason: str) -> Changes:
    """Never later than the database's clock, even if the caller's clock is ahead."""
    changes: dict[str, Any] = {
        "status": LeadStatus.PENDING,
        "next_attempt_at": Least(at, Now()),
        "due_reason": due_reason,
        "finished_at": None,
    }
    if lead.status == LeadStatus.FAILED:
        changes |= {"conflicts": 0, "errors": 0, "lost_leases": 0}
    return changes


def _end(status: LeadStatus, *, at: datetime) -> Changes:
    return {
        "status": status,
        "next_attempt_at": None,
        "due_reason": "",
        "paused_at": None,
        "finished_at": at,
    }


def _update(lead: Lead, changes: Changes) -> None:
    """Write the changes to the locked row. On commit, enqueue the lead or remove it from the schedule."""
    row = Lead.objects.filter(pk=lead.pk, status=lead.status, attempts=lead.attempts)
    if row.update(**changes) != 1:
        raise ActionRefused("it changed at the same time; reload the page and try again")
    enqueue_leads_after_commit(lead.pk)


def _record_request(lead_id: int) -> None:
    """Record a request for a lead that is already due. The lead keeps its place in the queue.

    The due time moves by a microsecond, so that an attempt that was just rolled back sees the newer request. A lead
    that is due because its sender requested it is only enqueued again.
    """
    row = Lead.objects.filter(pk=lead_id).exclude(due_reason=ASKED_BY_SENDER)
    row.update(next_attempt_at=F("next_attempt_at") + timedelta(microseconds=1))
    enqueue_leads_after_commit(lead_id)


def _record(action: str, lead: Lead, *, before: audit.State, by: Operator) -> bool:
    after = audit.read_state(lead, fields=AUDITED)
    if before == after:
        return False
    audit.record(
        actor=by.name,
        action=action,
        target=lead,
        workspace_id=lead.workspace_id,
        reason=by.reason,
        before=before,
        after=after,
    )
    return True


def _find_sent(public_id: UUID, *, source_id: int) -> int:
    sent = Lead.objects.filter(public_id=public_id, source_id=source_id)
    lead_id = sent.values_list("id", flat=True).first()
    if lead_id is None:
        raise LeadNotFound
    return lead_id
