"""The process of `manage.py streams`: uvicorn serves the listeners, and tasks beside it bring the news.

LISTEN (a connection of its own) ─▶ ids of offers ─▶ pump: one read for all that came since ─▶ hub
every second behind PgBouncer, every 10 s else, and after each new connection: what is open ─▶ hub
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import uvicorn
from django.conf import settings
from django.db import Error
from psycopg import sql
from redis.exceptions import RedisError

from distribution import metrics
from distribution.api.streams.app import StreamApp
from distribution.api.streams.connections import StreamConnection
from distribution.api.streams.feed import read_ahead, read_news, read_recent
from distribution.api.streams.hub import Hub
from distribution.deliveries.listening import connection_parameters
from distribution.models import OFFERS_CHANNEL
from routing.dispatch.heartbeat import send_heartbeat

logger = logging.getLogger(__name__)

NAME: Final = "streams"
# Where PostgreSQL and Redis are asked: one for the news, the others for those who connect.
THREADS: Final = 4
PAUSE_AFTER_FAILURE_SECONDS: Final = 2.0
RECENT_SECONDS: Final = 10.0
RECENT_SECONDS_POLLED: Final = 1.0
CARE_SECONDS: Final = 5.0
STOP_SECONDS: Final = 5
# A number of 18 digits fits the type of an offer id.
MAX_ID_DIGITS: Final = 18


class PartFailed(RuntimeError):
    """A part of the process failed for another reason than PostgreSQL, Redis or the network."""


class _Server(uvicorn.Server):
    """Ends the streams before it waits for its connections."""

    def __init__(self, config: uvicorn.Config, app: StreamApp) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: Any = None) -> None:
        self._app.end_all("restarting")
        await super().shutdown(sockets)


class Streams:
    """One process."""

    def __init__(self, *, host: str, port: int) -> None:
        self._ahead = timedelta()
        self._hub = Hub(lambda: datetime.now(UTC) + self._ahead)
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="streams")
        self._app = StreamApp(
            self._hub,
            threads=threads,
            most=settings.LEADSWITCH_STREAMS_MOST,
            origins=frozenset(settings.LEADSWITCH_STREAM_ORIGINS),
        )
        self._changed: set[int] = set()
        self._has_changed = asyncio.Event()
        config = uvicorn.Config(
            self._app,
            host=host,
            port=port,
            http=StreamConnection,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        self._server = _Server(config, self._app)

    async def run(self) -> None:
        """Serve until it is stopped. Raises PartFailed, so that the process ends and is started again."""
        parts = [
            asyncio.ensure_future(_go_on(each))
            for each in (self._listen, self._pump, self._read_recent, self._look_after, self._check_readers)
        ]
        for part in parts:
            part.add_done_callback(lambda _: self.stop())
        try:
            await self._server.serve()
        finally:
            for part in parts:
                part.cancel()
        for ended in await asyncio.gather(*parts, return_exceptions=True):
            if isinstance(ended, Exception):
                raise PartFailed(type(ended).__name__) from None

    def stop(self) -> None:
        self._server.should_exit = True

    async def _listen(self) -> None:
        if settings.LEADSWITCH_PGBOUNCER:
            await asyncio.Event().wait()
        async with await psycopg.AsyncConnection.connect(
            **connection_parameters(), autocommit=True
        ) as listening:
            await listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(OFFERS_CHANNEL)))
            await self._publish_recent()  # what was missed while nobody listened
            async for notice in listening.notifies():
                self._note(notice.payload)

    def _note(self, payload: str) -> None:
        """Ignore payloads that are not offer ids. Any role of the database may notify."""
        if not (payload.isascii() and payload.isdigit() and len(payload) <= MAX_ID_DIGITS):
            metrics.STREAM_FAILURES.inc()
            logger.warning("streams.unreadable_notification")
            return
        self._changed.add(int(payload))
        self._has_changed.set()

    async def _pump(self) -> None:
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            offer_ids, self._changed = sorted(self._changed), set()
            buyer_ids = self._hub.buyer_ids
            if buyer_ids:
                news = await self._app.run(lambda: read_news(offer_ids, buyer_ids=buyer_ids))  # noqa: B023 - awaited
                self._hub.publish(news)

    async def _read_recent(self) -> None:
        polled = settings.LEADSWITCH_PGBOUNCER
        while True:
            await asyncio.sleep(RECENT_SECONDS_POLLED if polled else RECENT_SECONDS)
            await self._publish_recent()

    async def _publish_recent(self) -> None:
        buyer_ids = self._hub.buyer_ids
        if buyer_ids:
            self._hub.publish(await self._app.run(lambda: read_recent(buyer_ids=buyer_ids)))

    async def _look_after(self) -> None:
        while True:
            send_heartbeat(settings.VAR_DIR, NAME)
            self._hub.forget_closed()
            self._ahead = await self._app.run(read_ahead)
            await asyncio.sleep(CARE_SECONDS)

    async def _check_readers(self) -> None:
        while True:
            await asyncio.sleep(settings.LEADSWITCH_STREAMS_CHECK_SECONDS)
            await self._app.check_readers()


async def _go_on(work: Callable[[], Awaitable[None]]) -> None:
    """Streams stay open while PostgreSQL or Redis does not respond. Another failure ends the process.

    Without one of its parts it would serve listeners who hear nothing, and look healthy.
    """
    while True:
        try:
            await work()
        except (Error, psycopg.Error, RedisError, OSError) as error:
            _report(work, error, logging.WARNING)
        except Exception as error:
            _report(work, error, logging.ERROR)
            raise
        await asyncio.sleep(PAUSE_AFTER_FAILURE_SECONDS)


def _report(work: Callable[[], Awaitable[None]], error: Exception, level: int) -> None:
    metrics.STREAM_FAILURES.inc()
    logger.log(level, "streams.failed", extra={"part": work.__name__, "cause": type(error).__name__})
