"""HTTP/1.1 as bytes, written by hand: a library would refuse to send what a broken server sends."""

import asyncio
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

END_OF_HEAD: Final = b"\r\n\r\n"
ACCEPTED: Final = {"status": "accepted", "id": "A-1"}
REJECTED: Final = {"status": "rejected", "reason": "duplicate lead"}


@dataclass
class Head:
    """`run`, `behavior` and `argument` are the parts of the path."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    run: str = ""
    behavior: str = ""
    argument: str = ""

    @property
    def content_length(self) -> int:
        return int(next((value for name, value in self.headers if name.lower() == "content-length"), "0"))


@dataclass
class Conversation:
    """One request on one connection, and how to answer it. `held` ends when the test releases what is held.

    `body`: empty before it is read.
    """

    head: Head
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    body: bytes = b""
    held: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def wait_for_the_other_side(self) -> None:
        """Until it closes the connection."""
        while await self.reader.read(65_536):
            pass

    def cut(self) -> None:
        """Reset the connection: what has not arrived is lost."""
        self.writer.transport.abort()


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """None at the end of the connection."""
    try:
        text = (await reader.readuntil(END_OF_HEAD)).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = text[: -len(END_OF_HEAD)].split("\r\n")
    method, path, _ = first.split(" ")
    pairs = [line.partition(":") for line in lines]
    head = Head(method, path, [(name, value.strip()) for name, _, value in pairs])
    _, head.run, head.behavior, head.argument = [*path.partition("?")[0].split("/", 3), *[""] * 3][:4]
    return head


def answer(
    status: int, body: bytes = b"", *, content_type: str = "application/json", **headers: str
) -> bytes:
    """Names of headers are written with _ in place of -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    all_headers = {"Content-Type": content_type, "Content-Length": str(len(body)), **named}
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    lines += [f"{name}: {value}" for name, value in all_headers.items()]
    return "\r\n".join(lines).encode("latin-1") + END_OF_HEAD + body


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
