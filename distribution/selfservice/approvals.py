"""Changes that the agency must approve: propose, approve, decline, withdraw.

A proposal keeps what the buyer sent and the version that it changed. It is approved only while this is the present
version, so that it never undoes another change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet

from distribution.models import (
    ALWAYS_APPROVED,
    ApprovalPolicy,
    Buyer,
    ChangeProposal,
    Enrollment,
    ProposalState,
    Wallet,
)
from distribution.selfservice.author import Author
from distribution.selfservice.prices import lowers_price
from distribution.selfservice.refusals import ChangeRefused, FieldsRefused
from distribution.selfservice.resolve import Resolved, resolve
from distribution.selfservice.settings import NOTICE, PARTS, Part
from distribution.selfservice.storing import store
from distribution.selfservice.versions import read_version
from tracing import audit
from tracing.locks import for_change

STALE: Final = (
    "it was changed after the buyer asked, so this change may undo another; decline it, and ask the buyer"
)


# Who approves bids approves the rules of bids.
SAME_RULE: Final = {"standing_bids": "bid_cents"}


class DecisionRefused(ValueError):
    """Nothing was changed. The message says why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One column: what it is now and what it would be."""

    name: str
    before: Any
    after: Any


def needs_approval(row: Model, resolved: Resolved) -> bool:
    """`row` as it would be. Its fields are those of the change: "caps.day" belongs to "caps"."""
    groups = {SAME_RULE.get(group, group) for group in (name.partition(".")[0] for name in resolved.fields)}
    if ALWAYS_APPROVED in groups or lowers_price(row, resolved):
        return True
    policies = ApprovalPolicy.objects.filter(workspace_id=owner_of(row).workspace_id)
    return bool(groups & set(policies.values_list("fields", flat=True).first() or ()))


def propose(
    row: Model, *, part: Part, patch: Mapping[str, Any], fields: Sequence[str], version: str, by: Author
) -> ChangeProposal:
    """Needs the row's lock and an open transaction. Raises ChangeRefused if one of this part waits already."""
    buyer, enrollment = owner_of(row), row if isinstance(row, Enrollment) else None
    waiting = ChangeProposal.objects.filter(buyer=buyer, part=part.name, enrollment=enrollment)
    if waiting.filter(state=ProposalState.WAITING).exists():
        text = "Another change of this waits for your agency. Withdraw it first, under changes/."
        raise ChangeRefused("already_waiting", text)
    return ChangeProposal.objects.create(
        buyer=buyer,
        enrollment=enrollment,
        part=part.name,
        fields=list(fields),
        patch=dict(patch),
        base_version=version,
        asked_by=by.actor[:150],
        asked_at=by.at,
    )


def owner_of(row: Any) -> Buyer:
    """Of a buyer, a wallet or an enrollment."""
    found: Buyer = row if isinstance(row, Buyer) else row.buyer
    return found


def list_proposals(buyer: Buyer) -> QuerySet[ChangeProposal]:
    return (
        ChangeProposal.objects.filter(buyer_id=buyer.pk)
        .select_related("enrollment__campaign")
        .order_by("-pk")
    )


def find_proposal(public_id: UUID, *, buyer: Buyer) -> ChangeProposal | None:
    return list_proposals(buyer).filter(public_id=public_id).first()


def approve(proposal_id: int, *, by: Author) -> None:
    """Make the change, validated again as it is now. Raises DecisionRefused."""
    with transaction.atomic():
        proposal = _lock_waiting(proposal_id)
        row = for_change(_rows_of(proposal)).get()
        part = PARTS[proposal.part]
        if read_version(row, part=part) != proposal.base_version:
            raise DecisionRefused(STALE)
        asked = f"{by.reason} (asked by {proposal.asked_by})".strip()
        store(row, _resolve(row, proposal, by), by=Author(by.actor, by.at, asked))
        _end(proposal, ProposalState.APPROVED, by=by)


def decline(proposal_id: int, *, by: Author) -> None:
    """Raises DecisionRefused."""
    with transaction.atomic():
        _end(_lock_waiting(proposal_id), ProposalState.DECLINED, by=by)


def withdraw(proposal_id: int, *, by: Author) -> bool:
    """The buyer takes it back. Returns False if it was withdrawn before. Raises ChangeRefused."""
    with transaction.atomic():
        proposal = for_change(ChangeProposal.objects.filter(pk=proposal_id)).get()
        if proposal.state == ProposalState.WITHDRAWN:
            return False
        if proposal.state != ProposalState.WAITING:
            text = f"It is {ProposalState(proposal.state).label} already."
            raise ChangeRefused("already_decided", text)
        _end(proposal, ProposalState.WITHDRAWN, by=by)
    return True


def describe_difference(proposal: ChangeProposal, *, by: Author) -> list[Difference]:
    """What approving it would change now. Raises DecisionRefused if it is stale or no longer valid."""
    row = _rows_of(proposal).get()
    part = PARTS[proposal.part]
    if read_version(row, part=part) != proposal.base_version:
        raise DecisionRefused(STALE)
    before = {name: getattr(row, name) for name in part.columns}
    resolved = _resolve(row, proposal, by)
    return [Difference(name, before[name], getattr(row, name)) for name in resolved.columns]


def _resolve(row: Any, proposal: ChangeProposal, by: Author) -> Resolved:
    try:
        return resolve(row, part=PARTS[proposal.part], patch=proposal.patch, at=by.at)
    except FieldsRefused as refused:
        texts = [each.message for problems in refused.problems.values() for each in problems]
        message = f"it is no longer valid: {'; '.join(texts)}"
        raise DecisionRefused(message) from None


def _rows_of(proposal: ChangeProposal) -> Any:
    if proposal.enrollment_id is not None:
        return Enrollment.objects.filter(pk=proposal.enrollment_id)
    if proposal.part == NOTICE.name:
        return Wallet.objects.filter(buyer_id=proposal.buyer_id)
    return Buyer.objects.filter(pk=proposal.buyer_id)


def _lock_waiting(proposal_id: int) -> ChangeProposal:
    """Of two decisions, one is refused. Raises DecisionRefused."""
    proposal: ChangeProposal = for_change(ChangeProposal.objects.filter(pk=proposal_id)).get()
    if proposal.state != ProposalState.WAITING:
        message = f"it is {ProposalState(proposal.state).label} already"
        raise DecisionRefused(message)
    return proposal


def _end(proposal: ChangeProposal, state: ProposalState, *, by: Author) -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, by.actor[:150], by.at
    proposal.decision_reason = by.reason[:200] if state != ProposalState.WITHDRAWN else ""
    proposal.save(update_fields=["state", "decided_by", "decided_at", "decision_reason"])
    audit.record(
        actor=by.actor,
        action=state.value,
        target=proposal,
        workspace_id=proposal.buyer.workspace_id,
        reason=by.reason,
    )
