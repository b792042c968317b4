"""Puts the readings of two attempts into the order in which they do harm, without a lock or a confirmation."""

import threading
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from distribution import attempt, locks
from distribution.distribute import distribute_lead
from distribution.outcome import Outcome
from tests.concurrency.racing import in_background

SECONDS = 20
NO_BUYER_LOCK = locks.LOCK_CANDIDATES.replace("FOR NO KEY UPDATE OF e, w SKIP LOCKED", "")


def confirm_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the buyers' locks away, and let two attempts confirm what they read before either of them sells."""
    both_have_confirmed = threading.Barrier(2, timeout=SECONDS)
    read_live = attempt.read_live

    def read_and_wait(**arguments: Any) -> Any:
        facts = read_live(**arguments)
        if "enrollment_ids" in arguments:
            both_have_confirmed.wait()
        return facts

    monkeypatch.setattr(attempt, "read_live", read_and_wait)
    monkeypatch.setattr(locks, "LOCK_CANDIDATES", NO_BUYER_LOCK)


def overtake(
    monkeypatch: pytest.MonkeyPatch, *, slow: int, quick: int, is_confirmed: bool, at: datetime | None = None
) -> Outcome:
    """Sell the quick lead between the slow one's first reading and its lock; the slow one's outcome.

    Unless `is_confirmed`, the slow one reads after its lock what it had read before.
    """
    has_read, quick_is_sold = threading.Event(), threading.Event()
    first: list[Any] = []
    read_live = attempt.read_live

    def read_slowly(*, lead_id: int, **arguments: Any) -> Any:
        if lead_id == slow and first and not is_confirmed:
            return first[0]
        facts = read_live(lead_id=lead_id, **arguments)
        if lead_id == slow and not first:
            first.append(facts)
            has_read.set()
            assert quick_is_sold.wait(SECONDS)
        return facts

    monkeypatch.setattr(attempt, "read_live", read_slowly)
    with in_background(partial(distribute_lead, slow, at=at)) as outcome:
        assert has_read.wait(SECONDS)
        assert distribute_lead(quick, at=at).result == "success"
        quick_is_sold.set()
    return outcome.result()
