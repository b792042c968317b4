"""What the bench of the dispatch measures: rates, counts and times."""

from dataclasses import dataclass
from typing import Final, Self

EVENT: Final = "event"
COUNTDOWN: Final = "countdown"
POLLER: Final = "poller"
CONTENDERS: Final = (EVENT, COUNTDOWN, POLLER)
TITLES: Final = {
    EVENT: "LeadSwitch",
    COUNTDOWN: "Celery countdown",
    POLLER: "PostgreSQL poller, 1 s",
}
IMMEDIATE: Final = "immediate"
DELAYED: Final = "delayed"
KINDS: Final = (IMMEDIATE, DELAYED)

BUYERS: Final = 10
BACKLOG_WORKSPACES: Final = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` of traffic for each rate in leads/s, half of the leads delayed; leads in each of the other parts."""

    seconds: dict[int, float]
    small_backlog: int  # leads scheduled for a later year while lags are measured
    large_backlog: int
    moved: int  # leads that are due at one instant, `moved_in` seconds after the first is put
    moved_in: float
    moved_by_countdown: int
    put_alone: int  # leads that are put one per call
    overdue: int  # leads that a flush of Redis leaves behind
    piled: int  # leads of another workspace that are due already
    shared_rate: int = 10  # leads/s of the other workspace, and for how many seconds
    shared_seconds: float = 8.0
    flat_rate: int = 50
    warm_up_leads: int = 40
    # How many seconds after its arrival a delayed lead is due.
    shortest_delay: float = 1.0
    longest_delay: float = 4.0

    @classmethod
    def full(cls) -> Self:
        return cls(
            seconds={1: 40, 50: 20, 200: 15},
            small_backlog=1_000,
            large_backlog=1_000_000,
            moved=200_000,
            moved_in=15.0,
            moved_by_countdown=20_000,
            put_alone=20_000,
            overdue=100_000,
            piled=5_000,
        )

    @classmethod
    def quick(cls) -> Self:
        """Enough to show that everything runs, too little to measure speed."""
        return cls(
            seconds={10: 1},
            small_backlog=20,
            large_backlog=200,
            moved=300,
            moved_in=1.0,
            moved_by_countdown=50,
            put_alone=20,
            overdue=2_500,
            piled=50,
            shared_seconds=1.0,
            flat_rate=10,
        )
