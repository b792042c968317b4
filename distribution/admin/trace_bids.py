"""The bids of an auction in the trace drawer: who bid what, how fast, and which rank it had."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from distribution.explain.types import TracedOffer
from distribution.models import BidOutcome, Offer, OfferBuyer, OfferKind, OfferState
from distribution.models.offer import WRITING
from routing.models import Lead
from tracing.wording import duration, money

EVENTS: Final = frozenset({"auction_opened", "auction_closed"})
NOT_ASKED: Final = ("not asked", "wait")
NOT_KNOWN: Final = ("no answer known", "wait")
# What the table says, and how it is colored.
OUTCOMES: Final = {
    "": ("not answered yet", "wait"),
    BidOutcome.BID: ("bid", "good"),
    BidOutcome.STANDING: ("standing bid", "good"),
    BidOutcome.NO_BID: ("no bid", "plain"),
    BidOutcome.REFUSED: ("refused", "bad"),
    BidOutcome.LATE: ("too late", "bad"),
    BidOutcome.TIMEOUT: ("no answer in time", "bad"),
    BidOutcome.ERROR: ("error", "bad"),
}


@dataclass(frozen=True, slots=True)
class BidRow:
    """`percent`: its latency in percent of the deadline, at most 100. None: it was not asked, or has not answered.

    `share`: its bid in percent of the highest one. None: no bid.
    """

    buyer: str
    outcome: str
    tone: str
    bid: str
    share: float | None
    rank: str
    latency: str
    percent: float | None
    is_late: bool
    reason: str


@dataclass(frozen=True, slots=True)
class BidTable:
    deadline: str
    reserve: str
    rows: tuple[BidRow, ...]


def build_bids(
    lead: Lead, *, at: datetime, events: Sequence[str], offers: Sequence[TracedOffer]
) -> BidTable | None:
    """The auction of the attempt that began `at`. None: the attempt neither opened nor closed one. Two statements.

    `offers`: those of the lead. They say who bought it.
    """
    if not EVENTS & set(events):
        return None
    auctions = Offer.objects.filter(lead=lead, kind=OfferKind.AUCTION, opened_at__lte=at)
    auction = auctions.order_by("-pk").first()
    if auction is None:
        return None
    deadline_ms = max(0.0, (auction.closes_at - auction.opened_at - WRITING).total_seconds() * 1000)
    traced = [each.buyers for each in offers if each.offer_id == auction.public_id]
    bought = {each.buyer.public_id for buyers in traced for each in buyers if each.bought_cents is not None}
    rows = list(OfferBuyer.objects.filter(offer=auction).select_related("buyer"))
    highest = max((_find_cents(row) or 0 for row in rows), default=0)
    ranked = sorted(rows, key=lambda row: (row.rank is None, row.rank or 0, row.bid_cents is None, row.pk))
    return BidTable(
        deadline=duration(deadline_ms) if deadline_ms else "",
        reserve="" if auction.reserve_cents is None else money(auction.reserve_cents),
        rows=tuple(
            _describe(
                row,
                deadline_ms=deadline_ms,
                highest_cents=highest,
                is_open=auction.state == OfferState.OPEN,
                has_bought=row.buyer.public_id in bought,
            )
            for row in ranked
        ),
    )


def _find_words(row: OfferBuyer, *, is_open: bool) -> tuple[str, str]:
    if row.asked_at is None and (
        row.bid_outcome == BidOutcome.ERROR or (not row.bid_outcome and not is_open)
    ):
        return NOT_ASKED
    return OUTCOMES[row.bid_outcome] if row.bid_outcome or is_open else NOT_KNOWN


def _find_cents(row: OfferBuyer) -> int | None:
    """Its bid; a standing bid that no other one replaced has a rank."""
    return row.price_cents if row.bid_cents is None and row.rank else row.bid_cents


def _describe(
    row: OfferBuyer, *, deadline_ms: float, highest_cents: int, is_open: bool, has_bought: bool
) -> BidRow:
    words, tone = _find_words(row, is_open=is_open)
    if has_bought:
        words, tone = ("won" if row.rank else "bought after it"), "good"
    cents = _find_cents(row)
    is_asked = row.latency_ms is not None and deadline_ms > 0
    return BidRow(
        buyer=row.buyer.name,
        outcome=words,
        tone=tone,
        bid="" if cents is None else money(cents),
        share=None if cents is None else round(100 * cents / max(highest_cents, 1), 1),
        rank=str(row.rank or ""),
        latency="" if row.latency_ms is None else duration(row.latency_ms),
        percent=min(100.0, round(100 * (row.latency_ms or 0) / deadline_ms, 1)) if is_asked else None,
        is_late=is_asked and (row.latency_ms or 0) > deadline_ms,
        reason=row.bid_reason,
    )
