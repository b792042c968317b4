"""Sells a lead to the buyer that a person chose. The sale ignores overridable gates (area, filters, hours, a pause).

The choice is one of the engine's facts, so the attempt can be replayed from its trace like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from distribution.attempts.begin import begin_record
from distribution.attempts.campaigns import CAMPAIGNS, read_heads
from distribution.attempts.decide_under_lock import read_facts, sell_selected
from distribution.attempts.offering import end_offer
from distribution.attempts.opt_outs import read_verification
from distribution.attempts.record import SOLD, AttemptRecord, Decided
from distribution.attempts.reporting import count_sales
from distribution.attempts.trace import record_decision
from distribution.engine import CompiledCampaign, Decision, decide, resolve_campaign
from distribution.locks import wait_for_candidates
from routing.leads.actions import ActionRefused
from routing.leads.finish import close_by_hand
from routing.leads.refusals import DECLINED
from routing.locks.attempts import LockedLead, lock_identity, lock_lead, wait_for_lead
from routing.models import LeadStatus, LeadVerification
from routing.rules.duplicates import read_arrival
from tracing.models import AttemptTrigger
from tracing.skip_reasons import SKIP_REASONS
from tracing.vocabulary import Event
from tracing.wording import money

OPEN: Final = (
    *(LeadStatus.PENDING, LeadStatus.OFFERED, LeadStatus.FAILED, LeadStatus.DISTRIBUTED),
    LeadStatus.RETURNED,
)
CHANGING: Final = "the campaign is being changed; try again"


@dataclass(frozen=True, slots=True)
class ManualAssignment:
    attempt_id: UUID
    assignment_id: UUID
    buyer_id: int
    price_cents: int
    overridden: tuple[str, ...]


def state_of_sale(price_cents: int, overridden: Sequence[str]) -> str:
    """What a person agrees to: the price and the overridden gates."""
    return f"{price_cents}:{','.join(sorted(overridden))}"


def assign_within(
    lead_id: int, *, enrollment_id: int, at: datetime | None = None, seen: str = ""
) -> ManualAssignment:
    """Sell a lead to one enrolled buyer at its price, counted in its caps. Raises ActionRefused and SnapshotMissing.

    `seen`: the state_of_sale that the page showed. A different one is refused. Blank: there was no page.

    Locks in the product's order: lead, identity, offer, wallet and enrollment; waits for them up to their timeouts. A
    second call for the same buyer is refused, so sending a form twice sells once. The caller may have a transaction
    open, and runs this within run_with_snapshots.
    """
    with transaction.atomic():
        record, sale = _assign(lead_id, enrollment_id=enrollment_id, at=at, seen=seen)
    count_sales(record)
    return sale


def _assign(
    lead_id: int, *, enrollment_id: int, at: datetime | None, seen: str
) -> tuple[AttemptRecord, ManualAssignment]:
    wait_for_lead(lead_id)
    lead = lock_lead(lead_id)
    if lead is None:
        raise ActionRefused("there is no such lead")
    at = at or lead.locked_at
    refuse_closed(lead, at=at)
    _refuse_duplicate(lead)
    campaign = find_campaign(lead)
    CAMPAIGNS.require_snapshot(campaign)
    if enrollment_id not in campaign.by_enrollment_id:
        message = "the buyer is not enrolled in the campaign that takes this lead; enroll it first. It can be paused"
        raise ActionRefused(message)
    record = begin_record(lead, at=at, trigger=AttemptTrigger.MANUAL)
    if lead.status == LeadStatus.OFFERED:
        end_offer(record, is_canceled=True)
    if not lead.is_test:
        _lock_buyer(enrollment_id)
    record.trace.add(
        Event.CAMPAIGN_RESOLVED, data={"campaign_id": campaign.id, "config_version": campaign.config_version}
    )
    facts = read_facts(lead, campaign=campaign, at=at, seed=record.seed, chosen=enrollment_id)
    decided = Decided(campaign, facts, decide(campaign, facts))
    if not decided.decision.selected:
        raise ActionRefused(_refusal_reason(decided.decision, enrollment_id))
    _refuse_unseen(decided.decision, seen=seen)
    return record, _sell(record, decided)


def _lock_buyer(enrollment_id: int) -> None:
    found = wait_for_candidates([enrollment_id])
    if found is None:
        raise ActionRefused("the buyer is being charged for other leads; try again")
    if not found:
        raise ActionRefused("the buyer was just removed from the campaign; check again")


def _refuse_unseen(decision: Decision, *, seen: str) -> None:
    [selection] = decision.selected
    if seen and state_of_sale(selection.price_cents, selection.overridden) != seen:
        message = (
            f"its price ({money(selection.price_cents)} now) or the overridden checks changed; check again"
        )
        raise ActionRefused(message)


def refuse_closed(lead: LockedLead, *, at: datetime) -> None:
    if lead.status not in OPEN:
        message = f"the lead is {LeadStatus(lead.status).label}"
        raise ActionRefused(message)
    if read_verification(lead) == LeadVerification.DECLINED:
        raise ActionRefused(DECLINED)
    if lead.is_paused:
        raise ActionRefused("the lead or its workspace is paused; resume it first")
    if lead.expires_at <= at:
        raise ActionRefused("the lead has expired")


def _refuse_duplicate(lead: LockedLead) -> None:
    """A manual assignment must not sell a person twice across partners either."""
    if not lead.has_identity:
        return
    lock_identity(lead)
    if read_arrival(lead, workspace_id=lead.workspace_id, path=()).first is not None:
        raise ActionRefused("another lead for the same person is sold or still open")


def find_campaign(lead: LockedLead) -> CompiledCampaign:
    heads, versions = read_heads(workspace_id=lead.workspace_id, vertical=lead.vertical)
    head = resolve_campaign(heads, source_id=lead.source_id, vertical=lead.vertical)
    if head is None:
        raise ActionRefused("no active campaign takes this lead's vertical and source")
    return CAMPAIGNS.get(head.id, config_version=versions[head.id])


def _refusal_reason(decision: Decision, enrollment_id: int) -> str:
    """The failing gates that cannot be overridden, in words."""
    skip = next(each for each in decision.skipped if each.enrollment_id == enrollment_id)
    if skip.reason == "outranked":
        return "the lead is already sold to as many buyers as its campaign allows; return one sale first"
    if skip.reason == "below_promised_price":
        return f"{SKIP_REASONS[skip.reason].clause}; wait until that promise ends"
    clauses = []
    for gate in skip.gates:
        code = str(gate["gate"])
        if code == "insufficient_credits":
            clauses.append(
                f"its wallet lacks {money(gate['missing_cents'])} of the price {money(skip.price_cents)}"
            )
        elif "problem" in gate and code == "outside_buyer_hours":
            clauses.append("its time zone or hours are not valid; correct them")
        elif code in {"cap_reached", "already_has_lead"}:
            clauses.append(SKIP_REASONS[code].clause)
    return "; ".join(clauses)


def _sell(record: AttemptRecord, decided: Decided) -> ManualAssignment:
    head = record.trace.head
    assignments = sell_selected(
        decided, lead=record.lead, attempt_id=head.id, workspace_ids=record.workspace_ids
    )
    if assignments is None:
        raise ActionRefused("its workspace or campaign was just paused; check again")
    record.decided, record.assignments = decided, assignments
    record_decision(record.trace, decided.decision, zip_code=record.lead.zip)
    record.conclude(SOLD)
    close_by_hand(head.lead_id, attempts=head.number, at=record.at)
    record.write_trace()
    [assignment_id], [selection] = assignments, decided.decision.selected
    return ManualAssignment(
        attempt_id=head.id,
        assignment_id=assignment_id,
        buyer_id=selection.buyer_id,
        price_cents=selection.price_cents,
        overridden=selection.overridden,
    )
