"""The behavior `buyer/60`: a buyer's system that keeps its promise, and whose answers are lost in every way.

It has one verdict for each message id, however often the message comes: it accepts that many of a hundred. What happens
to a request depends on the message id and on how often it came, so a run with the same ids is the same. After a few
requests the answer arrives, except for one message in twelve, whose answer never does.

The behavior that it chooses has its verdict as the argument, such as `cut-after/accept`. Without one, the system does
not have the message.
"""

from binascii import crc32
from collections import Counter
from random import Random
from typing import Final

from tests.receivers.wire import Head

BUYER: Final = "buyer"
ACCEPT, REJECT = "accept", "reject"
# The system has the message and its verdict, but the answer is lost, late, cut, twice as long, endless or not HTTP.
ANSWER_LOST: Final = (
    *(
        "lose",
        "late",
        "cut-after",
        "cut-head",
        "cut-answer",
        "lie-length",
        "drip-head",
        "stream",
        "malformed",
    ),
)
MESSAGE_LOST: Final = ("cut-before", "unavailable/1", "redirect/http%3A%2F%2F127.0.0.1%2F")
# After this many requests the answer arrives.
DISTURBED: Final = 3
MUTE_OF: Final = 12


class BuyerMemory:
    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()

    def choose(self, head: Head) -> str:
        """Return the behavior for this request."""
        headers = {name.lower(): value for name, value in head.headers}
        message_id = headers.get("webhook-id") or headers["idempotency-key"]
        self._requests[message_id] += 1
        return choose(message_id, self._requests[message_id], percent=int(head.argument))


def choose(message_id: str, number: int, *, percent: int) -> str:
    verdict = ACCEPT if crc32(message_id.encode()) % 100 < percent else REJECT
    random = Random(f"{message_id}:{number}")
    if _arrives(message_id, number, chance=random.random()):
        return f"{verdict}/{verdict}"
    kind = random.choice((*ANSWER_LOST, *MESSAGE_LOST))
    return kind if kind in MESSAGE_LOST else f"{kind}/{verdict}"


def _arrives(message_id: str, number: int, *, chance: float) -> bool:
    if number <= DISTURBED:
        return chance < 0.5
    return crc32(f"{message_id}:mute".encode()) % MUTE_OF != 0
