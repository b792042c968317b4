"""One run of the engine over one locked lead, inside the distributor's transaction.

The decision is repeated until every buyer it selects is locked and was read again after its lock: what was decided
before a lock is confirmed after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from distribution.config import CAMPAIGNS, read_heads
from distribution.engine import (
    CompiledCampaign,
    Decision,
    DecisionFacts,
    LiveFacts,
    consume,
    decide,
    facts_to_json,
    resolve_campaign,
)
from distribution.facts import confirm_live, lead_facts, read_live
from distribution.locks import lock_candidates
from distribution.sale import Sale, sell
from distribution.trace import record_decision
from routing.locks import LockedLead
from tracing.recorder import Recorder
from tracing.vocabulary import Event, RetryClass

# Each round locks at least one more buyer or ends; more rounds than this mean that the pool changes under us.
MAX_ROUNDS: Final = 8


class TierLockContention(Exception):
    """Candidates exist and none could be locked: roll back and retry soon.

    Carries what was decided, for the trace; None when the pool changed in every round and nothing was decided.
    """

    def __init__(self, decided: "Decided | None") -> None:
        super().__init__("every candidate is locked by other leads")
        self.decided = decided


@dataclass(frozen=True, slots=True)
class Decided:
    """A final decision with what it was made of."""

    campaign: CompiledCampaign
    facts: DecisionFacts
    decision: Decision

    def facts_json(self) -> Mapping[str, Any]:
        return facts_to_json(self.facts)


@dataclass(frozen=True, slots=True)
class Unsold:
    """Why a lead was not sold, and when it may be tried again (None: a person must act)."""

    reason: str
    retry_class: RetryClass
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """What the attempt came to. `unsold` is None exactly when the lead was sold."""

    decided: Decided | None
    unsold: Unsold | None
    assignments: tuple[UUID, ...] = ()

    @property
    def charged_cents(self) -> int:
        if self.decided is None:
            return 0
        return sum(selection.price_cents for selection in self.decided.decision.selected)


def run_attempt(lead: LockedLead, *, recorder: Recorder, at: datetime) -> AttemptOutcome:
    """Decide about a locked lead and sell it. Needs the transaction that holds the lead's lock.

    Raises TierLockContention, SaleIncomplete, DefinitionError.
    """
    heads, versions = read_heads(workspace_id=lead.workspace_id, vertical=lead.vertical)
    head = resolve_campaign(heads, source_id=lead.source_id, vertical=lead.vertical)
    if head is None:
        return AttemptOutcome(None, Unsold("no_campaign", RetryClass.PERMANENT))
    campaign = CAMPAIGNS.get(head.id, config_version=versions[head.id])
    recorder.add(
        Event.CAMPAIGN_RESOLVED, data={"campaign_id": campaign.id, "config_version": campaign.config_version}
    )
    decided = _decide_under_lock(lead, campaign=campaign, at=at, seed=seed_of(recorder.head.id))
    if decided.decision.outcome == "contention":
        raise TierLockContention(decided)
    assignments = _sell(decided, lead_id=lead.id, attempt_id=recorder.head.id)
    record_decision(recorder, decided.decision, zip_code=lead.zip)
    return AttemptOutcome(decided, _unsold(decided.decision), assignments)


def seed_of(attempt_id: UUID) -> int:
    """The attempt's id is unique: its low bits (random in a UUIDv7) break ties and spread retries."""
    return attempt_id.int & 0xFFFF_FFFF_FFFF


def _decide_under_lock(lead: LockedLead, *, campaign: CompiledCampaign, at: datetime, seed: int) -> Decided:
    live, sold_count = read_live(lead_id=lead.id, campaign_id=campaign.id)
    facts = DecisionFacts(
        lead=lead_facts(lead, campaign=campaign, sold_count=sold_count),
        live=_of_campaign(live, campaign),
        at=at,
        seed=seed,
    )
    decision = decide(campaign, facts)
    held: frozenset[int] = frozenset()
    for _ in range(MAX_ROUNDS):
        wanted = [
            selection.enrollment_id for selection in decision.selected if selection.enrollment_id not in held
        ]
        if not wanted:
            return Decided(campaign, facts, decision)
        got = lock_candidates(wanted)
        held |= got
        read_before = facts
        facts = replace(facts, locked=facts.locked | (frozenset(wanted) - got))
        if got:
            fresh = confirm_live(sorted(got), lead_id=lead.id)
            facts = replace(facts, live={**facts.live, **fresh})  # those not locked keep what was read first
        if facts != read_before:  # equal facts give an equal decision
            decision = decide(campaign, facts)
    raise TierLockContention(None)


def _of_campaign(live: Mapping[int, LiveFacts], campaign: CompiledCampaign) -> dict[int, LiveFacts]:
    """Facts for exactly the enrollments of the compiled version: the table may have moved on meanwhile."""
    nothing = LiveFacts()
    known = campaign.by_enrollment_id
    return {enrollment_id: live.get(enrollment_id, nothing) for enrollment_id in known}


def _sell(decided: Decided, *, lead_id: int, attempt_id: UUID) -> tuple[UUID, ...]:
    if not decided.decision.selected:
        return ()
    sales = []
    for selection in decided.decision.selected:
        enrollment = decided.campaign.by_enrollment_id[selection.enrollment_id]
        live = decided.facts.live[selection.enrollment_id]
        usage = consume(
            live.usage, at=decided.facts.at, timezone=enrollment.timezone, price_cents=selection.price_cents
        )
        sales.append(Sale(selection, usage))
    public_ids = sell(
        sales, lead_id=lead_id, campaign_id=decided.campaign.id, attempt_id=attempt_id, at=decided.facts.at
    )
    return tuple(public_ids)


def _unsold(decision: Decision) -> Unsold | None:
    if decision.verdict is None:
        return None
    verdict = decision.verdict
    return Unsold(verdict.reason, RetryClass(verdict.retry_class), verdict.retry_at)
