"""What a buyer does: ask for a return, add evidence, withdraw. A request may be approved at once by its policy."""

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from distribution.models import (
    Assignment,
    AssignmentState,
    Buyer,
    ReturnFile,
    ReturnPolicy,
    ReturnRequest,
    ReturnState,
)
from distribution.models.returning import MAX_FILES
from distribution.money.wallet import charge_left
from distribution.returns.decide import Decision, approve_held, count_event, end_request
from distribution.returns.evidence import EvidenceFile
from distribution.returns.held import hold_assignment
from distribution.returns.limits import refuse_above_limit
from distribution.returns.policy import Ask, find_policy, is_automatic, refuse_unfit
from distribution.returns.refusals import ReturnNotFound, ReturnRefused
from routing.dispatch.enqueue import after_commit
from tracing import audit

BY_RULE: Final = "return policy"
AUTOMATIC: Final = "Approved at once by the return policy."


def request_return(assignment_id: UUID, ask: Ask, *, buyer: Buyer, actor: str, at: datetime) -> ReturnRequest:
    """Store a request, and approve it if the policy says so. Raises ReturnNotFound, ReturnRefused."""
    with transaction.atomic():
        found = (
            Assignment.objects.filter(public_id=assignment_id, buyer_id=buyer.pk).values_list("pk").first()
        )
        if found is None:
            raise ReturnNotFound
        held = hold_assignment(found[0])
        assignment = held.assignment
        left_cents = charge_left(assignment.pk)
        policy = _check(ask, assignment=assignment, left_cents=left_cents, at=at)
        request = _store(ask, assignment=assignment, actor=actor, at=at)
        if is_automatic(ask, assignment=assignment, policy=policy, left_cents=left_cents, at=at):
            approve_held(request, held, Decision(BY_RULE, at, AUTOMATIC, is_automatic=True))
    return request


def withdraw_return(public_id: UUID, *, buyer: Buyer, actor: str, at: datetime) -> ReturnRequest:
    """End a request of the buyer that is not decided yet. Idempotent. Raises ReturnNotFound, ReturnRefused."""
    with transaction.atomic():
        request = _hold_request(public_id, buyer=buyer)
        if request.state != ReturnState.WITHDRAWN:
            _refuse_decided(request)
            end_request(request, state=ReturnState.WITHDRAWN, by=Decision(actor, at), changes={})
    return request


def add_evidence(public_id: UUID, file: EvidenceFile, *, buyer: Buyer, actor: str) -> ReturnRequest:
    """Add a file to a request that is not decided yet. The same file is stored once. Raises as withdraw_return."""
    with transaction.atomic():
        request = _hold_request(public_id, buyer=buyer)
        _refuse_decided(request)
        for added in _store_files(request, (file,)):
            _audit_evidence(added, request=request, actor=actor)
    return request


def _audit_evidence(file: ReturnFile, *, request: ReturnRequest, actor: str) -> None:
    """Without the file's name: it may be that of a person."""
    audit.record(
        actor=actor,
        action="evidence added",
        target=request,
        workspace_id=request.buyer.workspace_id,
        after={"sha256": file.sha256, "size_bytes": file.size_bytes},
    )


def _check(ask: Ask, *, assignment: Assignment, left_cents: int, at: datetime) -> ReturnPolicy:
    """Return the policy that accepts the request. Raises ReturnRefused."""
    if assignment.state != AssignmentState.SOLD:
        raise ReturnRefused("You no longer have this lead: it was returned.", code="not_held")
    if assignment.returns.filter(state=ReturnState.REQUESTED).exists():
        message = "A return of this lead is waiting for review. Withdraw it to ask for another."
        raise ReturnRefused(message, code="already_requested")
    policy = find_policy(assignment.buyer)
    if policy is None:
        message = "Your agency accepts no return requests. Contact your agency."
        raise ReturnRefused(message, code="no_returns")
    refuse_unfit(ask, assignment=assignment, policy=policy, left_cents=left_cents, at=at)
    amount_cents = left_cents if ask.amount_cents is None else ask.amount_cents
    refuse_above_limit(assignment, policy=policy, amount_cents=amount_cents)
    return policy


def _store(ask: Ask, *, assignment: Assignment, actor: str, at: datetime) -> ReturnRequest:
    request = open_request(assignment, ask, actor=actor, at=at)
    _store_files(request, ask.files)
    return request


def open_request(assignment: Assignment, ask: Ask, *, actor: str, at: datetime) -> ReturnRequest:
    """Store a request that was checked, with its audit entry. Needs the lead's lock."""
    request = ReturnRequest.objects.create(
        assignment=assignment,
        lead_id=assignment.lead_id,
        buyer=assignment.buyer,
        reason=ask.reason,
        text=ask.text,
        asked_cents=ask.amount_cents,
        requested_at=at,
        requested_by=actor,
    )
    audit.record(
        actor=actor,
        action=ReturnState.REQUESTED.value,
        target=request,
        workspace_id=assignment.buyer.workspace_id,
        after={"state": request.state, "reason": request.reason, "asked_cents": request.asked_cents},
    )
    after_commit(partial(count_event, ReturnState.REQUESTED))
    return request


def _store_files(request: ReturnRequest, files: tuple[EvidenceFile, ...]) -> list[ReturnFile]:
    """Return those that were not stored before."""
    stored = set(request.files.values_list("sha256", flat=True))
    new = {file.sha256: file for file in files if file.sha256 not in stored}
    if len(stored) + len(new) > MAX_FILES:
        message = f"makes more than {MAX_FILES} files for this return. Send the most important ones."
        raise ReturnRefused(message, code="too_many", field="file")
    return [
        ReturnFile.objects.create(
            request=request,
            name=file.name,
            content_type=file.content_type,
            size_bytes=len(file.content),
            sha256=digest,
            content=file.content,
        )
        for digest, file in new.items()
    ]


def _hold_request(public_id: UUID, *, buyer: Buyer) -> ReturnRequest:
    """Return the buyer's request, read under the locks of its assignment."""
    requests = ReturnRequest.objects.select_related("buyer").filter(public_id=public_id, buyer_id=buyer.pk)
    found = requests.values_list("assignment_id", flat=True).first()
    if found is None:
        raise ReturnNotFound
    hold_assignment(found)
    return requests.get()


def _refuse_decided(request: ReturnRequest) -> None:
    if request.state != ReturnState.REQUESTED:
        state = ReturnState(request.state).label
        raise ReturnRefused(f"Too late: this return is already {state}.", code="already_ended")
