"""Sells a lead to the buyer that a person chose. Overridable gates (area, filters, hours, a pause) are set aside.

The engine decides with the choice among its facts, so that the attempt can be repeated from its trace like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from distribution import metrics
from distribution.attempts.campaigns import CAMPAIGNS, read_heads
from distribution.attempts.decide_under_lock import Decided, read_facts, seed_of, sell_selected
from distribution.attempts.sell import SalePaused
from distribution.attempts.trace import record_decision
from distribution.attempts.worker import worker_name
from distribution.engine import CompiledCampaign, Decision, decide, resolve_campaign
from distribution.locks import CandidatesStayBusy, wait_for_candidates
from routing.leads.finish import close_by_hand
from routing.locks import LockedLead, lock_identity, lock_lead, wait_for_lead
from routing.models import LeadStatus
from routing.rules.duplicates import look_at_arrival
from tracing.models import AttemptResult, AttemptTrigger
from tracing.recorder import AttemptEnd, AttemptHead, Recorder, new_attempt_id
from tracing.skip_reasons import SKIP_REASONS
from tracing.vocabulary import Event
from tracing.wording import money

OPEN: Final = (LeadStatus.PENDING, LeadStatus.FAILED, LeadStatus.DISTRIBUTED, LeadStatus.RETURNED)
CHANGING: Final = "the campaign is being changed; try again"


class AssignRefused(Exception):
    """The lead stays as it is. The message says why, and what would be accepted."""


@dataclass(frozen=True, slots=True)
class ManualAssignment:
    attempt_id: UUID
    assignment_id: UUID
    buyer_id: int
    price_cents: int
    overridden: tuple[str, ...]


def state_of_sale(price_cents: int, set_aside: Sequence[str]) -> str:
    """What a person agrees to: the price, and the gates that are set aside."""
    return f"{price_cents}:{','.join(sorted(set_aside))}"


def assign_within(
    lead_id: int, *, enrollment_id: int, at: datetime | None = None, seen: str = ""
) -> ManualAssignment:
    """Sell a lead to one enrolled buyer at its price, counted in its caps. Raises AssignRefused and SnapshotMissing.

    `seen`: the state_of_sale that a page showed; another one is refused. Blank: no page showed any.

    Locks in the product's order: lead, identity, enrollment and wallet; waits for them up to their time-outs. A second
    call for the same buyer is refused, so sending a form twice sells once. The caller may have a transaction open, and
    runs this within keeping_snapshots.
    """
    try:
        with transaction.atomic():
            sale = _assign(lead_id, enrollment_id=enrollment_id, at=at, seen=seen)
    except CandidatesStayBusy:
        raise AssignRefused("the buyer is being charged for other leads; try again") from None
    except SalePaused:
        raise AssignRefused("its workspace or campaign was paused at this moment; look again") from None
    metrics.LEADS_SOLD.inc()
    metrics.CENTS_CHARGED.inc(sale.price_cents)
    return sale


def _assign(lead_id: int, *, enrollment_id: int, at: datetime | None, seen: str) -> ManualAssignment:
    wait_for_lead(lead_id)
    lead = lock_lead(lead_id)
    if lead is None:
        raise AssignRefused("there is no such lead")
    at = at or lead.locked_at
    refuse_closed(lead, at=at)
    _refuse_duplicate(lead)
    campaign = find_campaign(lead)
    CAMPAIGNS.require_snapshot(campaign)
    if enrollment_id not in campaign.by_enrollment_id:
        message = "the buyer is not enrolled in the campaign that takes this lead; enroll it first, paused if you like"
        raise AssignRefused(message)
    if not wait_for_candidates([enrollment_id]):
        raise AssignRefused("the buyer was taken out of the campaign at this moment; look again")
    recorder = Recorder(_head(lead, at=at))
    recorder.add(
        Event.CAMPAIGN_RESOLVED, data={"campaign_id": campaign.id, "config_version": campaign.config_version}
    )
    seed = seed_of(recorder.head.id)
    facts = read_facts(lead, campaign=campaign, at=at, seed=seed, chosen=enrollment_id)
    decided = Decided(campaign, facts, decide(campaign, facts))
    if not decided.decision.selected:
        raise AssignRefused(_why_not(decided.decision, enrollment_id))
    _refuse_unseen(decided.decision, seen=seen)
    return _sell(lead, decided, recorder=recorder)


def _refuse_unseen(decision: Decision, *, seen: str) -> None:
    [selection] = decision.selected
    if seen and state_of_sale(selection.price_cents, selection.overridden) != seen:
        message = f"its price ({money(selection.price_cents)} now) or what is set aside changed; look again"
        raise AssignRefused(message)


def refuse_closed(lead: LockedLead, *, at: datetime) -> None:
    if lead.status not in OPEN:
        message = f"the lead is {LeadStatus(lead.status).label}"
        raise AssignRefused(message)
    if lead.is_paused:
        raise AssignRefused("the lead or its workspace is paused; resume it first")
    if lead.expires_at <= at:
        raise AssignRefused("the lead's time to live is over")


def _refuse_duplicate(lead: LockedLead) -> None:
    """Once across partners holds for what a person does too."""
    if not lead.has_identity:
        return
    lock_identity(lead)
    if look_at_arrival(lead, workspace_id=lead.workspace_id, stations=()).first is not None:
        raise AssignRefused(
            "the same person came in with another lead, which is sold or still being worked on"
        )


def find_campaign(lead: LockedLead) -> CompiledCampaign:
    heads, versions = read_heads(workspace_id=lead.workspace_id, vertical=lead.vertical)
    head = resolve_campaign(heads, source_id=lead.source_id, vertical=lead.vertical)
    if head is None:
        raise AssignRefused("no active campaign takes this lead's vertical and source")
    return CAMPAIGNS.get(head.id, config_version=versions[head.id])


def _head(lead: LockedLead, *, at: datetime) -> AttemptHead:
    return AttemptHead(
        id=new_attempt_id(),
        lead_id=lead.id,
        number=lead.attempts + 1,
        trigger=AttemptTrigger.MANUAL.value,
        source_workspace_id=lead.source_workspace_id,
        started_at=at,
        worker=worker_name(),
        intake_notes=lead.intake_notes,
    )


def _why_not(decision: Decision, enrollment_id: int) -> str:
    """The gates that no person sets aside, in words."""
    skip = next(each for each in decision.skipped if each.enrollment_id == enrollment_id)
    if skip.reason == "outranked":
        return "the lead is sold to as many buyers as its campaign allows; take one back first"
    clauses = []
    for gate in skip.gates:
        code = str(gate["gate"])
        if code == "insufficient_credits":
            clauses.append(
                f"its wallet lacks {money(gate['missing_cents'])} of the price {money(skip.price_cents)}"
            )
        elif "problem" in gate and code == "outside_buyer_hours":
            clauses.append("its time zone or hours cannot be read; correct them")
        elif code in {"cap_reached", "already_has_lead"}:
            clauses.append(SKIP_REASONS[code].clause)
    return "; ".join(clauses)


def _sell(lead: LockedLead, decided: Decided, *, recorder: Recorder) -> ManualAssignment:
    [assignment_id] = sell_selected(
        decided, lead_id=lead.id, attempt_id=recorder.head.id, workspace_ids=[lead.workspace_id]
    )
    [selection] = decided.decision.selected
    record_decision(recorder, decided.decision, zip_code=lead.zip)
    recorder.add(
        Event.DISTRIBUTED,
        cost_cents=selection.price_cents,
        outcome=AttemptResult.SUCCESS.value,
        data={"buyers": 1},
    )
    at = decided.facts.at
    close_by_hand(lead.id, attempts=lead.attempts + 1, at=at)
    duration_ms = recorder.elapsed_ms
    recorder.write(
        AttemptEnd(
            result=AttemptResult.SUCCESS.value,
            finished_at=at + timedelta(milliseconds=duration_ms),
            duration_ms=duration_ms,
            destination_workspace_id=lead.workspace_id,
            campaign_id=decided.campaign.id,
            config_version=decided.campaign.config_version,
            facts=decided.facts_json(),
        )
    )
    return ManualAssignment(
        attempt_id=recorder.head.id,
        assignment_id=assignment_id,
        buyer_id=selection.buyer_id,
        price_cents=selection.price_cents,
        overridden=selection.overridden,
    )
