"""One run of the engine over one locked lead, inside the distributor's transaction.

The engine decides again until every selected buyer is locked and was read again after its lock. If another lead holds a
selected buyer, the attempt skips that buyer when the other lead would use up its turn, and waits for it otherwise.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from distribution.attempts.bids import Auction, keep_bid, record_bids
from distribution.attempts.busy_buyers import find_promised, list_selected, passed_over
from distribution.attempts.campaigns import CAMPAIGNS
from distribution.attempts.chain import post_deadline
from distribution.attempts.gating import gate
from distribution.attempts.live_facts import confirm_live, lead_facts, read_live
from distribution.attempts.offering import (
    find_auction,
    find_fallback,
    find_next_campaign,
    find_own_campaign,
    is_offered_first,
    may_fall_back,
    offer,
    record_unused_bids,
)
from distribution.attempts.promises import read_promise
from distribution.attempts.record import AttemptRecord, Decided, Unsold, find_unsold
from distribution.attempts.restart import LockWait, Restart, RestartReason
from distribution.attempts.sell import PlannedSale, SaleKind, sell
from distribution.attempts.sell_test import sell_test
from distribution.attempts.trace import record_decision
from distribution.counters import counted_on
from distribution.engine import (
    CompiledCampaign,
    DecisionFacts,
    LiveFacts,
    consume,
    decide,
)
from distribution.engine.verification import GATED, find_gate
from distribution.locks import lock_candidates, wait_for_candidates
from routing.locks.attempts import LockedLead
from tracing.skip_reasons import RetryClass
from tracing.vocabulary import Event

# Another round means that a buyer got another lead between its read and its lock. Each round may leave a lock that is
# not needed and that blocks other leads, so the number is small.
MAX_ROUNDS: Final = 3
# A failure of the product, and none of the buyers: the lead is tried again, and another auction opens.
NOT_ASKED: Final = "buyers_not_asked"


class TierLockContention(Exception):
    """Candidates exist, but none could be locked: roll back and retry soon.

    `decided` is for the trace. It is None if the pool changed in every round.
    """

    def __init__(self, decided: Decided | None) -> None:
        super().__init__("every candidate is locked by other leads")
        self.decided = decided


def decide_and_sell(record: AttemptRecord, *, wait: LockWait) -> Restart | None:
    """Decide about a locked lead, sell it, and set the result in the record. Needs the lead's lock.

    Returns why the transaction must be rolled back and the try started again, or None.
    Raises TierLockContention, SaleIncomplete, DefinitionError.
    """
    lead, held = record.lead, frozenset[int]()
    if wait.enrollment_ids:
        # This comes first: while it waits, the transaction holds nothing that other leads of the campaign need.
        found = wait_for_candidates(sorted(wait.enrollment_ids))
        if found is None:
            return Restart(RestartReason.BUYERS_STAY_BUSY)
        held = found
    auction = find_auction(record)
    if auction is not None and auction.has_failed:
        record.unsold = Unsold(NOT_ASKED, RetryClass.TRANSIENT)
        return None
    if auction is None:
        campaign: CompiledCampaign | Restart | None = find_next_campaign(record)
    else:
        campaign = _sell_to_bidder(record, auction, held=held, wait=wait)
    if campaign is None or isinstance(campaign, Restart):
        return campaign
    campaign = _prepare(campaign, record, wait)
    if campaign is None or isinstance(campaign, Restart):
        return campaign
    _record_campaign(record, campaign)
    facts = read_facts(lead, campaign=campaign, at=record.at, seed=record.seed)
    if auction is not None and auction.closed.campaign_id == campaign.id:
        facts = replace(facts, live=auction.add_to(facts.live))
    if _is_held_back(record, campaign, facts):
        return None
    if lead.is_test:  # without a lock: see sell_test.py
        return _sell(record, Decided(campaign, facts, decide(campaign, facts)))
    decided = _decide_under_lock(lead.id, campaign, facts, held=held, may_ask=wait.may_ask)
    return decided if isinstance(decided, Restart) else _sell(record, decided)


def _is_held_back(record: AttemptRecord, campaign: CompiledCampaign, facts: DecisionFacts) -> bool:
    """Have the person verified first, or offer the lead. Then this attempt sells it to nobody."""
    if _is_gated(record, campaign, facts):
        return True
    if not is_offered_first(record, campaign):
        return False
    offer(record, campaign, replace(facts, phase="offer"))
    return True


def _is_gated(record: AttemptRecord, campaign: CompiledCampaign, facts: DecisionFacts) -> bool:
    """Have the person verified before the lead is sold or offered, if the campaign asks for it.

    The gate is looked at alone first. The decision about a gated lead is cheap: it comes before the pool.
    """
    if find_gate(campaign, facts) is not GATED:
        return False
    decision = decide(campaign, facts)
    if decision.outcome != "gated":
        return False
    record.decided = Decided(campaign, facts, decision)
    record.gated = gate(record.lead, campaign=campaign, attempt_id=record.trace.head.id, at=record.at)
    return True


def _prepare(
    campaign: CompiledCampaign, record: AttemptRecord, wait: LockWait
) -> CompiledCampaign | Restart | None:
    """The campaign with a snapshot. None: it is too late for it, and the record says so."""
    if wait.stores_snapshot:
        campaign = CAMPAIGNS.store_snapshot_within(campaign)
    elif not CAMPAIGNS.has_snapshot(campaign):
        return Restart(RestartReason.NO_SNAPSHOT, campaign=campaign)
    posting_from = record.lead.posting_from
    if posting_from is not None and record.at >= post_deadline(posting_from, campaign):
        _record_campaign(record, campaign)
        record.unsold = Unsold("post_deadline_passed", RetryClass.PERMANENT)
        return None
    return campaign


def _record_campaign(record: AttemptRecord, campaign: CompiledCampaign) -> None:
    data = {"campaign_id": campaign.id, "config_version": campaign.config_version}
    record.trace.add(Event.CAMPAIGN_RESOLVED, data=data)


def _sell_to_bidder(
    record: AttemptRecord, auction: Auction, *, held: frozenset[int], wait: LockWait
) -> CompiledCampaign | Restart | None:
    """Rank the bids and sell. Returns the campaign with which the attempt goes on if nobody's bid may win.

    An attempt has one decision: that about the bids is recorded only if no fallback follows.
    """
    lead = record.lead
    own = find_own_campaign(record, auction.closed)
    if own is None:
        record_unused_bids(record)
    campaign = _prepare(own, record, wait) if own is not None else find_fallback(record, auction.closed)
    if own is None or campaign is None or isinstance(campaign, Restart):
        return campaign
    facts = read_facts(lead, campaign=campaign, at=record.at, seed=record.seed)
    facts = replace(facts, live=auction.add_to(facts.live), phase="bids")
    if lead.is_test:
        decided: Decided | Restart = Decided(campaign, facts, decide(campaign, facts))
    else:
        decided = _decide_under_lock(lead.id, campaign, facts, held=held, may_ask=wait.may_ask)
    if isinstance(decided, Restart):
        return decided
    if auction.is_new:
        record_bids(record.trace, auction, decided.decision)
    falls_back = may_fall_back(record, auction.closed, decided.decision)
    fallback = find_fallback(record, auction.closed) if falls_back else None
    if fallback is not None:
        return fallback
    record.unsold = None
    _record_campaign(record, campaign)
    return _sell(record, decided)


def _sell(record: AttemptRecord, decided: Decided) -> Restart | None:
    if decided.decision.outcome == "contention":
        raise TierLockContention(decided)
    assignments = sell_selected(
        decided, lead=record.lead, attempt_id=record.trace.head.id, workspace_ids=record.workspace_ids
    )
    if assignments is None:
        return Restart(RestartReason.PAUSED)
    record_decision(record.trace, decided.decision, zip_code=record.lead.zip)
    record.decided = decided
    if decided.is_held:
        record.held = assignments
    else:
        record.assignments = assignments
    record.unsold = find_unsold(decided.decision)
    return None


def read_facts(
    lead: LockedLead, *, campaign: CompiledCampaign, at: datetime, seed: int, chosen: int | None = None
) -> DecisionFacts:
    """Read the facts. They are final only for enrollments that an earlier statement locked."""
    live, sold_count = read_live(lead_id=lead.id, campaign=campaign)
    return DecisionFacts(
        lead=lead_facts(lead, campaign=campaign, sold_count=sold_count),
        live=live,
        at=at,
        seed=seed,
        chosen=chosen,
        promise=read_promise(lead, at=at),
    )


def _decide_under_lock(
    lead_id: int, campaign: CompiledCampaign, facts: DecisionFacts, *, held: frozenset[int], may_ask: bool
) -> Decided | Restart:
    decision = decide(campaign, facts)
    for _ in range(MAX_ROUNDS):
        wanted = list_selected(decision) - held
        if not wanted:
            break
        order = [each for each in decision.ranking if each not in held]
        got = lock_candidates(order, count=len(wanted))
        busy = passed_over(order, got, count=len(wanted))
        promised = find_promised(campaign, facts, busy=busy) if busy and may_ask else None
        if promised:
            return Restart(RestartReason.BUYERS_BUSY, promised)
        held |= got
        confirmed = _confirm(lead_id, campaign, replace(facts, locked=facts.locked | busy), got)
        if confirmed != facts:  # equal facts give an equal decision
            facts = confirmed
            decision = decide(campaign, facts)
    still_wanted = list_selected(decision) - held
    if not still_wanted:
        return Decided(campaign, facts, decision)
    if may_ask:
        return Restart(RestartReason.BUYERS_BUSY, still_wanted)
    raise TierLockContention(None)


def _confirm(
    lead_id: int, campaign: CompiledCampaign, facts: DecisionFacts, got: frozenset[int]
) -> DecisionFacts:
    """Read the newly locked enrollments again. If any changed, the other facts are out of date too: read all.

    Deciding on outdated facts would lock many buyers one after the other without need.
    """
    if not got:
        return facts
    fresh = _keep_bids(confirm_live(sorted(got), lead_id=lead_id, campaign=campaign), facts)
    confirmed = replace(facts, live={**facts.live, **fresh})  # others: as read first
    if confirmed.live == facts.live:
        return facts
    everything, _ = read_live(lead_id=lead_id, campaign=campaign)
    return replace(facts, live=_keep_bids(everything, facts))


def _keep_bids(fresh: dict[int, LiveFacts], facts: DecisionFacts) -> dict[int, LiveFacts]:
    return {each: keep_bid(live, facts.live[each]) for each, live in fresh.items()}


def sell_selected(
    decided: Decided, *, lead: LockedLead, attempt_id: UUID, workspace_ids: Sequence[int]
) -> tuple[UUID, ...] | None:
    """Charge and assign what was decided, or hold the money.

    Needs the locks of all selected buyers, but for a test lead.

    Returns None if something was paused after the decision. Nothing is sold then. Raises SaleIncomplete.
    """
    if not decided.decision.selected:
        return ()
    sales = []
    for selection in decided.decision.selected:
        enrollment = decided.campaign.by_enrollment_id[selection.enrollment_id]
        live = decided.facts.live[selection.enrollment_id]
        usage = consume(
            live.usage, at=decided.facts.at, timezone=enrollment.timezone, price_cents=selection.price_cents
        )
        sales.append(PlannedSale(selection, usage, counted_on(usage, timezone=enrollment.timezone)))
    sale = sell_test if lead.is_test else sell
    public_ids = sale(
        sales,
        lead_id=lead.id,
        campaign_id=decided.campaign.id,
        attempt_id=attempt_id,
        at=decided.facts.at,
        workspace_ids=workspace_ids,
        kind=_kind_of(decided),
    )
    return None if public_ids is None else tuple(public_ids)


def _kind_of(decided: Decided) -> SaleKind:
    if decided.facts.chosen is not None:
        return SaleKind.BY_HAND
    return SaleKind.HOLD if decided.is_held else SaleKind.CHARGE
