"""Which events a listener of offers gets, in which order, and how it continues."""

from datetime import UTC, datetime, timedelta

import pytest

from distribution.api.streams.listener import MOST_WAITING, EventName, Listener, News, StreamEvent
from distribution.api.streams.wire import encode_end, encode_event, seal_moment, unseal_moment
from routing.access.cursor import BadCursor

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BUYER = 7


def make_news(row_id: int = 1, *, visible: float = 0, closed: float | None = None) -> News:
    """Times in seconds after noon."""
    return News(
        row_id=row_id,
        buyer_id=BUYER,
        visible_at=NOON + timedelta(seconds=visible),
        closed_at=None if closed is None else NOON + timedelta(seconds=closed),
        opened={"offer": row_id},
        closed={"offer": row_id, "reason": "claimed"},
    )


def tell(listener: Listener, *news: News, at: float = 60) -> list[tuple[str, int]]:
    listener.tell(news, at=NOON + timedelta(seconds=at))
    heard = []
    while not listener.queue.empty():
        event = listener.queue.get_nowait()
        assert isinstance(event, StreamEvent)
        heard.append((event.name.value, event.data["offer"]))
    return heard


def test_a_new_listener_gets_what_is_open_once() -> None:
    listener = Listener(BUYER)
    assert tell(listener, make_news(1), make_news(2, closed=5)) == [("offer", 1)]
    assert tell(listener, make_news(1)) == []


def test_an_offer_closes_once_for_those_who_saw_it() -> None:
    listener = Listener(BUYER)
    tell(listener, make_news(1))
    closed = make_news(1, closed=5)
    assert tell(listener, closed) == [("offer_closed", 1)]
    assert tell(listener, closed, make_news(1)) == []


def test_an_offer_within_the_head_start_of_others_is_not_shown_yet() -> None:
    listener = Listener(BUYER)
    later = make_news(1, visible=10)
    assert tell(listener, later, at=9.9) == []
    assert tell(listener, later, at=10) == [("offer", 1)]


def test_an_offer_that_closed_within_the_head_start_of_others_is_never_shown() -> None:
    listener = Listener(BUYER, after=NOON - timedelta(seconds=1))
    assert tell(listener, make_news(1, visible=10, closed=5)) == []


def test_a_listener_that_continues_gets_what_it_missed_in_the_order_of_the_moments() -> None:
    listener = Listener(BUYER, after=NOON)
    missed = [make_news(1, visible=-5, closed=4), make_news(2, visible=1, closed=3), make_news(3, visible=2)]
    expected = [("offer", 2), ("offer", 3), ("offer_closed", 2), ("offer_closed", 1)]
    assert tell(listener, *missed) == expected


def test_a_listener_that_reads_too_slowly_is_marked() -> None:
    listener = Listener(BUYER)
    listener.tell([make_news(row) for row in range(MOST_WAITING)], at=NOON)
    assert not listener.is_too_slow
    listener.tell([make_news(MOST_WAITING)], at=NOON)
    assert listener.is_too_slow


def test_stream_begins_with_more_than_may_wait_later() -> None:
    listener, most = Listener(BUYER), 3 * MOST_WAITING
    listener.begin([make_news(row) for row in range(most)], at=NOON)
    assert (listener.queue.qsize(), listener.is_too_slow) == (most, False)
    listener.tell([make_news(most + row) for row in range(MOST_WAITING)], at=NOON)
    assert not listener.is_too_slow
    listener.tell([make_news(most + MOST_WAITING)], at=NOON)
    assert listener.is_too_slow


def test_closed_offers_are_forgotten() -> None:
    listener = Listener(BUYER)
    tell(listener, make_news(1))
    tell(listener, make_news(1, closed=5))
    listener.forget_closed(before=NOON + timedelta(seconds=6))
    assert tell(listener, make_news(1)) == [("offer", 1)]


def test_the_id_of_an_event_is_its_moment_for_one_buyer_alone() -> None:
    at = NOON + timedelta(microseconds=1)
    sealed = seal_moment(at, buyer_id=BUYER)
    assert unseal_moment(sealed, buyer_id=BUYER) == at
    with pytest.raises(BadCursor):
        unseal_moment(sealed, buyer_id=BUYER + 1)


def test_events_have_the_form_of_the_standard() -> None:
    sent = encode_event(EventName.OPENED.value, {"zip": "30312\n"}, at=NOON, buyer_id=BUYER).decode()
    assert sent == f'id: {seal_moment(NOON, buyer_id=BUYER)}\nevent: offer\ndata: {{"zip":"30312\\n"}}\n\n'
    assert encode_end("restarting") == b'event: end\ndata: {"reason":"restarting"}\n\n'
