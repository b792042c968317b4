"""Begins the record of an attempt: its number, what triggered it, and since when the lead was due."""

from datetime import datetime

from distribution.attempts.record import AttemptRecord
from distribution.attempts.worker import worker_name
from routing.leads.finish import DELIVERY_ENDED, VERIFICATION_ENDED
from routing.locks.attempts import LockedLead, after_pause
from routing.models import LeadStatus
from tracing.attempt_parts import AttemptHead
from tracing.models import AttemptTrigger
from tracing.recorder import Recorder, new_attempt_id
from tracing.vocabulary import WAKE_CAUSES


def begin_record(lead: LockedLead, *, at: datetime, trigger: AttemptTrigger | None = None) -> AttemptRecord:
    """Begin the record of a locked lead's attempt. `trigger` None: what made the lead due."""
    trigger = trigger or _find_trigger(lead)
    is_woken = trigger is AttemptTrigger.WOKEN
    head = AttemptHead(
        id=new_attempt_id(),
        lead_id=lead.id,
        number=lead.attempts + 1,
        trigger=trigger.value,
        source_workspace_id=lead.source_workspace_id,
        started_at=at,
        worker=worker_name(),
        received_at=after_pause(lead.received_at, lead.resumed_at),
        due_at=None if trigger is AttemptTrigger.CLAIM else lead.due_since,
        intake_notes=lead.intake_notes,
        cause=lead.due_reason if is_woken else "",
        change_id=lead.woken_by if is_woken else None,
        is_test=lead.is_test,
    )
    return AttemptRecord(lead, Recorder(head), locked_in=lead.workspace_id)


def _find_trigger(lead: LockedLead) -> AttemptTrigger:
    if lead.status == LeadStatus.OFFERED:
        return AttemptTrigger.OFFER_CLOSED
    if lead.due_reason in WAKE_CAUSES:
        return AttemptTrigger.WOKEN
    if lead.due_reason == DELIVERY_ENDED:
        return AttemptTrigger.DELIVERY
    if lead.due_reason == VERIFICATION_ENDED:
        return AttemptTrigger.VERIFICATION
    if lead.due_reason == AttemptTrigger.MANUAL:
        return AttemptTrigger.MANUAL
    return AttemptTrigger.RETRY if lead.attempts else AttemptTrigger.INGEST
