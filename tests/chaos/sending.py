"""Sends leads as real senders do: over REST with an Idempotency-Key, repeated after every error until it succeeds.

Some answers are discarded unread, as when a connection breaks: the same request is sent again. Delayed leads are
written as a retry leaves them: due in a moment.
"""

import http.client
import json
import queue
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

from django.utils import timezone

from routing.models import Lead
from tests.chaos.world import Sender, World
from tests.support.factories import LeadFactory, person

THREADS: Final = 4
TIMEOUT_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 0.1
# Number of answers in a hundred that never arrive. Every third lead is delayed.
ANSWERS_LOST: Final = 5
FOR_LATER: Final = 3
LATEST: Final = timedelta(seconds=2)
REPEATED: Final = frozenset({409, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Request:
    number: int
    sender: Sender
    is_answer_lost: bool


class Refused(Exception):
    """The intake refused a valid request permanently."""


class Senders:
    """`numbers` are all that were sent. Each identifies one lead."""

    def __init__(self, world: World, address: str, random: Random) -> None:
        self._world = world
        self._address = address
        self._random = random
        self._requests: queue.Queue[Request] = queue.Queue()
        self._is_over = threading.Event()
        self.numbers: list[int] = []
        self.seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.refused: list[str] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS * 2)

    def send(self, count: int) -> list[int]:
        """Send `count` leads. Returns the ids of the delayed ones, whose due times must be enqueued."""
        now = []
        later = []
        for number in range(len(self.numbers), len(self.numbers) + count):
            sender = self._random.choices(self._world.senders, [each.share for each in self._world.senders])[
                0
            ]
            request = Request(number, sender, self._random.random() * 100 < ANSWERS_LOST)
            (later if number % FOR_LATER == 0 else now).append(request)
            self.numbers.append(number)
        for request in now:
            self._requests.put(request)
        return self._schedule(later)

    def send_now(self, count: int) -> None:
        """Send leads over REST, none of them delayed."""
        numbers = range(len(self.numbers), len(self.numbers) + count)
        self.numbers.extend(numbers)
        for number in numbers:
            self._requests.put(Request(number, self._world.senders[0], is_answer_lost=False))

    def send_at_once(self, count: int) -> list[int]:
        """Delayed leads of one sender, all due at the same moment. Returns their ids."""
        numbers = range(len(self.numbers), len(self.numbers) + count)
        self.numbers.extend(numbers)
        sender = self._world.senders[0]
        requests = [Request(number, sender, is_answer_lost=False) for number in numbers]
        return self._schedule(requests, wait=LATEST / 2)

    @property
    def unanswered(self) -> int:
        return self._requests.unfinished_tasks

    def _schedule(self, requests: Sequence[Request], *, wait: timedelta | None = None) -> list[int]:
        """`wait`: until all of them are due. None: each has its own time."""
        now = timezone.now()
        leads = []
        for request in requests:
            due_at = now + (self._random.random() * LATEST if wait is None else wait)
            leads.append(
                LeadFactory.build(
                    source=request.sender.source,
                    received_at=now,
                    next_attempt_at=due_at,
                    external_id=f"later-{request.number}",
                    attributes={"number": request.number, "due": due_at.timestamp()},
                    **person(email=email_of(request.number)),
                )
            )
        self._count("for later", len(leads))
        return [lead.pk for lead in Lead.objects.bulk_create(leads)]

    def _count(self, what: str, times: int = 1) -> None:
        with self._lock:
            self.seen[what] += times

    def _run(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        while not self._is_over.is_set():
            try:
                request = self._requests.get(timeout=PAUSE_SECONDS)
            except queue.Empty:
                continue
            try:
                self._send_until_answered(connection, request)
            except Refused as refusal:
                self.refused.append(str(refusal))
            finally:
                self._requests.task_done()
        connection.close()

    def _send_until_answered(self, connection: http.client.HTTPConnection, request: Request) -> None:
        is_answer_lost = request.is_answer_lost
        while not self._is_over.is_set():
            self._count("requests")
            try:
                status = self._ask(connection, request, is_answer_lost=is_answer_lost)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                status = 0
                self._count(f"repeated after {type(error).__name__}")
            if status in (200, 201):
                return
            if is_answer_lost and status == 0:
                is_answer_lost = False
            elif status and status not in REPEATED:
                raise Refused(f"request {request.number}: {status}")
            elif status:
                self._count(f"repeated after {status}")
            self._is_over.wait(PAUSE_SECONDS)

    def _ask(self, connection: http.client.HTTPConnection, request: Request, *, is_answer_lost: bool) -> int:
        body = {
            "email": email_of(request.number),
            "zip": "30312",
            "vertical": "roofing",
            "attributes": {"number": request.number},
        }
        headers = {
            "Authorization": f"Api-Key {request.sender.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"chaos-{request.number}",
        }
        connection.request("POST", "/api/v1/leads/", json.dumps(body), headers)
        answer = connection.getresponse()
        if is_answer_lost:
            raise AnswerLost
        answer.read()
        return answer.status


class AnswerLost(OSError):
    """The intake has answered, but the sender did not receive it."""


def email_of(number: int) -> str:
    return f"chaos-{number}@example.com"


@contextmanager
def sending(world: World, address: str, *, seed: int) -> Iterator[Senders]:
    senders = Senders(world, address, Random(seed))
    senders.start()
    try:
        yield senders
    finally:
        senders.end()
