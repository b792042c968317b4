"""The time that the page covers, in whole hours or days (UTC)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
# By name: label, number of steps, and the step.
WINDOWS: Final = {
    "24h": ("24 hours", 24, HOUR),
    "7d": ("7 days", 7 * 24, HOUR),
    "30d": ("30 days", 30, DAY),
}
DEFAULT: Final = "24h"


@dataclass(frozen=True, slots=True)
class Window:
    """`steps`: the start of each hour or day. The last one is not over."""

    name: str
    label: str
    step: timedelta
    steps: tuple[datetime, ...]

    @property
    def unit(self) -> str:
        return "hour" if self.step == HOUR else "day"

    @property
    def start(self) -> datetime:
        return self.steps[0]

    @property
    def end(self) -> datetime:
        return self.steps[-1] + self.step


def make_window(name: str, *, at: datetime) -> Window:
    """An unknown name gives the default window."""
    known = name if name in WINDOWS else DEFAULT
    label, number, step = WINDOWS[known]
    return Window(known, label, step, make_steps(number, step, at=at))


def make_steps(number: int, step: timedelta, *, at: datetime) -> tuple[datetime, ...]:
    """Return the starts of the last steps, the one that contains `at` included."""
    last = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if step == DAY:
        last = last.replace(hour=0)
    return tuple(last - step * back for back in reversed(range(number)))
