"""Offers within an attempt: one that ends, what follows it, and one that begins.

attempt -> offered until closes_at -> claimed by as many buyers as may have it (distribution/offers/claim.py)
                                  `-> attempt at closes_at: closed -> push | next campaign | unsold
"""

from datetime import datetime

from distribution.attempts.bids import Auction, read_auction, record_bids
from distribution.attempts.campaigns import CAMPAIGNS, read_heads
from distribution.attempts.chain import is_sold_by
from distribution.attempts.close_offer import ClosedOffer, close_offer, find_latest, withdraw_offer
from distribution.attempts.open_auction import open_auction
from distribution.attempts.open_offer import open_offer
from distribution.attempts.record import UNCLAIMED, AttemptRecord, Decided, Unsold, find_unsold
from distribution.attempts.trace import record_decision
from distribution.engine import (
    CampaignHead,
    CompiledCampaign,
    Decision,
    DecisionFacts,
    decide,
    resolve_campaign,
)
from distribution.models import OfferEnd, OfferKind
from distribution.models.campaign_modes import OFFERING
from routing.locks.attempts import LockedLead
from routing.models import LeadStatus
from tracing.skip_reasons import RetryClass
from tracing.vocabulary import Event


def end_offer(record: AttemptRecord, *, is_canceled: bool = False) -> None:
    """Close the offer of a lead whose time is over, or that is sold otherwise. Needs the lead's lock."""
    closed = record.closed = close_offer(record.lead.id, at=record.at, is_canceled=is_canceled)
    if closed is not None:
        event = Event.AUCTION_CLOSED if closed.kind == OfferKind.AUCTION else Event.PING_POST_CLOSED
        record.trace.add(event, data={**closed.describe(), **record.mark_test()})


def find_next_campaign(record: AttemptRecord) -> CompiledCampaign | None:
    """Return the campaign that the attempt goes on with. None: there is none, and the record says why."""
    lead, closed = record.lead, record.closed
    if closed is None:
        record.failed = _find_failed(lead, at=record.at)
    heads, versions = read_heads(workspace_id=lead.workspace_id, vertical=lead.vertical)
    if closed is not None:
        own = next((each for each in heads if each.id == closed.campaign_id), None)
        fallback = _find_fallback(own, versions[own.id]) if own else "next_campaign"
        if fallback == "unsold" or (fallback == "next_campaign" and _has_sold(lead, closed)):
            record.unsold = Unsold(UNCLAIMED, RetryClass.PERMANENT)
            return None
        if own is not None and fallback == "push":
            return CAMPAIGNS.get(own.id, config_version=versions[own.id])
    heads = [each for each in heads if each.id not in record.passed]
    head = resolve_campaign(heads, source_id=lead.source_id, vertical=lead.vertical)
    if head is None:
        record.unsold = Unsold("no_campaign" if closed is None else UNCLAIMED, RetryClass.PERMANENT)
        return None
    return CAMPAIGNS.get(head.id, config_version=versions[head.id])


def _find_failed(lead: LockedLead, *, at: datetime) -> ClosedOffer | None:
    """The auction of a chain of offers that is opened again, because nobody was asked in it.

    A lock conflict leaves a lead pending with its tries as well, after an auction that was decided or canceled.
    """
    latest = find_latest(lead.id, at=at) if lead.conflicts else None
    if latest is None or latest.kind != OfferKind.AUCTION or latest.reason == OfferEnd.CANCELED:
        return None
    return latest if read_auction(latest, is_new=True).has_failed else None


def find_auction(record: AttemptRecord) -> Auction | None:
    """The bids by which this attempt sells: of the auction that it closed, or that a chain of posts goes on with.

    A chain that began after a ping post goes on with its fallback, so that buyers are not offered the lead again.
    """
    closed, is_new = record.closed, record.closed is not None
    if closed is None and record.lead.posting_from is not None:
        closed = find_latest(record.lead.id, at=record.at)
    if closed is None or closed.kind == OfferKind.AUCTION:
        return None if closed is None else read_auction(closed, is_new=is_new)
    record.closed = closed
    return None


def record_unused_bids(record: AttemptRecord) -> None:
    """Say what became of each place of an auction that this attempt closed without a decision about the bids.

    Its campaign was turned off, or the lead expired, is a duplicate, went elsewhere or has to wait. The event of the
    end says the same as the row.
    """
    closed = record.closed
    is_closed_now = closed is not None and record.lead.status == LeadStatus.OFFERED
    if closed is None or not is_closed_now or closed.kind != OfferKind.AUCTION or record.has_bids:
        return
    auction = read_auction(closed, is_new=True)
    if not auction.has_failed:
        record_bids(record.trace, auction, None)
        withdraw_offer(closed.id)
        record.trace.amend(Event.AUCTION_CLOSED, reason=OfferEnd.CANCELED.value)


def find_own_campaign(record: AttemptRecord, closed: ClosedOffer) -> CompiledCampaign | None:
    """The campaign of the auction. None: it takes no more leads."""
    _, versions = read_heads(workspace_id=record.lead.workspace_id, vertical=record.lead.vertical)
    version = versions.get(closed.campaign_id)
    return None if version is None else CAMPAIGNS.get(closed.campaign_id, config_version=version)


def may_fall_back(record: AttemptRecord, closed: ClosedOffer, decision: Decision) -> bool:
    """True if the auction sold nothing and its fallback may run."""
    if decision.outcome == "sold_out":
        return record.lead.is_partly_sold and not _has_sold(record.lead, closed)
    return decision.outcome == "unsold"


def find_fallback(record: AttemptRecord, closed: ClosedOffer) -> CompiledCampaign | None:
    """The campaign with which the attempt goes on after an auction in which nobody's bid may win."""
    record.closed = closed
    return find_next_campaign(record)


def _has_sold(lead: LockedLead, closed: ClosedOffer) -> bool:
    """Whether a buyer of this offer has the lead. One of the next campaign does not keep it from filling its places."""
    return lead.is_partly_sold and is_sold_by(closed.campaign_id, lead_id=lead.id)


def _find_fallback(head: CampaignHead, config_version: int) -> str:
    return CAMPAIGNS.get(head.id, config_version=config_version).offer.fallback


def is_offered_first(record: AttemptRecord, campaign: CompiledCampaign) -> bool:
    """Whether buyers are shown the lead now. A campaign whose offer has just ended pushes it."""
    is_over = record.closed is not None and record.closed.campaign_id == campaign.id
    return campaign.mode in OFFERING and not is_over


def offer(record: AttemptRecord, campaign: CompiledCampaign, facts: DecisionFacts) -> None:
    """Show the lead to every buyer that passes the gates. Nothing is charged, so no buyer is locked."""
    decided = record.decided = Decided(campaign, facts, decide(campaign, facts))
    record_decision(record.trace, decided.decision, zip_code=record.lead.zip)
    record.unsold = find_unsold(decided.decision)
    if decided.decision.offered:
        begin = open_auction if campaign.mode == "auction" else open_offer
        record.opened = begin(
            record.lead,
            campaign=campaign,
            decision=decided.decision,
            attempt_id=record.trace.head.id,
            at=record.at,
            sold_count=facts.lead.sold_count,
            passed=record.passed,
        )
