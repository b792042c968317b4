"""The offers of a lead in the trace drawer: who was shown it and when, who claimed it, was late or let it pass."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from distribution.explain.places import whole_ms
from distribution.explain.types import AttemptExplanation, Explanation, OfferedBuyer, TracedOffer
from distribution.models import OfferEnd, OfferKind
from tracing.obstacles import describe_clause
from tracing.vocabulary import Event
from tracing.wording import count, duration, money, span

OPENED: Final = frozenset({Event.PING_POST_OPENED})
# An attempt with one of these is about the offer that was open before it.
ENDED: Final = frozenset({Event.PING_POST_CLAIMED, Event.PING_POST_CLOSED})
# What the table says for a reason, and how it is colored. Any other is a gate that refused the claim.
OUTCOMES: Final = {
    "": ("can still claim", "wait"),
    "offer_not_claimed": ("let it pass", "plain"),
    "claim_lost": ("too late", "bad"),
    "claim_late": ("after the end", "bad"),
    "claim_paused": ("refused", "bad"),
    "claim_not_enrolled": ("refused", "bad"),
    "offer_not_seen": ("not shown in time", "plain"),
    "offer_withdrawn": ("withdrawn", "plain"),
}
REFUSED: Final = ("refused", "bad")
ENDS: Final = {
    OfferEnd.CLAIMED: "all places were claimed",
    OfferEnd.WINDOW_OVER: "its time was over",
    OfferEnd.CANCELED: "there was no decision, because the lead ended in another way, was moved or had to wait,"
    " or the campaign was turned off",
}


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """One buyer. `shown`: when it saw the lead, after the opening. `detail`: how early or late it was, or why not."""

    buyer: str
    buyer_id: UUID | None
    tier: int
    price: str
    shown: str
    outcome: str
    tone: str
    detail: str


@dataclass(frozen=True, slots=True)
class OfferTable:
    """`attempt`: the number of the one that opened it."""

    attempt: int
    opened_at: datetime
    summary: str
    rows: tuple[PlaceRow, ...]


def build_offers(explanation: Explanation, attempt: AttemptExplanation) -> tuple[OfferTable, ...]:
    """The offer that the attempt goes on with or ends, and the one that it opened."""
    return tuple(_build(offer) for offer in _find_offers(explanation, attempt))


def _find_offers(explanation: Explanation, attempt: AttemptExplanation) -> Iterator[TracedOffer]:
    offers = [each for each in explanation.offers if each.kind == OfferKind.PING_POST]
    events = {step.event for step in attempt.steps}
    before = [each for each in offers if each.attempt < attempt.number]
    if before and ENDED & events:
        yield before[-1]
    if OPENED & events:
        yield from (each for each in offers if each.attempt == attempt.number)


def _build(offer: TracedOffer) -> OfferTable:
    return OfferTable(
        attempt=offer.attempt,
        opened_at=offer.opened_at,
        summary=_summarize(offer),
        rows=tuple(_describe(each, offer) for each in offer.buyers),
    )


def _summarize(offer: TracedOffer) -> str:
    """ "Shown to 3 buyers for up to 1 min. It ended after 2.0 s: all places were claimed." """
    longest = span((offer.closes_at - offer.opened_at).total_seconds())
    text = f"Shown to {count(len(offer.buyers), 'buyer')} for up to {longest}."
    if offer.ended_at is None:
        return f"{text} It is still open."
    why = ENDS.get(OfferEnd(offer.end_reason), offer.end_reason)
    return f"{text} It ended after {_between(offer.opened_at, offer.ended_at)}: {why}."


def _describe(place: OfferedBuyer, offer: TracedOffer) -> PlaceRow:
    outcome, tone = _describe_outcome(place)
    is_at_once = place.shown_from <= offer.opened_at
    return PlaceRow(
        buyer=place.buyer.name,
        buyer_id=place.buyer.public_id,
        tier=place.tier,
        price="" if place.price_cents is None else money(place.price_cents),
        shown="at once" if is_at_once else f"after {_between(offer.opened_at, place.shown_from)}",
        outcome=outcome,
        tone=tone,
        detail=_detail(place),
    )


def _describe_outcome(place: OfferedBuyer) -> tuple[str, str]:
    if place.claimed_at is not None:
        return "claimed", "good"
    if place.bought_cents is not None:
        return "bought after the offer", "good"
    return OUTCOMES.get(place.reason, REFUSED)


def _detail(place: OfferedBuyer) -> str:
    if place.claimed_at is not None:
        return f"{_between(place.shown_from, place.claimed_at)} after it was shown"
    if place.bought_cents is not None:
        return f"for {money(place.bought_cents)}"
    if place.late_ms is not None:
        return f"by {duration(place.late_ms)}"
    if place.reason in OUTCOMES and place.reason not in ("claim_paused", "claim_not_enrolled"):
        return ""
    return describe_clause(place.reason)


def _between(start: datetime, end: datetime) -> str:
    return duration(whole_ms(start, end))
