"""One listener: which events it gets, and what waits to be sent to it. It reads no clock and no database."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

# Beyond what a stream begins with. A client that reads this slowly must connect again.
MOST_WAITING: Final = 200


class EventName(StrEnum):
    OPENED = "offer"
    CLOSED = "offer_closed"


@dataclass(frozen=True, slots=True)
class News:
    """What is so of one offer to one buyer. `closed_at` None: it is open."""

    row_id: int
    buyer_id: int
    visible_at: datetime
    closed_at: datetime | None
    opened: Mapping[str, Any]  # the data of the event
    closed: Mapping[str, Any]

    def is_visible(self, at: datetime) -> bool:
        """A buyer whose head start of others had not passed when the offer closed never sees it."""
        return self.visible_at <= (at if self.closed_at is None else min(at, self.closed_at))


@dataclass(frozen=True, slots=True)
class StreamEvent:
    name: EventName
    data: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class EndEvent:
    """The last one of a stream that LeadSwitch ends. None can be continued after it."""

    reason: str


class Listener:
    """`after`: when the latest event was that the client has; None: it begins with the offers that are open."""

    def __init__(self, buyer_id: int, *, after: datetime | None = None) -> None:
        self.buyer_id = buyer_id
        self.queue: asyncio.Queue[StreamEvent | EndEvent] = asyncio.Queue()
        self.is_too_slow = False
        self.after = after
        self._most_waiting = MOST_WAITING
        self._opened: set[int] = set()
        self._closed: dict[int, datetime] = {}

    def begin(self, news: Iterable[News], *, at: datetime) -> None:
        """Queue what the stream begins with, however much it is: the client could not take it yet."""
        events = self._list_events(news, at=at)
        self._most_waiting += len(events)
        for event in events:
            self._put(event)

    def tell(self, news: Iterable[News], *, at: datetime) -> Sequence[StreamEvent]:
        """Queue and return the events that it has not had, by their moments. The same news may come again."""
        events = self._list_events(news, at=at)
        for event in events:
            self._put(event)
        return events

    def end(self, reason: str) -> None:
        self._put(EndEvent(reason))

    def forget_closed(self, *, before: datetime) -> None:
        """Offers that closed so long ago that no news of them comes again."""
        self._closed = {row: at for row, at in self._closed.items() if at >= before}

    def _list_events(self, news: Iterable[News], *, at: datetime) -> Sequence[StreamEvent]:
        new = [event for each in news if each.is_visible(at) for event in self._list_new(each)]
        return sorted(new, key=lambda event: event.at)

    def _list_new(self, news: News) -> Iterator[StreamEvent]:
        if news.row_id in self._closed:
            return
        resumes = self.after is not None
        if news.row_id not in self._opened and (resumes or news.closed_at is None):
            self._opened.add(news.row_id)
            if self._is_new(news.visible_at):
                yield StreamEvent(EventName.OPENED, news.opened, news.visible_at)
        if news.closed_at is not None:
            self._closed[news.row_id] = news.closed_at
            if news.row_id in self._opened and self._is_new(news.closed_at):
                yield StreamEvent(EventName.CLOSED, news.closed, news.closed_at)
            self._opened.discard(news.row_id)

    def _is_new(self, at: datetime) -> bool:
        return self.after is None or at > self.after

    def _put(self, event: "StreamEvent | EndEvent") -> None:
        if self.queue.qsize() >= self._most_waiting:
            self.is_too_slow = True
        else:
            self.queue.put_nowait(event)
