"""The ids of leads and leases that Redis or the broker refused from a process. Their number is bounded."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count, islice

from django.conf import settings

from routing.dispatch.schedule import Release
from routing.metrics.dispatch import ENQUEUE_RETRY_BUFFER


@dataclass(frozen=True, slots=True)
class BufferedPart:
    """A part of the buffer. `leads`: lead id -> the number under which it was added."""

    leads: dict[int, int] = field(default_factory=dict)
    releases: list[Release] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.leads) + len(self.releases)


class RetryBuffer:
    """Leads to enqueue again and leases to release again, the oldest first. Threads may share it."""

    def __init__(self, most: int | None = None) -> None:
        """`most`: None is the setting."""
        self._most = settings.LEADSWITCH_TUNING.retry_buffer_leads if most is None else most
        self._numbers = count()
        self._leads: dict[int, int] = {}
        self._releases: dict[tuple[int, int | None], Release] = {}
        self._changed = threading.Condition()
        self._since: float | None = None

    def __len__(self) -> int:
        return len(self._leads) + len(self._releases)

    @property
    def age_seconds(self) -> float:
        """How long the buffer has not been empty; 0: it is empty."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def add(self, leads: Iterable[int] = (), *, releases: Iterable[Release] = ()) -> int:
        """Returns how many did not fit."""
        left_out = 0
        with self._changed:
            for lead_id in leads:
                if lead_id in self._leads or len(self) < self._most:
                    self._leads[lead_id] = next(self._numbers)
                else:
                    left_out += 1
            for release in releases:
                if len(self) < self._most:
                    self._releases[release.lead_id, release.deadline_ms] = release
                else:
                    left_out += 1
            self._update()
        return left_out

    def oldest(self, most: int) -> BufferedPart:
        """Return up to this many of each kind. They stay in the buffer."""
        with self._changed:
            return BufferedPart(
                dict(islice(self._leads.items(), most)), list(islice(self._releases.values(), most))
            )

    def remove(self, part: BufferedPart) -> None:
        """Remove a part, except leads that were added again since it was read."""
        with self._changed:
            for lead_id, number in part.leads.items():
                if self._leads.get(lead_id) == number:
                    del self._leads[lead_id]
            for release in part.releases:
                self._releases.pop((release.lead_id, release.deadline_ms), None)
            self._update()

    def clear(self) -> None:
        with self._changed:
            self._leads.clear()
            self._releases.clear()
            self._update()

    def wait_until_empty(self, timeout_seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not len(self), timeout_seconds)

    def _update(self) -> None:
        if not len(self):
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()
        ENQUEUE_RETRY_BUFFER.labels(kind="lead").set(len(self._leads))
        ENQUEUE_RETRY_BUFFER.labels(kind="lease").set(len(self._releases))
        self._changed.notify_all()
