"""Says when something in a loop is due again."""

import time


class Interval:
    """Is due at once, and again `seconds` after each time that it was."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._next = seconds, 0.0

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
