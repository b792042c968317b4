"""The provider's webhooks: signed, sent until they are answered with 200, and doubled, lost, late or out of order."""

import http.client
import queue
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final

from tests.support.card_provider import sign
from tests.support.paying import make_event

PATH: Final = "/api/v1/payments/stripe/webhook/"
THREADS: Final = 3
TIMEOUT_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 0.05
# Of a hundred events.
FATES: Final = {"sent once": 40, "doubled": 20, "late": 20, "lost": 20}
# A late event is sent when more than this are late.
LATE: Final = 6


class Postman:
    def __init__(self, address: str, *, seed: int, loses_all: bool) -> None:
        self._address, self._random = address, Random(seed)
        self._loses_all = loses_all
        self._letters: queue.Queue[bytes | None] = queue.Queue()
        self._late: list[bytes] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.seen: Counter[str] = Counter()
        self.broken: list[str] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    @property
    def is_idle(self) -> bool:
        return not self._letters.unfinished_tasks

    def send(self, kind: str, facts: dict[str, Any], *, fate: str = "") -> None:
        letter = make_event(kind, facts)
        fate = fate or self._random.choices([*FATES], [*FATES.values()])[0]
        if self._loses_all:
            fate = "lost"
        self._count(f"webhooks {fate}")
        for _ in range({"sent once": 1, "doubled": 2}.get(fate, 0)):
            self._letters.put(letter)
        if fate == "late":
            self._late.append(letter)
        if len(self._late) > LATE:
            self._letters.put(self._late.pop(self._random.randrange(len(self._late))))

    def send_late_ones(self) -> None:
        self._random.shuffle(self._late)
        while self._late:
            self._letters.put(self._late.pop())

    def stop(self) -> None:
        self._over.set()
        for _ in self._threads:
            self._letters.put(None)
        for thread in self._threads:
            thread.join(2 * TIMEOUT_SECONDS)

    def _run(self) -> None:
        while (letter := self._letters.get()) is not None:
            self._deliver(letter)
            self._letters.task_done()

    def _deliver(self, letter: bytes) -> None:
        while not self._over.is_set():
            status = self._post(letter)
            if status == 200:
                return self._count("webhooks answered with 200")
            self._count(f"webhooks repeated after {status}")
            if status not in (0, 429, 502, 503, 504):
                return self.broken.append(f"a webhook is answered with {status}")
            self._over.wait(PAUSE_SECONDS)
        return None

    def _post(self, letter: bytes) -> int:
        """0: there was no answer."""
        connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("POST", PATH, letter, {"Stripe-Signature": sign(letter)})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
        return answer.status

    def _count(self, what: str) -> None:
        with self._lock:
            self.seen[what] += 1


@contextmanager
def delivering(address: str, *, seed: int, loses_all: bool) -> Iterator[Postman]:
    postman = Postman(address, seed=seed, loses_all=loses_all)
    try:
        yield postman
    finally:
        postman.stop()
