"""What a receiver does with a request, by name. Each returns whether the connection stays open."""

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Final
from urllib.parse import parse_qsl, unquote

from tests.receivers.wire import ACCEPTED, REJECTED, Conversation, answer, as_json

Behavior = Callable[[Conversation], Awaitable[bool]]

ACCEPT: Final = answer(200, as_json(ACCEPTED))
REJECT: Final = answer(200, as_json(REJECTED))
DRIP_SECONDS: Final = 0.02
LATE_SECONDS: Final = 1.5
BOMB_BYTES: Final = 50_000_000
# Read the head only: the body of the request is not read before this.
BEFORE_THE_BODY: Final = frozenset({"cut-before", "early", "never-read"})


def always(data: bytes, *, is_kept: bool = True) -> Behavior:
    async def behave(conversation: Conversation) -> bool:
        await conversation.send(data)
        return is_kept

    return behave


def forever(start: bytes, part: bytes, *, pause_seconds: float = 0) -> Behavior:
    """Until the other side closes the connection."""

    async def behave(conversation: Conversation) -> bool:
        await conversation.send(start)
        while not conversation.reader.at_eof():
            await conversation.send(part)
            await asyncio.sleep(pause_seconds)
        return False

    return behave


async def send_status(conversation: Conversation) -> bool:
    """`status/503`."""
    await conversation.send(answer(int(conversation.head.argument), as_json({"status": "error"})))
    return True


async def throttle(conversation: Conversation) -> bool:
    """`throttle/30`: 429 with Retry-After, which is passed on as it is written."""
    await conversation.send(answer(429, b"", Retry_After=unquote(conversation.head.argument)))
    return True


async def unavailable(conversation: Conversation) -> bool:
    """`unavailable/30`: 503 with Retry-After."""
    await conversation.send(answer(503, b"", Retry_After=unquote(conversation.head.argument)))
    return True


async def redirect(conversation: Conversation) -> bool:
    """`redirect/http%3A%2F%2F169.254.169.254%2F`."""
    await conversation.send(answer(307, b"", Location=unquote(conversation.head.argument)))
    return True


async def delay(conversation: Conversation) -> bool:
    """`delay/250`: accepts after that many ms."""
    await asyncio.sleep(int(conversation.head.argument) / 1000)
    await conversation.send(ACCEPT)
    return True


async def bid(conversation: Conversation) -> bool:
    """`bid/45.00/250`: bids that many dollars after that many ms, with an id of the amount."""
    price, _, ms = conversation.head.argument.partition("/")
    await asyncio.sleep(int(ms or 0) / 1000)
    answered = {"accepted": True, "price": unquote(price), "id": f"B-{price}"}
    await conversation.send(answer(200, as_json(answered)))
    return True


async def bid_in_xml(conversation: Conversation) -> bool:
    """`bid-xml/45.00`: a ping tree that takes form fields and answers in XML. Without a price it knows no buyer."""
    asked = dict(parse_qsl(conversation.body.decode()))
    price = conversation.head.argument
    if (asked.get("Key"), asked.get("Mode"), asked.get("API_Action")) != ("fake", "ping", "pingPostLead"):
        found = "<status>Error</status><error>Invalid API key</error>"
    elif price:
        found = f"<status>Matched</status><lead_id>L-{price}</lead_id><best_bid>{price}</best_bid>"
    else:
        found = "<status>Unmatched</status><unmatched_reason>No buyer in this area</unmatched_reason>"
    body = f'<?xml version="1.0"?><response>{found}</response>'.encode()
    await conversation.send(answer(200, body, content_type="text/xml"))
    return True


async def bid_by_outcome(conversation: Conversation) -> bool:
    """`bid-outcome/45.00`: answers 201 to every ping, and says in the body whether it bids."""
    price = conversation.head.argument
    found = {"outcome": "success", "price": price, "lead": {"id": f"C-{price}"}}
    refused = {"outcome": "failure", "reason": "duplicate"}
    await conversation.send(answer(201, as_json(found if price else refused)))
    return True


async def late(conversation: Conversation) -> bool:
    """`late/accept`, `late/reject`: after the shortest timeout of an endpoint."""
    await asyncio.sleep(LATE_SECONDS)
    await conversation.send(REJECT if conversation.head.argument == "reject" else ACCEPT)
    return True


