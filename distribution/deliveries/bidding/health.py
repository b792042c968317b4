"""Whether buyers' systems answer when they are asked for bids: noted at their ping endpoints, as for deliveries.

An endpoint without an answer for a while is asked rarely, so that auctions do not wait for it. One that has answered
nothing for 120 hours, or that says it is gone, is disabled.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from distribution.deliveries.enabling import LONGEST_FAILING, note_failure, note_gone, note_success
from distribution.deliveries.payloads.bids import BidOutcome

GONE: Final = 410
# No readable answer. A buyer that declines, or names an absurd price, has a system that works.
FAILED: Final = frozenset({BidOutcome.TIMEOUT, BidOutcome.ERROR})
# A restart of a buyer's system takes less.
RESTS_AFTER: Final = timedelta(minutes=5)
PROBED_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Health:
    """What its row said when the endpoint was about to be asked. `is_known_to_work`: it answered just now."""

    failing_since: datetime | None = None
    is_known_to_work: bool = False

    def must_rest(self, at: datetime) -> bool:
        return self.failing_since is not None and at - self.failing_since >= RESTS_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One answer of an endpoint, or none. `status`: of HTTP, if there was one."""

    endpoint_id: int
    outcome: BidOutcome
    status: int | None
    health: Health
    at: datetime


class Probes:
    """Lets one request through to a resting endpoint now and then. Of one process, and used by all its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[int, float] = {}

    def may_ask(self, endpoint_id: int, *, health: Health, at: datetime) -> bool:
        if not health.must_rest(at):
            return True
        now = time.monotonic()
        with self._lock:
            if now < self._next.get(endpoint_id, now):
                return False
            self._next[endpoint_id] = now + PROBED_SECONDS
            return True


def note_answers(answers: Iterable[Noted]) -> None:
    """Write what changed, which is nothing for most answers. Needs no open transaction.

    Endpoints in ascending order: two transactions that write the same ones cannot wait for each other.
    """
    by_endpoint: dict[int, list[Noted]] = defaultdict(list)
    for each in answers:
        by_endpoint[each.endpoint_id].append(each)
    changed = {pk: its for pk, its in by_endpoint.items() if _is_news(its)}
    if not changed:
        return
    with transaction.atomic():
        for pk, its in sorted(changed.items()):
            _note(pk, its)


def _is_news(answers: Sequence[Noted]) -> bool:
    if any(each.status == GONE for each in answers):
        return True
    if _works(answers):
        return not all(each.health.is_known_to_work for each in answers)
    since = answers[-1].health.failing_since
    return since is None or answers[-1].at - since >= LONGEST_FAILING


def _note(endpoint_id: int, answers: Sequence[Noted]) -> None:
    at = max(each.at for each in answers)
    if any(each.status == GONE for each in answers):
        note_gone(endpoint_id, at=at)
    elif _works(answers):
        note_success(endpoint_id, at=at)
    else:
        note_failure(endpoint_id, at=at)


def _works(answers: Sequence[Noted]) -> bool:
    return any(each.outcome not in FAILED for each in answers)
