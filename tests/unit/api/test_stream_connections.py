"""Connections to the streams that send no request, or half of one, on a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from distribution.api.streams.connections import StreamConnection

ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LONGEST_SECONDS = 30


class Impatient(StreamConnection):
    request_seconds = 0.2


class Peer:
    """A client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def read_answer(self) -> bytes:
        return await self.reader.readuntil(b"ok")

    async def wait_until_closed(self) -> bytes:
        """What came before the end."""
        with suppress(ConnectionResetError):
            async with asyncio.timeout(LONGEST_SECONDS):
                return await self.reader.read()
        return b""

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


class Server:
    """uvicorn with connections of the class `protocol`. It answers when `may_answer` is set."""

    def __init__(self, protocol: type[H11Protocol]) -> None:
        self.may_answer = asyncio.Event()
        self.peers: list[Peer] = []
        self.state = ServerState()
        self._protocol = protocol
        self._config = uvicorn.Config(
            self._answer, http=protocol, interface="asgi3", ws="none", lifespan="off", log_config=None
        )
        self._config.load()
        self.port = 0

    def make_connection(self) -> H11Protocol:
        return self._protocol(config=self._config, server_state=self.state, app_state={})

    async def connect(self, text: bytes) -> Peer:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port))
        self.peers.append(peer)
        peer.writer.write(text)
        await peer.writer.drain()
        return peer

    async def _answer(self, _scope: Any, _receive: Any, send: Any) -> None:
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def serving(protocol: type[H11Protocol] = Impatient) -> AsyncIterator[Server]:
    server = Server(protocol)
    listening = await asyncio.get_running_loop().create_server(server.make_connection, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.may_answer.set()
        listening.close()
        for peer in server.peers:
            await peer.close()
        while server.state.connections or server.state.tasks:
            await asyncio.sleep(0)


@pytest.mark.parametrize("text", [b"", b"GET / HT", ASK[:-2]])
def test_connection_without_a_whole_request_is_closed(text: bytes) -> None:
    async def run() -> bytes:
        async with serving() as server:
            return await (await server.connect(text)).wait_until_closed()

    assert asyncio.run(run()) == b""


def test_half_of_a_second_request_is_closed_as_well() -> None:
    async def run() -> tuple[bytes, bytes]:
        async with serving() as server:
            server.may_answer.set()
            peer = await server.connect(ASK)
            first = await peer.read_answer()
            peer.writer.write(ASK[:5])
            return first, await peer.wait_until_closed()

    first, rest = asyncio.run(run())
    assert first.startswith(b"HTTP/1.1 200")
    assert rest == b""


def test_answer_that_takes_longer_is_not_cut() -> None:
    async def run() -> bytes:
        async with serving() as server:
            asking = await server.connect(ASK)
            await (await server.connect(ASK[:5])).wait_until_closed()  # its deadline is the later one
            server.may_answer.set()
            return await asking.read_answer()

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200")


def test_without_the_deadline_half_a_request_stays() -> None:
    """The control: uvicorn keeps a connection that is older than the one that our class closes."""

    async def run() -> bool:
        async with serving(H11Protocol) as plain, serving() as ours:
            kept = await plain.connect(ASK[:5])
            await (await ours.connect(ASK[:5])).wait_until_closed()
            return kept.reader.at_eof()

    assert asyncio.run(run()) is False
