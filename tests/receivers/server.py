"""The server of a receiver: reads requests, records them, and lets a behavior answer."""

import asyncio
import json
import ssl
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from tests.receivers.behaviors import BEFORE_THE_BODY, BEHAVIORS
from tests.receivers.buyer import BUYER, BuyerMemory
from tests.receivers.records import make_line
from tests.receivers.wire import Conversation, Head, answer, read_head

CONTROL: Final = "-"
SCRIPT: Final = "script"
LONGEST_HEAD: Final = 1_048_576


class Server:
    def __init__(self, file: Path) -> None:
        self._file = file.open("a", buffering=1)
        self._scripts: dict[tuple[str, str], list[str]] = {}
        self._held: defaultdict[str, list[asyncio.Event]] = defaultdict(list)
        self._buyer = BuyerMemory()
        self._connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        number = self._connections
        try:
            while (head := await read_head(reader)) is not None:
                if not await self._answer(Conversation(head, reader, writer), number):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side left
        finally:
            writer.close()

    async def _answer(self, conversation: Conversation, number: int) -> bool:
        head = conversation.head
        if head.run == CONTROL:
            return await self._control(conversation)
        name = self._choose(head)
        head.behavior, _, head.argument = name.partition("/")
        body = None
        if head.behavior not in BEFORE_THE_BODY:
            body = conversation.body = await conversation.reader.readexactly(head.content_length)
        self._record(conversation, body, name, number)
        if head.behavior == "hold":
            self._held[head.run].append(conversation.held)
        return await BEHAVIORS[head.behavior](conversation)

    def _choose(self, head: Head) -> str:
        """The behavior with its argument: of the path, of the buyer's memory, or the next one of a script."""
        if head.behavior == BUYER:
            return self._buyer.choose(head)
        name = f"{head.behavior}/{head.argument}" if head.argument else head.behavior
        if head.behavior != SCRIPT:
            return name
        steps = self._scripts[head.run, head.argument]
        return steps.pop(0) if len(steps) > 1 else steps[0]

    def _record(self, conversation: Conversation, body: bytes | None, name: str, number: int) -> None:
        tls = conversation.writer.get_extra_info("ssl_object")
        tls_name = getattr(tls, "asked_name", "") if tls else ""
        line = make_line(
            conversation.head, behavior=name, body=body, connection=number, tls_name=tls_name or ""
        )
        self._file.write(line + "\n")

    async def _control(self, conversation: Conversation) -> bool:
        """`/-/RUN/script/NAME` and `/-/RUN/release`: the run is where other paths have the behavior."""
        head = conversation.head
        body = await conversation.reader.readexactly(head.content_length)
        run, (action, _, name) = head.behavior, head.argument.partition("/")
        if action == SCRIPT:
            self._scripts[run, name] = json.loads(body)
        else:
            for held in self._held.pop(run, []):
                held.set()
        await conversation.send(answer(204))
        return True


def make_tls(certificate: Path) -> ssl.SSLContext:
    """Remembers which name the client asked for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    context.sni_callback = _remember_name
    return context


def _remember_name(tls: Any, name: str | None, _context: ssl.SSLContext) -> None:
    tls.asked_name = name


async def run_server(file: Path, *, host: str, port: int, certificate: Path | None) -> None:
    """Print the port, and serve until stdin ends: with the process that started this one."""
    server = await asyncio.start_server(
        Server(file).serve,
        host,
        port,
        limit=LONGEST_HEAD,
        ssl=make_tls(certificate) if certificate else None,
        backlog=512,
    )
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    async with server:
        await asyncio.get_running_loop().run_in_executor(None, _wait_for_end)
        server.close()


def _wait_for_end() -> None:
    sys.stdin.read()
