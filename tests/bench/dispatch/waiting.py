"""Waits for leads, with a limit: what never comes must not hold a bench up."""

import time
from collections.abc import Callable


class NotStarted(Exception):
    """Leads did not start in time: the lags of the others say nothing."""


def wait_until_none(count_left: Callable[[], int], *, seconds: float, every: float) -> None:
    """Ask every so many seconds until no lead is left. Raises NotStarted."""
    deadline = time.monotonic() + seconds
    while left := count_left():
        if time.monotonic() > deadline:
            message = f"{left} leads did not start in time"
            raise NotStarted(message)
        time.sleep(every)
