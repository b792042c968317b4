"""The port of the API, which may be closed for a time: then connections are refused, and open ones are cut."""

import asyncio
from collections.abc import Callable

from aiohttp import web

BACKLOG = 512


class Door:
    """`opened` is called each time it serves again."""

    def __init__(self, runner: web.AppRunner, host: str, opened: Callable[[], None]) -> None:
        self._runner = runner
        self._host = host
        self._opened = opened
        self._site: web.TCPSite | None = None
        self._return: asyncio.Task[None] | None = None
        self.port = 0

    async def open(self, port: int = 0) -> None:
        """On the same port as before."""
        if self._return is not None and self._return is not asyncio.current_task():
            self._return.cancel()
        self._return = None
        if self._site is None:
            self._site = web.TCPSite(self._runner, self._host, self.port or port, backlog=BACKLOG)
            await self._site.start()
            self.port = self.port or self._runner.addresses[-1][1]
        self._opened()

    async def close(self, *, seconds: float | None) -> None:
        site, self._site = self._site, None
        if site is not None:
            await site.stop()
        if self._runner.server is not None:
            for connection in self._runner.server.connections:
                connection.force_close()
                if connection.transport is not None:
                    connection.transport.abort()
        if seconds is not None:
            self._return = asyncio.create_task(self._open_after(seconds))

    async def _open_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.open()
