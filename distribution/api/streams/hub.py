"""Brings news of offers to the listeners of this process. It belongs to one event loop and reads no database.

news of an offer (NOTIFY, poll) ── visible now ──▶ the buyer's listeners
                                └─ head start of others ──▶ a timer ──▶ the same
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from distribution import metrics
from distribution.api.streams.listener import EventName, Listener, News

# News of an offer that closed longer ago than this are not read again (feed.RECENT is shorter).
FORGET_AFTER: Final = timedelta(minutes=2)


class Hub:
    """`clock`: the database's time. A head start that ends early by a fast clock here would be unfair."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._listeners: dict[int, set[Listener]] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}

    @property
    def buyer_ids(self) -> Sequence[int]:
        return tuple(self._listeners)

    def list_listeners(self) -> Sequence[Listener]:
        return [listener for listeners in self._listeners.values() for listener in listeners]

    def join(self, listener: Listener) -> None:
        self._listeners.setdefault(listener.buyer_id, set()).add(listener)

    def leave(self, listener: Listener) -> None:
        listeners = self._listeners.get(listener.buyer_id, set())
        listeners.discard(listener)
        if not listeners:
            self._listeners.pop(listener.buyer_id, None)

    def publish(self, news: Iterable[News], *, only: Listener | None = None) -> None:
        """`only`: what the stream of this listener begins with."""
        at = self._clock()
        by_buyer: dict[int, list[News]] = {}
        for each in news:
            self._set_timer(each, at=at)
            by_buyer.setdefault(each.buyer_id, []).append(each)
        for buyer_id, given in by_buyer.items():
            if only is not None:
                only.begin(given, at=at)
            else:
                self._tell_all(buyer_id, given, at=at)

    def forget_closed(self) -> None:
        before = self._clock() - FORGET_AFTER
        for listener in self.list_listeners():
            listener.forget_closed(before=before)

    def _set_timer(self, news: News, *, at: datetime) -> None:
        """The latest news of a row counts: an offer that closed before its buyer could see it is not shown."""
        timer = self._timers.pop(news.row_id, None)
        if timer is not None:
            timer.cancel()
        if news.closed_at is None and news.visible_at > at:
            seconds = (news.visible_at - at).total_seconds()
            self._timers[news.row_id] = asyncio.get_running_loop().call_later(seconds, self._show, news)

    def _show(self, news: News) -> None:
        del self._timers[news.row_id]
        # The loop's timer may be a little early by the database's clock.
        self._tell_all(news.buyer_id, [news], at=max(self._clock(), news.visible_at))

    def _tell_all(self, buyer_id: int, news: Sequence[News], *, at: datetime) -> None:
        for listener in self._listeners.get(buyer_id, ()):
            for event in listener.tell(news, at=at):
                if event.name is EventName.OPENED:
                    metrics.STREAM_LAG_SECONDS.observe((at - event.at).total_seconds())
