"""The size of the month, and what its leads come to."""

from dataclasses import dataclass
from typing import Final

from tests.bench.scale.size import LEADS_A_WORKSPACE, MOST_WORKSPACES

FULL_ATTEMPTS: Final = 1_000_000
DAYS: Final = 35
# Every fourth lead has two attempts.
TRIED_TWICE: Final = 4
# Attempts of the last minute are still in the queue of the roll-up.
UNCOUNTED: Final = 20
# Leads of an hour of the day (UTC), in proportion: most come in by day in the United States.
HOURS: Final = (6, 4, 3, 2, 1, 1, 1, 1, 1, 1, 2, 4, 8, 14, 20, 22, 22, 20, 20, 20, 18, 15, 12, 8)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the last attempt of a lead ends, for `share` of all leads, and the status that the lead has then."""

    result: str
    skip_reason: str
    status: str
    share: float


ENDINGS: Final = (
    Ending("success", "", "distributed", 0.50),
    Ending("unsold", "no_eligible_buyers", "failed", 0.20),
    Ending("unsold", "no_campaign", "failed", 0.08),
    Ending("duplicate", "duplicate_lead", "duplicate", 0.09),
    Ending("deferred", "all_buyers_capped", "pending", 0.06),
    Ending("retry", "database_timeout", "pending", 0.01),
    Ending("failed", "internal_error", "failed", 0.002),
    Ending("failed", "worker_lost", "failed", 0.001),
    Ending("expired", "lead_expired", "expired", 0.057),
)


@dataclass(frozen=True, slots=True)
class MonthSize:
    attempts: int = FULL_ATTEMPTS

    @property
    def leads(self) -> int:
        return self.attempts * TRIED_TWICE // (TRIED_TWICE + 1)

    @property
    def workspaces(self) -> int:
        return max(4, min(MOST_WORKSPACES, self.attempts // LEADS_A_WORKSPACE))

    @property
    def waiting(self) -> int:
        """Leads that are due for their first attempt, as in an incident."""
        return self.leads // 100

    @property
    def least_big(self) -> int:
        """A table with as many rows is a big one."""
        return self.attempts // 200
