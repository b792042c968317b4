"""Which carriers did not answer lately. One for each process, shared by its threads: nobody waits for them in turn.

An account that was not answered is left alone for some seconds, which double while it goes on. Two silent accounts at
one address mean that the carrier is away, so its other accounts are left alone too. Any answer ends that.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from distribution.calls.carrier import CarrierUnavailable, Problem
from distribution.models import CarrierAccount

FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 60.0
# One account may be silent for a reason of its own.
ACCOUNTS_OF_A_SILENT_CARRIER: Final = 2
# The others are answers: the carrier is there.
SILENCE: Final = frozenset({Problem.UNREACHABLE, Problem.NO_ANSWER})


@dataclass(slots=True)
class _Pause:
    until: float
    seconds: float


class Reach:
    """`now`: a monotonic clock, in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._pauses: dict[int | str, _Pause] = {}
        self._silent: dict[str, set[int]] = {}

    def is_open(self, account: CarrierAccount) -> bool:
        now = self._now()
        with self._lock:
            pauses = (self._pauses.get(account.pk), self._pauses.get(account.api_url))
            return all(each is None or now >= each.until for each in pauses)

    @contextmanager
    def asking(self, account: CarrierAccount) -> Iterator[None]:
        """Note whether the carrier answers what the block asks it. Lets CarrierUnavailable through."""
        try:
            yield
        except CarrierUnavailable as error:
            self.note_failure(account, error)
            raise
        self.note_answer(account)

    def note_failure(self, account: CarrierAccount, error: CarrierUnavailable) -> None:
        with self._lock:
            self._pause(account.pk)
            if error.problem not in SILENCE:
                return
            silent = self._silent.setdefault(account.api_url, set())
            silent.add(account.pk)
            if len(silent) >= ACCOUNTS_OF_A_SILENT_CARRIER:
                self._pause(account.api_url)

    def note_answer(self, account: CarrierAccount) -> None:
        with self._lock:
            self._pauses.pop(account.pk, None)
            self._pauses.pop(account.api_url, None)
            self._silent.pop(account.api_url, None)

    def _pause(self, key: int | str) -> None:
        """A question that was sent before the pause began makes it no longer."""
        now, last = self._now(), self._pauses.get(key)
        if last is not None and now < last.until:
            return
        seconds = FIRST_PAUSE_SECONDS if last is None else min(2 * last.seconds, LONGEST_PAUSE_SECONDS)
        self._pauses[key] = _Pause(now + seconds, seconds)
