"""A buyer's claim of an offer: the first valid one within the time gets the lead, and is charged at once.

    lock lead -> offer -> wallet and enrollment -> the same gates on fresh facts, for this buyer -> charge -> trace

Each claim that gets the lead is an attempt. One that is refused is none: it is recorded at the buyer's place in the
offer, outside the locks, so that losers do not hold up each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, NoReturn
from uuid import UUID

from django.db import OperationalError, transaction

from distribution.attempts.begin import begin_record
from distribution.attempts.campaigns import CAMPAIGNS, read_heads, run_with_snapshots
from distribution.attempts.decide_under_lock import sell_selected
from distribution.attempts.live_facts import lead_facts, read_claimant
from distribution.attempts.promises import read_promise
from distribution.attempts.record import AttemptRecord, Decided
from distribution.engine import CompiledCampaign, CompiledEnrollment, DecisionFacts, Skip, decide
from distribution.locks import wait_for_candidates
from distribution.offers.ending import conclude_claim
from distribution.offers.places import OfferPlace, find_place, lock_place, record_refusal
from distribution.offers.refusals import (
    ClaimBusy,
    ClaimRefused,
    NotEligible,
    SellingPaused,
    Taken,
    WindowOver,
)
from routing.locks.attempts import LockedLead, lock_lead, wait_for_lead
from routing.models import LeadStatus
from tracing.locks import is_lock_timeout
from tracing.models import AttemptTrigger
from tracing.vocabulary import Event

# Two seconds in all. Another claim, or another lead that holds the buyer, takes some milliseconds.
TURNS_MS: Final = (100, 200, 300, 400, 500, 500)
NOT_ENROLLED: Final = "You are no longer enrolled in this campaign."
PAUSED: Final = "Selling is paused. Claim the lead again when it resumes."


@dataclass(frozen=True, slots=True)
class ClaimedSale:
    """`is_new` False: this buyer had claimed the lead before, and nothing was charged again."""

    assignment_id: UUID
    is_new: bool


class _BuyerBusy(Exception):
    """Another lead holds the buyer."""


def claim_offer(
    public_id: UUID, *, buyer_id: int, actor: str = "", at: datetime | None = None
) -> ClaimedSale:
    """Sell an offered lead to one buyer that was shown it, at the price it was shown. Idempotent for the winner.

    `actor`: the key or the person that claims. `at` None: the database's clock under the lead's lock. Needs no open
    transaction.
    Raises OfferNotFound, ClaimRefused, ClaimBusy.
    """
    place = find_place(public_id, buyer_id=buyer_id, at=at)
    try:
        return _try_until_done(place, actor=actor, at=at)
    except ClaimRefused as refusal:
        record_refusal(place, refusal)
        raise


def _try_until_done(place: OfferPlace, *, actor: str, at: datetime | None) -> ClaimedSale:
    """Wait for the lead's lock in turns, and look at the offer before each, without a lock.

    So a claim that lost learns it when its turn is over at the latest, however long others hold the lead.
    """
    for turn_ms in TURNS_MS:
        if (known := _read_end(place, at=at or place.read_at)) is not None:
            return known
        try:
            return run_with_snapshots(partial(_claim_within, place, turn_ms=turn_ms, actor=actor, at=at))
        except _BuyerBusy:
            pass
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
        place = find_place(place.public_id, buyer_id=place.buyer_id, at=at)
    if (known := _read_end(place, at=at or place.read_at)) is not None:
        return known
    raise ClaimBusy


def _read_end(place: OfferPlace, *, at: datetime) -> ClaimedSale | None:
    """The sale, if the buyer claimed the lead before; None: the offer is open. Raises ClaimRefused if it is over."""
    if place.assignment_id is not None:
        return ClaimedSale(place.assignment_id, is_new=False)
    if place.ended_at is not None or at >= place.closes_at:
        raise _ended(place, at=at)
    return None


def _claim_within(place: OfferPlace, *, turn_ms: int, actor: str, at: datetime | None) -> ClaimedSale:
    with transaction.atomic():
        status = wait_for_lead(place.lead_id, longest_ms=turn_ms)
        place = lock_place(place)
        at = at or place.read_at
        if (known := _read_end(place, at=at)) is not None:
            return known
        if status != LeadStatus.OFFERED:
            raise _ended(place, at=at)
        lead = lock_lead(place.lead_id)
        assert lead is not None  # noqa: S101 - its lock is held
        if lead.is_paused:
            raise SellingPaused(PAUSED, at=at)
        return _claim_locked(place, lead, actor=actor, at=at)


def _ended(place: OfferPlace, *, at: datetime) -> ClaimRefused:
    if place.is_taken:
        return Taken("Other buyers claimed this lead first.", at=at, ended_at=place.ended_at or at)
    return WindowOver(
        "The time of this offer is over.", at=at, ended_at=min(place.ended_at or at, place.closes_at)
    )


def _claim_locked(place: OfferPlace, lead: LockedLead, *, actor: str, at: datetime) -> ClaimedSale:
    campaign = _find_campaign(place, lead, at=at)
    enrollment = next((each for each in campaign.enrollments if each.buyer_id == place.buyer_id), None)
    if enrollment is None:
        raise NotEligible(NOT_ENROLLED, at=at, skip=None)
    if not lead.is_test:
        _lock_buyer(enrollment, at=at)
    record = begin_record(lead, at=at, trigger=AttemptTrigger.CLAIM)
    decided = _decide(record, campaign, enrollment, place)
    record.decided = decided
    return _sell(record, decided, place, actor=actor)


def _find_campaign(place: OfferPlace, lead: LockedLead, *, at: datetime) -> CompiledCampaign:
    _, versions = read_heads(workspace_id=lead.workspace_id, vertical=lead.vertical)
    if place.campaign_id not in versions:
        raise SellingPaused(PAUSED, at=at)
    campaign = CAMPAIGNS.get(place.campaign_id, config_version=versions[place.campaign_id])
    CAMPAIGNS.require_snapshot(campaign)
    return campaign


def _lock_buyer(enrollment: CompiledEnrollment, *, at: datetime) -> None:
    found = wait_for_candidates([enrollment.id])
    if found is None:
        raise _BuyerBusy
    if not found:
        raise NotEligible(NOT_ENROLLED, at=at, skip=None)


def _decide(
    record: AttemptRecord, campaign: CompiledCampaign, enrollment: CompiledEnrollment, place: OfferPlace
) -> Decided:
    """The engine's own gates, at the price that the buyer was shown."""
    lead = record.lead
    read = read_claimant(enrollment.id, lead_id=lead.id, campaign=campaign)
    if read is None:
        raise NotEligible(NOT_ENROLLED, at=record.at, skip=None)
    live, sold_count = read
    facts = DecisionFacts(
        lead=lead_facts(lead, campaign=campaign, sold_count=sold_count),
        live={enrollment.id: replace(live, bid_cents=place.price_cents)},
        at=record.at,
        seed=record.seed,
        phase="claim",
        claimant=enrollment.id,
        promise=read_promise(lead, at=record.at),
    )
    decided = Decided(campaign, facts, decide(campaign, facts))
    if not decided.decision.selected:
        _refuse(decided.decision.skipped, at=record.at)
    return decided


def _refuse(skipped: Sequence[Skip], *, at: datetime) -> NoReturn:
    """`skipped`: the claimant, or nobody if the lead cannot be sold at all now."""
    skip = skipped[0] if skipped else None
    if skip is not None and skip.reason == "outranked":
        raise Taken("Other buyers claimed this lead first.", at=at, ended_at=at)
    raise NotEligible("You cannot buy this lead now.", at=at, skip=skip)


def _sell(record: AttemptRecord, decided: Decided, place: OfferPlace, *, actor: str) -> ClaimedSale:
    campaign = decided.campaign
    resolved = {"campaign_id": campaign.id, "config_version": campaign.config_version}
    record.trace.add(Event.CAMPAIGN_RESOLVED, data=resolved)
    assignments = sell_selected(
        decided, lead=record.lead, attempt_id=record.trace.head.id, workspace_ids=record.workspace_ids
    )
    if assignments is None:
        raise SellingPaused(PAUSED, at=record.at)
    record.assignments = assignments
    conclude_claim(record, place, buyers=decided.facts.lead.sold_count + 1, actor=actor)
    return ClaimedSale(assignments[0], is_new=True)
