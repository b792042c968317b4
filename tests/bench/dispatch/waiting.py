"""Waits for leads with a time limit, so that a lead that never starts does not block a bench."""

import time
from collections.abc import Callable


class NotStarted(Exception):
    """Leads did not start in time, so the lags of the others mean nothing."""


def wait_until_none(count_left: Callable[[], int], *, seconds: float, every: float) -> None:
    """Poll until no lead is left. Raises NotStarted."""
    deadline = time.monotonic() + seconds
    while left := count_left():
        if time.monotonic() > deadline:
            message = f"{left} leads did not start in time"
            raise NotStarted(message)
        time.sleep(every)
