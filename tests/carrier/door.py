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
        await self._cut_connections()
        if seconds is not None:
            self._return = asyncio.create_task(self._open_after(seconds))

    async def _cut_connections(self) -> None:
        """Return when the other side sees it: a client that asks next gets no connection."""
        while transports := self._list_transports():
            for transport in transports:
                transport.abort()
            await asyncio.sleep(0)

    def _list_transports(self) -> list[asyncio.Transport]:
        """Those that are open. A request whose answer is late has none once it is cut."""
        server = self._runner.server
        connections = [] if server is None else server.connections
        return [each.transport for each in connections if each.transport is not None]

    async def _open_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.open()
