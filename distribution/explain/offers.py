"""The offers of a lead: who was shown it and when, at what price, who claimed it, and who was late. Reads only."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.db import connection

from distribution.explain.places import COLUMNS, SALE, ExplainedPlace, PlaceStory, describe_place
from distribution.explain.types import OfferedBuyer, Participant, TracedOffer
from distribution.models import Buyer
from tracing.models import Attempt
from tracing.names import BuyerName, Names
from tracing.queries import TracedAttempt
from tracing.vocabulary import Event

OPENING: Final = frozenset({Event.PING_POST_OPENED, Event.AUCTION_OPENED})
READ: Final = f"""
SELECT {COLUMNS}
FROM distribution_offer o JOIN distribution_offerbuyer b ON b.offer_id = o.id {SALE}
WHERE o.lead_id = %(lead)s AND o.attempt_id = ANY(%(attempts)s::uuid[])
    AND (%(buyer)s::bigint IS NULL OR b.buyer_id = %(buyer)s)
ORDER BY o.id, b.claimed_at, b.lost_at, b.rank, b.visible_at, b.id
"""  # noqa: S608 - constants only


def read_places(
    lead_id: int, *, traced: Iterable[TracedAttempt], buyer_id: int | None = None
) -> list[ExplainedPlace]:
    """The places in the offers that these attempts opened. Runs no statement if they opened none."""
    opened = [each.attempt.pk for each in traced if any(event.event in OPENING for event in each.events)]
    if not opened:
        return []
    with connection.cursor() as cursor:
        cursor.execute(READ, {"lead": lead_id, "attempts": opened, "buyer": buyer_id})
        return [ExplainedPlace(*row) for row in cursor.fetchall()]


def explain_place(attempt: Attempt, *, buyer: Buyer) -> PlaceStory | None:
    """What became of the buyer in the offer that the attempt opened. None: the buyer was not shown one."""
    asked: dict[str, Any] = {"lead": attempt.lead_id, "attempts": [attempt.pk], "buyer": buyer.pk}
    with connection.cursor() as cursor:
        cursor.execute(READ, asked)
        row = cursor.fetchone()
    names = Names(buyers={buyer.pk: BuyerName(buyer.name, buyer.timezone)})
    return None if row is None else describe_place(ExplainedPlace(*row), names=names)


def describe_offers(
    places: Sequence[ExplainedPlace],
    *,
    numbers: dict[UUID, int],
    name_of: Callable[[int | None], Participant],
    names: Names,
) -> tuple[TracedOffer, ...]:
    """`numbers`: of the attempts, by id. `name_of`: the buyer with this id."""
    grouped = groupby(places, key=lambda place: place.offer_id)
    return tuple(
        _describe_offer(list(rows), numbers=numbers, name_of=name_of, names=names) for _, rows in grouped
    )


def _describe_offer(
    rows: Sequence[ExplainedPlace],
    *,
    numbers: dict[UUID, int],
    name_of: Callable[[int | None], Participant],
    names: Names,
) -> TracedOffer:
    first = rows[0]
    return TracedOffer(
        offer_id=first.offer_id,
        kind=first.kind,
        attempt=numbers[first.attempt_id],
        opened_at=first.opened_at,
        closes_at=first.closes_at,
        ended_at=first.ended_at,
        end_reason=first.end_reason,
        buyers=tuple(_describe_buyer(row, name_of(row.buyer_id), names) for row in rows),
    )


def _describe_buyer(place: ExplainedPlace, buyer: Participant, names: Names) -> OfferedBuyer:
    story = describe_place(place, names=names)
    return OfferedBuyer(
        buyer=buyer,
        tier=place.tier_position,
        price_cents=place.price_cents,
        shown_from=place.visible_at,
        claimed_at=place.claimed_at,
        bought_cents=place.bought_cents,
        refused_at=place.lost_at,
        late_ms=place.late_ms,
        reason=place.reason,
        sentence=story.sentence,
        change=story.change,
        fixer=story.fixer,
    )
