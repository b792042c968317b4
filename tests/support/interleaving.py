"""Puts the reads of two attempts into a harmful order, without a lock or a confirmation."""

import threading
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from distribution import locks
from distribution.attempts import decide_under_lock
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome
from tests.support.racing import in_background

SECONDS = 60
NO_BUYER_LOCK = locks.LOCK_CANDIDATES.replace("FOR NO KEY UPDATE OF w, e SKIP LOCKED", "")


def confirm_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the buyers' locks, and let two attempts confirm their reads before either of them sells."""
    both_have_confirmed = threading.Barrier(2, timeout=SECONDS)
    confirm_live = decide_under_lock.confirm_live

    def confirm_and_wait(*positional: Any, **named: Any) -> Any:
        facts = confirm_live(*positional, **named)
        both_have_confirmed.wait()
        return facts

    monkeypatch.setattr(decide_under_lock, "confirm_live", confirm_and_wait)
    monkeypatch.setattr(locks, "LOCK_CANDIDATES", NO_BUYER_LOCK)


def overtake(
    monkeypatch: pytest.MonkeyPatch, *, slow: int, quick: int, is_confirmed: bool, at: datetime | None = None
) -> AttemptOutcome:
    """Sell the quick lead between the slow one's first read and its lock. Returns the slow one's outcome.

    Unless `is_confirmed`, the slow one reuses its first read after the lock.
    """
    has_read, quick_is_sold = threading.Event(), threading.Event()
    first: list[Any] = []
    read_live = decide_under_lock.read_live
    confirm_live = decide_under_lock.confirm_live

    def read_slowly(*, lead_id: int, **named: Any) -> Any:
        facts = read_live(lead_id=lead_id, **named)
        if lead_id == slow and not first:
            first.append(facts[0])
            has_read.set()
            assert quick_is_sold.wait(SECONDS)
        return facts

    def believe(enrollment_ids: Sequence[int], *, lead_id: int, **named: Any) -> Any:
        if lead_id == slow and not is_confirmed:
            return {each: first[0][each] for each in enrollment_ids}
        return confirm_live(enrollment_ids, lead_id=lead_id, **named)

    monkeypatch.setattr(decide_under_lock, "read_live", read_slowly)
    monkeypatch.setattr(decide_under_lock, "confirm_live", believe)
    with in_background(partial(distribute_lead, slow, at=at)) as outcome:
        assert has_read.wait(SECONDS)
        assert distribute_lead(quick, at=at).result == "success"
        quick_is_sold.set()
    return outcome.result()


class Stopped:
    """The first attempt that reaches its sale waits there, with all its locks, until it may continue."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, module: Any = decide_under_lock) -> None:
        self.is_there, self.may_go_on = threading.Event(), threading.Event()
        self._real = module.sell_selected
        monkeypatch.setattr(module, "sell_selected", self._stop)

    def _stop(self, *arguments: Any, **named: Any) -> Any:
        if not self.is_there.is_set():
            self.is_there.set()
            assert self.may_go_on.wait(SECONDS)
        return self._real(*arguments, **named)
