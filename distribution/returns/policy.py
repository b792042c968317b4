"""Which rules apply to a buyer, and whether a request fits them. Reads; never writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from distribution.configuration.return_reasons import RETURN_REASONS
from distribution.models import Assignment, Buyer, EvidenceKind, ReturnPolicy
from distribution.returns.evidence import EvidenceFile
from distribution.returns.refusals import ReturnRefused
from tracing.wording import count, money


@dataclass(frozen=True, slots=True)
class Ask:
    """What a buyer asks for. `amount_cents` None: take the lead back and refund all that is left of its charge."""

    reason: str
    text: str = ""
    amount_cents: int | None = None
    files: tuple[EvidenceFile, ...] = ()


def find_policy(buyer: Buyer) -> ReturnPolicy | None:
    """Return the buyer's own policy, or the one of its workspace. None: no returns can be requested."""
    return find_policies([buyer])[buyer.pk]


def find_policies(buyers: Sequence[Buyer]) -> dict[int, ReturnPolicy | None]:
    """As find_policy, by the buyer's id. One statement."""
    rows = ReturnPolicy.objects.filter(workspace__in={buyer.workspace_id for buyer in buyers})
    its = rows.filter(Q(buyer=None) | Q(buyer__in=buyers))
    policies = {(row.workspace_id, row.buyer_id): row for row in its}
    return {buyer.pk: _choose(policies, buyer) for buyer in buyers}


def _choose(policies: Mapping[tuple[int, int | None], ReturnPolicy], buyer: Buyer) -> ReturnPolicy | None:
    default = policies.get((buyer.workspace_id, None))
    found = policies.get((buyer.workspace_id, buyer.pk), default)
    return found if found is not None and found.active else None


def closes_at(policy: ReturnPolicy, *, sold_at: datetime) -> datetime:
    return sold_at + timedelta(hours=policy.window_hours)


def refuse_unfit(
    ask: Ask, *, assignment: Assignment, policy: ReturnPolicy, left_cents: int, at: datetime
) -> None:
    """Raises ReturnRefused. The limit is checked apart, because it needs the buyer's other returns."""
    _refuse_late(assignment, policy=policy, at=at)
    _refuse_reason(ask.reason, policy=policy)
    _refuse_without_evidence(ask, policy=policy)
    _refuse_amount(ask.amount_cents, left_cents=left_cents)


def _refuse_late(assignment: Assignment, *, policy: ReturnPolicy, at: datetime) -> None:
    if at > closes_at(policy, sold_at=assignment.charged_at):
        hours = count(policy.window_hours, "hour")
        message = f"Too late: a return can be requested for {hours} after the sale. Contact your agency."
        raise ReturnRefused(message, code="too_late")


def _refuse_reason(reason: str, *, policy: ReturnPolicy) -> None:
    if reason in policy.reasons:
        return
    accepted = ", ".join(policy.reasons)
    why = f" {RETURN_REASONS[reason].advice}" if reason in RETURN_REASONS else ""
    message = f"is not a reason for a return.{why} Accepted: {accepted}."
    raise ReturnRefused(message, code="reason_not_accepted", field="reason")


def _refuse_without_evidence(ask: Ask, *, policy: ReturnPolicy) -> None:
    if policy.evidence == EvidenceKind.TEXT and not ask.text:
        advice = RETURN_REASONS[ask.reason].advice
        raise ReturnRefused(f"is required as evidence. {advice}", code="required", field="text")
    if policy.evidence == EvidenceKind.FILE and not ask.files:
        message = "is required as evidence. Send the request as multipart/form-data with a file."
        raise ReturnRefused(message, code="required", field="file")


def _refuse_amount(amount_cents: int | None, *, left_cents: int) -> None:
    """A full refund is asked for without an amount, so that the lead is taken back."""
    if amount_cents is not None and not 0 < amount_cents < left_cents:
        message = (
            f"must be above 0 and below {left_cents} ({money(left_cents)} of the charge is left)."
            " Leave it out to return the lead and get all of it."
        )
        raise ReturnRefused(message, code="amount_out_of_range", field="amount_cents")


def is_automatic(
    ask: Ask, *, assignment: Assignment, policy: ReturnPolicy, left_cents: int, at: datetime
) -> bool:
    """`left_cents`: what is left of the charge before this request."""
    if ask.reason not in policy.automatic_reasons:
        return False
    hours = policy.automatic_hours
    is_young = hours is None or at <= assignment.charged_at + timedelta(hours=hours)
    return is_young and _is_small(ask, assignment=assignment, policy=policy, left_cents=left_cents)


def _is_small(ask: Ask, *, assignment: Assignment, policy: ReturnPolicy, left_cents: int) -> bool:
    """A buyer that keeps the lead gets at most a part of its price at once, in one request or in several.

    For a full return the lead comes back, so every amount is small enough.
    """
    if ask.amount_cents is None:
        return True
    if policy.automatic_percent is None:
        return False
    refunded_cents = assignment.price_cents - left_cents + ask.amount_cents
    return 100 * refunded_cents <= policy.automatic_percent * assignment.price_cents
