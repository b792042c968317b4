"""Reads news of offers for the buyers who listen. Runs in a thread: asyncio must not wait for PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Q

from distribution.api.offeranswers import describe_ended, describe_offer
from distribution.api.streams.listener import News
from distribution.models import OfferBuyer, OfferKind, OfferState
from routing.queries import read_clock

# An offer's moment is earlier than its commit. A transaction that waits for a lock commits this late at most, so a
# listener that continues after a moment hears again what happened just before it.
OVERLAP: Final = timedelta(seconds=10)
# As often as what is open is read for everybody, and a little more.
RECENT: Final = timedelta(seconds=30)
# A listener that was away longer begins with the offers that are open.
LONGEST_ABSENCE: Final = timedelta(hours=1)
MOST_ROWS: Final = 1_000


def read_news(offer_ids: Sequence[int], *, buyer_ids: Sequence[int]) -> Sequence[News]:
    return _read(Q(offer_id__in=list(offer_ids), buyer_id__in=list(buyer_ids)))


def read_recent(*, buyer_ids: Sequence[int]) -> Sequence[News]:
    """What is open, and what has just closed: for all who listen, when notifications may have been missed."""
    return _read_since(read_clock() - RECENT, buyer_ids=buyer_ids)


def read_missed(buyer_id: int, *, after: datetime | None) -> Sequence[News]:
    """What a buyer has open and, with `after`, what closed since then."""
    now = read_clock()
    since = now if after is None else max(after, now - LONGEST_ABSENCE)
    return _read_since(since, buyer_ids=[buyer_id])


def read_ahead() -> timedelta:
    """How far the database's clock is ahead of this machine's."""
    return read_clock() - datetime.now(UTC)


def _read_since(since: datetime, *, buyer_ids: Sequence[int]) -> Sequence[News]:
    """A claim is in an offer that is open, or that closed later."""
    open_or_new = Q(offer__state=OfferState.OPEN) | Q(
        offer__state=OfferState.CLOSED, offer__closed_at__gt=since
    )
    return _read(Q(buyer_id__in=list(buyer_ids)) & open_or_new)


def _read(condition: Q) -> Sequence[News]:
    rows = OfferBuyer.objects.filter(condition, offer__kind=OfferKind.PING_POST)
    newest = rows.select_related("offer__campaign", "offer__lead", "assignment").order_by("-pk")
    return [_make_news(place) for place in newest[:MOST_ROWS]]


def _make_news(place: OfferBuyer) -> News:
    """A buyer's own claim ends the offer for it, although others may still claim the lead."""
    ended_at = place.claimed_at or place.offer.closed_at
    return News(
        row_id=place.pk,
        buyer_id=place.buyer_id,
        visible_at=place.visible_at,
        closed_at=ended_at,
        opened=describe_offer(place, at=place.visible_at),
        closed={} if ended_at is None else describe_ended(place, at=ended_at),
    )
