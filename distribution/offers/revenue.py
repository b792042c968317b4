"""The revenue of a lead that is certain now, by the way in which its campaign sells.

    push        what the selected buyers pay
    ping post   the cheapest price that a buyer is shown: any of them may claim, and nobody else has to
    auction     what the standing bids of buyers that are not asked make; otherwise the reserve, if buyers are asked;
                otherwise what the fallback sells for

Nothing is locked, held or written. A fallback lowers no price: it sells for what was promised, or says why not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from distribution.attempts.campaigns import CAMPAIGNS, read_heads
from distribution.attempts.decide_under_lock import read_facts
from distribution.attempts.open_auction import find_asked, read_returned
from distribution.engine import (
    CompiledCampaign,
    Decision,
    DecisionFacts,
    LiveFacts,
    Offered,
    decide,
    resolve_campaign,
)
from routing.locks.attempts import LockedLead

# Buyers are asked about each lead, and nothing says what they will bid at least.
NO_CERTAIN_PRICE: Final = "no_certain_price"
BROKEN: Final = "internal_error"

Gates = Sequence[Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Revenue:
    """`campaign_id`: the campaign that takes the lead, even if the fallback to another one makes the price.

    `cents` None: `reason` says why, and `gates` has those that failed, for each buyer.
    """

    campaign_id: int
    cents: int | None
    reason: str = ""
    gates: Gates = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A lead that is not stored, at the time at which its source asks. `seed` breaks ties."""

    lead: LockedLead
    at: datetime
    seed: int


def find_revenue(asked: Asked, *, passed: frozenset[int] = frozenset()) -> Revenue | None:
    """None: no campaign takes the lead. `passed`: the campaigns whose fallback led here."""
    heads, versions = read_heads(workspace_id=asked.lead.workspace_id, vertical=asked.lead.vertical)
    left = [each for each in heads if each.id not in passed]
    head = resolve_campaign(left, source_id=asked.lead.source_id, vertical=asked.lead.vertical)
    if head is None:
        return None
    campaign = CAMPAIGNS.get(head.id, config_version=versions[head.id])
    facts = read_facts(asked.lead, campaign=campaign, at=asked.at, seed=asked.seed)
    if campaign.mode == "ping_post":
        return _of_offer(campaign, facts)
    if campaign.mode == "auction":
        return _of_auction(campaign, facts, asked, passed | {campaign.id})
    return _of_sale(campaign, decide(campaign, facts))


def _of_sale(campaign: CompiledCampaign, decision: Decision) -> Revenue:
    if not decision.selected:
        return _nothing(campaign, decision)
    return Revenue(campaign.id, sum(each.price_cents for each in decision.selected))


def _nothing(campaign: CompiledCampaign, decision: Decision) -> Revenue:
    reason = decision.verdict.reason if decision.verdict else BROKEN
    return Revenue(campaign.id, None, reason, [skip.gates for skip in decision.skipped])


def _of_offer(campaign: CompiledCampaign, facts: DecisionFacts) -> Revenue:
    """One claim may be the only one, so a lead for several buyers is worth no more."""
    decision = decide(campaign, replace(facts, phase="offer"))
    if not decision.offered:
        return _nothing(campaign, decision)
    return Revenue(campaign.id, min(each.price_cents for each in decision.offered))


def _of_auction(
    campaign: CompiledCampaign, facts: DecisionFacts, asked: Asked, passed: frozenset[int]
) -> Revenue:
    opening = decide(campaign, replace(facts, phase="offer"))
    if not opening.offered:
        return _nothing(campaign, opening)
    are_asked = find_asked([each.buyer_id for each in opening.offered], campaign_id=campaign.id)
    bids = decide(campaign, _add_standing(campaign, facts, opening.offered, are_asked))
    if bids.selected:
        return _of_sale(campaign, bids)
    reserve_cents = campaign.auction.reserve_cents
    if are_asked and reserve_cents:
        return Revenue(campaign.id, reserve_cents)
    fallback = _of_fallback(campaign, facts, asked, passed)
    if fallback is not None and (fallback.cents is not None or not are_asked):
        return replace(fallback, campaign_id=campaign.id)
    return Revenue(campaign.id, None, NO_CERTAIN_PRICE) if are_asked else _nothing(campaign, bids)


def _add_standing(
    campaign: CompiledCampaign,
    facts: DecisionFacts,
    offered: Sequence[Offered],
    are_asked: frozenset[int],
) -> DecisionFacts:
    """Only the bids of buyers that are not asked are certain: an answer replaces a standing bid."""
    returned = read_returned(campaign, offered, at=facts.at)
    live: dict[int, LiveFacts] = dict(facts.live)
    for each in offered:
        if each.buyer_id not in are_asked and each.standing_cents is not None:
            live[each.enrollment_id] = replace(
                live[each.enrollment_id],
                bid_cents=each.standing_cents,
                bid_outcome="standing",
                returned_bps=returned.get(each.enrollment_id, 0),
            )
    return replace(facts, live=live, phase="bids")


def _of_fallback(
    campaign: CompiledCampaign, facts: DecisionFacts, asked: Asked, passed: frozenset[int]
) -> Revenue | None:
    """None: it sells to nobody."""
    if campaign.offer.fallback == "push":
        return _of_sale(campaign, decide(campaign, facts))
    return find_revenue(asked, passed=passed) if campaign.offer.fallback == "next_campaign" else None
