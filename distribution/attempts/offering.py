"""Offers within an attempt: one that ends, what follows it, and one that begins.

attempt -> offered until closes_at -> claimed by as many buyers as may have it (distribution/offers/claim.py)
                                  `-> attempt at closes_at: closed -> push | next campaign | unsold
"""

from distribution.attempts.campaigns import CAMPAIGNS, read_heads
from distribution.attempts.close_offer import close_offer
from distribution.attempts.open_offer import open_offer
from distribution.attempts.record import UNCLAIMED, AttemptRecord, Decided, Unsold, find_unsold
from distribution.attempts.trace import record_decision
from distribution.engine import CampaignHead, CompiledCampaign, DecisionFacts, decide, resolve_campaign
from tracing.skip_reasons import RetryClass
from tracing.vocabulary import Event


def end_offer(record: AttemptRecord) -> None:
    """Close the offer of a lead whose time is over. Needs the lead's lock."""
    closed = record.closed = close_offer(record.lead.id, at=record.at)
    if closed is not None:
        record.trace.add(Event.PING_POST_CLOSED, data={**closed.describe(), **record.mark_test()})


def find_next_campaign(record: AttemptRecord) -> CompiledCampaign | None:
    """Return the campaign that the attempt goes on with. None: there is none, and the record says why."""
    lead, closed = record.lead, record.closed
    heads, versions = read_heads(workspace_id=lead.workspace_id, vertical=lead.vertical)
    if closed is not None:
        own = next((each for each in heads if each.id == closed.campaign_id), None)
        fallback = _find_fallback(own, versions[own.id]) if own else "next_campaign"
        if fallback == "unsold" or (closed.claims and fallback == "next_campaign"):
            record.unsold = Unsold(UNCLAIMED, RetryClass.PERMANENT)
            return None
        if own is not None and fallback == "push":
            return CAMPAIGNS.get(own.id, config_version=versions[own.id])
        heads = [each for each in heads if each.id not in closed.passed]
    head = resolve_campaign(heads, source_id=lead.source_id, vertical=lead.vertical)
    if head is None:
        record.unsold = Unsold("no_campaign" if closed is None else UNCLAIMED, RetryClass.PERMANENT)
        return None
    return CAMPAIGNS.get(head.id, config_version=versions[head.id])


def _find_fallback(head: CampaignHead, config_version: int) -> str:
    return CAMPAIGNS.get(head.id, config_version=config_version).offer.fallback


def is_offered_first(record: AttemptRecord, campaign: CompiledCampaign) -> bool:
    """Whether buyers are shown the lead now. A campaign whose offer has just ended pushes it."""
    is_over = record.closed is not None and record.closed.campaign_id == campaign.id
    return campaign.mode == "ping_post" and not is_over


def offer(record: AttemptRecord, campaign: CompiledCampaign, facts: DecisionFacts) -> None:
    """Show the lead to every buyer that passes the gates. Nothing is charged, so no buyer is locked."""
    decided = record.decided = Decided(campaign, facts, decide(campaign, facts))
    record_decision(record.trace, decided.decision, zip_code=record.lead.zip)
    record.unsold = find_unsold(decided.decision)
    if decided.decision.offered:
        record.opened = open_offer(
            record.lead,
            campaign=campaign,
            decision=decided.decision,
            attempt_id=record.trace.head.id,
            at=record.at,
            sold_count=facts.lead.sold_count,
            passed=record.closed.passed if record.closed else (),
        )
