"""The ASGI application of `manage.py streams`: each of its addresses answers with server-sent events.

admit (key, scope, limits) ─▶ join the hub ─▶ what is open, or what the client missed ─▶ events until one side ends
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Executor
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs

import orjson
from django.db import Error, close_old_connections
from rest_framework.exceptions import APIException

from distribution import metrics
from distribution.api.streams.feed import OVERLAP, read_missed
from distribution.api.streams.hub import Hub
from distribution.api.streams.listener import EndEvent, Listener, StreamEvent
from distribution.api.streams.readers import describe_refusal, find_reader
from distribution.api.streams.wire import HEARTBEAT, RETRY, encode_end, encode_event, unseal_moment
from distribution.offers.reader import Reader
from routing.access.cursor import BadCursor
from routing.api.errors import ApiError

logger = logging.getLogger(__name__)

LIVE_PATH: Final = "/livez"
HEARTBEAT_SECONDS: Final = 15.0
# A client that takes nothing for this long is cut. It connects again and continues.
SEND_SECONDS: Final = 20.0
MOST_OF_ONE_READER: Final = 10
HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx passes each event on at once
    "x-content-type-options": "nosniff",
}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Result = TypeVar("Result")


class StreamApp:
    """`threads`: where PostgreSQL and Redis are asked. `most`: how many may listen. `origins`: whose pages may."""

    def __init__(self, hub: Hub, *, threads: Executor, most: int, origins: frozenset[str]) -> None:
        self._hub, self._threads, self._most, self._origins = hub, threads, most, origins
        self._readers: dict[Listener, Reader] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        shared = self._share_with(headers.get("origin", ""))
        try:
            if scope["path"] == LIVE_PATH:
                await _answer(send, HTTPStatus.OK, shared, {"status": "ok"})
                return
            listener, reader = await self._admit(scope, headers)
        except APIException as error:
            status, of_error, body = describe_refusal(error)
            await _answer(send, status, {**of_error, **shared}, body)
            return
        await self._serve(listener, reader, receive, send, shared)

    def end_all(self, reason: str) -> None:
        for listener in self._readers:
            listener.end(reason)

    async def check_readers(self) -> None:
        """End the streams of those who may no longer listen. A database that does not respond ends none."""
        for listener, reader in list(self._readers.items()):
            if not await self.run(reader.still_may):
                listener.end("key_ended")

    async def run(self, work: Callable[[], Result]) -> Result:
        def with_connection() -> Result:
            close_old_connections()
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, with_connection)

    async def _admit(self, scope: Message, headers: dict[str, str]) -> tuple[Listener, Reader]:
        if scope["method"] != "GET":
            raise ApiError(f'Method "{scope["method"]}" not allowed.', status_code=405)
        reader = await self.run(lambda: find_reader(scope["path"], headers))
        self._refuse_too_many(reader)
        return Listener(reader.buyer_id, after=_read_after(scope, headers, reader)), reader

    def _refuse_too_many(self, reader: Reader) -> None:
        if len(self._readers) >= self._most:
            message = f"This process already serves {self._most} streams. Try again in a moment."
            raise ApiError(message, status_code=503, wait_seconds=2)
        if Counter(each.name for each in self._readers.values())[reader.name] >= MOST_OF_ONE_READER:
            message = (
                f"{MOST_OF_ONE_READER} streams of this key or browser are open already. Close one first."
            )
            raise ApiError(message, status_code=429, wait_seconds=5)

    async def _serve(
        self, listener: Listener, reader: Reader, receive: Receive, send: Send, shared: dict[str, str]
    ) -> None:
        self._readers[listener] = reader
        self._hub.join(listener)
        metrics.STREAM_LISTENERS.inc()
        ended_by = "client"
        try:
            await _start(send, HTTPStatus.OK, {**HEADERS, **shared})
            await _send_part(send, RETRY)
            after = listener.after
            news = await self.run(lambda: read_missed(reader.buyer_id, after=after))
            self._hub.publish(news, only=listener)
            ended_by = await _send_until_ended(listener, receive, send)
        except TimeoutError:
            ended_by = "too_slow"
        except Error as error:
            ended_by = "server"
            logger.warning("streams.not_begun", extra={"cause": type(error).__name__})
            await _end(send, encode_end("unavailable"))
        finally:
            del self._readers[listener]
            self._hub.leave(listener)
            metrics.STREAM_LISTENERS.dec()
            metrics.STREAMS_ENDED.labels(by=ended_by).inc()

    def _share_with(self, origin: str) -> dict[str, str]:
        """Pages of the web server may read the stream although its port differs."""
        if origin not in self._origins:
            return {}
        return {
            "access-control-allow-origin": origin,
            "access-control-allow-credentials": "true",
            "vary": "Origin",
        }


def _read_after(scope: Message, headers: dict[str, str], reader: Reader) -> datetime | None:
    """The parameter is for clients that cannot set the header. An event's moment is earlier than its commit."""
    parameters = parse_qs(scope["query_string"].decode("latin-1"))
    text = headers.get("last-event-id") or next(iter(parameters.get("last_event_id", [])), "")
    if not text:
        return None
    try:
        return unseal_moment(text, buyer_id=reader.buyer_id) - OVERLAP
    except BadCursor:
        message = "Last-Event-ID must be the id of an event of this stream. Leave it out to begin with what is open."
        raise ApiError(message, status_code=400) from None


async def _send_until_ended(listener: Listener, receive: Receive, send: Send) -> str:
    """Returns who ended it."""
    sending = asyncio.ensure_future(_send_events(listener, send))
    leaving = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return sending.result() if sending.done() else "client"
    finally:
        for task in (sending, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _send_events(listener: Listener, send: Send) -> str:
    while not listener.is_too_slow:
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                waiting = [await listener.queue.get()]
        except TimeoutError:
            await _send_part(send, HEARTBEAT)
            continue
        while not listener.queue.empty():
            waiting.append(listener.queue.get_nowait())
        await _send_part(send, b"".join(_encode(each, listener.buyer_id) for each in waiting))
        if isinstance(waiting[-1], EndEvent):
            await _end(send)
            return "server"
    return "too_slow"


def _encode(event: StreamEvent | EndEvent, buyer_id: int) -> bytes:
    if isinstance(event, EndEvent):
        return encode_end(event.reason)
    metrics.STREAM_EVENTS.labels(event=event.name.value).inc()
    return encode_event(event.name.value, event.data, at=event.at, buyer_id=buyer_id)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_part(send: Send, body: bytes) -> None:
    """Raises TimeoutError for a client that does not read."""
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _end(send: Send, body: bytes = b"") -> None:
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def _answer(send: Send, status: int, headers: dict[str, str], body: dict[str, Any]) -> None:
    await _start(send, status, {**headers, "content-type": "application/json"})
    await send({"type": "http.response.body", "body": orjson.dumps(body)})