async def hold(conversation: Conversation) -> bool:
    """Accepts when the test says so, however late that is."""
    await conversation.held.wait()
    await conversation.send(ACCEPT)
    return True


async def lose(conversation: Conversation) -> bool:
    """Takes the request, and never answers."""
    await conversation.wait_for_the_other_side()
    return False


async def never_read(conversation: Conversation) -> bool:
    """Takes the head, and then nothing, as a process that hangs: its buffers hold 2 MB of the body."""
    await conversation.held.wait()
    return False


async def cut(conversation: Conversation) -> bool:
    conversation.cut()
    return False


async def cut_answer(conversation: Conversation) -> bool:
    await conversation.send(ACCEPT[:-10])
    return False


async def cut_head(conversation: Conversation) -> bool:
    await conversation.send(ACCEPT[:20])
    return False


@cache
def make_bomb() -> bytes:
    """About 50 kB that decompress to BOMB_BYTES."""
    return gzip.compress(bytes(BOMB_BYTES))


async def bomb(conversation: Conversation) -> bool:
    await conversation.send(answer(200, make_bomb(), Content_Encoding="gzip"))
    return False


CHUNKED: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
BEHAVIORS: Final[Mapping[str, Behavior]] = {
    "accept": always(ACCEPT),
    "accept-form": always(
        answer(201, b"status=accepted&id=A-1", content_type="application/x-www-form-urlencoded")
    ),
    "accept-xml": always(
        answer(200, b"<response><status>accepted</status></response>", content_type="application/xml")
    ),
    "accept-and-close": always(answer(200, as_json(ACCEPTED), Connection="close"), is_kept=False),
    "reject": always(REJECT),
    "empty": always(answer(204)),
    "status": send_status,
    "gone": always(answer(410)),
    "throttle": throttle,
    "unavailable": unavailable,
    "redirect": redirect,
    "delay": delay,
    "bid": bid,
    "bid-xml": bid_in_xml,
    "bid-outcome": bid_by_outcome,
    "decline": always(answer(200, as_json({"accepted": False, "reason": "not this week"}))),
    "late": late,
    "hold": hold,
    "lose": lose,
    "never-read": never_read,
    "double": always(ACCEPT + ACCEPT),
    "cut-before": cut,
    "cut-after": cut,
    "cut-head": cut_head,
    "cut-answer": cut_answer,
    "early": always(answer(413, as_json({"status": "too large"})), is_kept=False),
    "lie-type": always(answer(200, as_json(ACCEPTED), content_type="text/html")),
    "lie-success": always(answer(200, b"ERROR: lead was not stored", content_type="text/plain")),
    "lie-length": always(answer(200, as_json(ACCEPTED), Content_Length="5000"), is_kept=False),
    "zip": always(answer(200, gzip.compress(as_json(ACCEPTED)), Content_Encoding="gzip")),
    "deflate": always(answer(200, zlib.compress(as_json(ACCEPTED))[2:-4], Content_Encoding="deflate")),
    "zip-damaged": always(answer(200, b"not gzip at all, but long enough", Content_Encoding="gzip")),
    "zip-half": always(answer(200, gzip.compress(as_json(ACCEPTED))[:-12], Content_Encoding="gzip")),
    "brotli": always(answer(200, b"\x0b\x02\x80hello\x03", Content_Encoding="br")),
    "bomb": bomb,
    "long": always(answer(200, b"x" * 1_000_000)),
    "stream": forever(CHUNKED, b"400\r\n" + b"x" * 1024 + b"\r\n"),
    "drip": forever(CHUNKED, b"1\r\nx\r\n", pause_seconds=DRIP_SECONDS),
    "drip-head": forever(b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n", pause_seconds=DRIP_SECONDS),
    "stream-head": forever(b"HTTP/1.1 200 OK\r\n", b"X-Stream: 1234567890\r\n" * 100),
    "interim": forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "upgrade": always(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    "malformed": always(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", is_kept=False),
    "malformed-status": always(b"HTTP/1.1 abc OK\r\n\r\n", is_kept=False),
    "malformed-header": always(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", is_kept=False),
    "malformed-chunk": always(CHUNKED + b"zz\r\nhello\r\n", is_kept=False),
}
