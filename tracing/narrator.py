"""Turns the events of an attempt into sentences. Pure: rows and names come in, text goes out.

Tracing has no models of buyers and campaigns: the caller passes their names. A code without words here gets a plain
sentence, because rows are permanent and words may change. The sentences of each event are in the modules of words.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tracing.attempt_words import (
    TRIGGERS,
    WAITED_FOR,
    describe_attempt,
    describe_campaign,
    describe_failure,
    describe_gated,
    describe_route,
    describe_start,
)
from tracing.auction_words import describe_bid, describe_closing, describe_opening
from tracing.buyer_words import describe_pool, describe_selection, describe_skip
from tracing.event_rows import EventContext, EventRow
from tracing.names import Names
from tracing.offer_words import describe_claim, describe_end_of_offer, describe_offer
from tracing.price_words import describe_price
from tracing.reason_words import (
    describe_change,
    describe_lead_change,
    describe_obstacles,
    describe_reason,
    needs_person,
)
from tracing.sale_words import describe_acceptance, describe_delivery, describe_rejection, describe_sale
from tracing.vocabulary import Event

__all__ = [
    "EVENT_WORDS",
    "TRIGGERS",
    "WAITED_FOR",
    "describe_attempt",
    "describe_change",
    "describe_events",
    "describe_lead_change",
    "describe_obstacles",
    "describe_reason",
    "needs_person",
]

OF_AUCTIONS: Final = frozenset({Event.AUCTION_OPENED, Event.AUCTION_CLOSED})


def describe_events(events: Sequence[EventRow], *, names: Names, has_selection: bool = False) -> list[str]:
    """One sentence for each event of one attempt, in the same order. Never raises for odd data.

    `has_selection`: the attempt selected a buyer, although its event may be missing here.
    """
    kinds = {event.event for event in events}
    context = EventContext(
        names,
        has_selection=has_selection or Event.BUYER_SELECTED in kinds,
        is_auction=not kinds.isdisjoint(OF_AUCTIONS),
    )
    return [_describe_event(event, context) for event in events]


def _describe_event(event: EventRow, context: EventContext) -> str:
    try:
        return EVENT_WORDS[event.event](event, context)
    except (LookupError, TypeError, ValueError, AttributeError):
        return _plain(event, context)


def _plain(event: EventRow, context: EventContext) -> str:
    whose = f"{context.names.buyer(event.buyer_id).name}: " if event.buyer_id is not None else ""
    why = f" ({event.skip_reason})" if event.skip_reason else ""
    return f"{whose}{event.event}{why}."


def _auction_opened(event: EventRow, _context: EventContext) -> str:
    return describe_opening(event.data)


def _bid_received(event: EventRow, context: EventContext) -> str:
    return describe_bid(event.data, context.names.buyer(event.buyer_id).name)


def _auction_closed(event: EventRow, _context: EventContext) -> str:
    return describe_closing(event.data)


EVENT_WORDS: Final[Mapping[str, Callable[[EventRow, EventContext], str]]] = {
    Event.DISTRIBUTION_STARTED: describe_start,
    Event.ROUTED: describe_route,
    Event.CAMPAIGN_RESOLVED: describe_campaign,
    Event.PRICING_COMPUTED: describe_price,
    Event.BUYER_POOL_COMPOSED: describe_pool,
    Event.BUYER_SKIPPED: describe_skip,
    Event.BUYER_SELECTED: describe_selection,
    Event.DISTRIBUTED: describe_sale,
    Event.FAILED: describe_failure,
    Event.DELIVERY_STARTED: describe_delivery,
    Event.DELIVERY_ACCEPTED: describe_acceptance,
    Event.DELIVERY_REJECTED: describe_rejection,
    Event.GATED_FOR_VERIFICATION: describe_gated,
    Event.PING_POST_OPENED: describe_offer,
    Event.PING_POST_CLAIMED: describe_claim,
    Event.PING_POST_CLOSED: describe_end_of_offer,
    Event.AUCTION_OPENED: _auction_opened,
    Event.BID_RECEIVED: _bid_received,
    Event.AUCTION_CLOSED: _auction_closed,
}
