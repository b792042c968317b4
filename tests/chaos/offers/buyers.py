"""The buyers' programs: each reads its offers and claims over HTTP until it is answered, and keeps books about it."""

import http.client
import json
import threading
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

TIMEOUT_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 0.05
# Answers of a hundred that a buyer does not read. It claims again.
LOST: Final = 10
# No buyer claims one offer of this many.
LEFT_ALONE: Final = 3
FINAL: Final = frozenset({200, 201, 404, 409})
REPEATED: Final = frozenset({0, 429, 502, 503, 504})
CLAIM: Final = "/api/v1/buyer/offers/{}/claim/"
FEED: Final = "/api/v1/buyer/offers/?state=open&limit=50"

Claimed = tuple[str, int]  # the public id of an offer, and a buyer


@dataclass(slots=True)
class Books:
    """`won`: the sale of each claim that was answered with one. `refused`: the code of each other one."""

    won: dict[Claimed, str] = field(default_factory=dict)
    refused: dict[Claimed, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, claim: Claimed, status: int, body: dict[str, Any]) -> None:
        with self.lock:
            if status in (200, 201):
                self.seen[f"claims answered with {status}"] += 1
                if self.won.setdefault(claim, body["id"]) != body["id"]:
                    self.broken.append(f"offer {claim[0]}: another sale for the same claim")
            else:
                self.refused[claim] = str(body.get("error", {}).get("code", status))
                self.seen[f"claims refused: {self.refused[claim]}"] += 1

    def count(self, what: str) -> None:
        with self.lock:
            self.seen[what] += 1


class Buyer(threading.Thread):
    def __init__(self, buyer_id: int, key: str, *, address: str, books: Books) -> None:
        super().__init__(daemon=True)
        self.buyer_id, self._key, self._books = buyer_id, key, books
        self._connection = http.client.HTTPConnection(address, timeout=TIMEOUT_SECONDS)
        self._random = Random(buyer_id)
        self._over = threading.Event()
        self._done: set[str] = set()

    def stop(self) -> None:
        """It ends when its claims are answered."""
        self._over.set()

    def run(self) -> None:
        while not self._over.is_set():
            for offer in self._read_feed():
                self._claim(offer)
            self._over.wait(PAUSE_SECONDS)
        self._connection.close()

    def _read_feed(self) -> list[str]:
        status, body = self._ask("GET", FEED)
        if status != 200:
            return []
        offers = [str(each["id"]) for each in body["results"]]
        return [each for each in offers if each not in self._done and is_wanted(each)]

    def _claim(self, offer: str) -> None:
        """Until it is answered for good. Some answers are lost on the way, and one in ten once more."""
        is_lost = self._random.random() * 100 < LOST
        while True:
            status, body = self._ask("POST", CLAIM.format(offer))
            if status in FINAL and is_lost:
                self._books.count("answers of claims that were lost")
                is_lost = False
            elif status in FINAL:
                break
            elif status not in REPEATED:
                self._books.broken.append(f"offer {offer}: the claim is answered with {status}")
                break
            else:
                self._books.count(f"claims repeated after {status}")
                self._over.wait(PAUSE_SECONDS)
        self._done.add(offer)
        self._books.note((offer, self.buyer_id), status, body)

    def _ask(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        """0: there was no answer."""
        try:
            self._connection.request(method, path, headers={"Authorization": f"Api-Key {self._key}"})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, {}
        return answer.status, json.loads(text) if answer.status in (*FINAL, 503) else {}


def is_wanted(offer: str) -> bool:
    """All buyers want the same offers, so that they compete."""
    return zlib.crc32(offer.encode()) % LEFT_ALONE != 0


@contextmanager
def buying(keys: Sequence[tuple[int, str]], *, address: str) -> Iterator[Books]:
    books = Books()
    buyers = [Buyer(buyer_id, key, address=address, books=books) for buyer_id, key in keys]
    for buyer in buyers:
        buyer.start()
    try:
        yield books
    finally:
        for buyer in buyers:
            buyer.stop()
        for buyer in buyers:
            buyer.join(2 * TIMEOUT_SECONDS)
