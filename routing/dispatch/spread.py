"""When leads that were lost in Redis become due again, and the gauges of it."""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from threading import Lock, Timer
from typing import Final

from django.conf import settings

from routing.dispatch.schedule import Due
from routing.metrics.dispatch import BACKLOG_LEADS, BACKLOG_MOST_PER_SECOND, BACKLOG_SPREAD_SECONDS

# Every due time moves later by up to this, so that the leads of one page do not become due in the same instant.
MIN_JITTER_SECONDS: Final = 0.1
# The gauges show a spread for this long at least: longer than the scrape interval of Prometheus.
MIN_SHOWN_SECONDS: Final = 60.0


@dataclass(slots=True)
class Spread:
    """When requeued leads become due: the overdue leads of a workspace one after the other.

    More leads per second than the workers finish, so that they never wait; few enough that a hundred thousand leads do
    not arrive at once. A lead never starts earlier than it is due: it would be refused and requeued. `seed` makes a
    spread repeatable.
    """

    seed: int
    backlog: int = field(init=False, default=0)
    longest_seconds: float = field(init=False, default=0.0)
    _overdue: dict[int, int] = field(init=False, default_factory=lambda: defaultdict(int))
    _by_second: dict[int, int] = field(init=False, default_factory=lambda: defaultdict(int))
    _random: Random = field(init=False)
    _leads_per_second: int = field(init=False)
    _most_seconds: int = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - spreads load, protects nothing
        tuning = settings.LEADSWITCH_TUNING
        self._leads_per_second = tuning.backlog_leads_per_second
        self._most_seconds = tuning.longest_spread_seconds - 1

    @property
    def most_per_second(self) -> int:
        """In one second of the spread, over all workspaces."""
        return max(self._by_second.values(), default=0)

    def place(self, lead: Due, *, at: datetime) -> Due:
        """Return the lead with the time that it waits. `at` comes from the database's clock, as the due time does."""
        if lead.due_at > at:
            return lead
        delay = self._overdue[lead.workspace_id] / self._leads_per_second % self._most_seconds
        self._overdue[lead.workspace_id] += 1
        delay += self._random.random() * min(MIN_JITTER_SECONDS, delay)
        self.backlog += 1
        self.longest_seconds = max(self.longest_seconds, delay)
        self._by_second[int(delay)] += 1
        return lead._replace(wait_ms=round(1000 * delay))


class SpreadGauges:
    """What the gauges of this process show, and until when. A thread sets them to 0 at the end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._backlog = 0
        self._until = 0.0

    def show(self, spread: Spread) -> None:
        """Show a spread, unless a larger one is in progress. Call it after each page that was placed."""
        with self._lock:
            if spread.backlog == 0 or spread.backlog < self._backlog:
                return
            if self._backlog == 0:
                self._start(MIN_SHOWN_SECONDS)
            self._backlog = spread.backlog
            self._until = time.monotonic() + max(MIN_SHOWN_SECONDS, spread.longest_seconds)
            _set(spread.backlog, spread.longest_seconds, spread.most_per_second)

    def clear_if_over(self) -> None:
        with self._lock:
            left = self._until - time.monotonic()
            if left > 0:
                self._start(left)
                return
            self._backlog = 0
            _set(0, 0.0, 0)

    def _start(self, seconds: float) -> None:
        timer = Timer(seconds, self.clear_if_over)
        timer.daemon = True  # the process must not wait for it
        timer.start()


def _set(backlog: int, seconds: float, most: int) -> None:
    BACKLOG_LEADS.set(backlog)
    BACKLOG_SPREAD_SECONDS.set(seconds)
    BACKLOG_MOST_PER_SECOND.set(most)


GAUGES: Final = SpreadGauges()
