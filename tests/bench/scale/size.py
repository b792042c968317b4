"""The size of the history, and the share of leads with each outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

FULL_LEADS: Final = 1_000_000
DAYS: Final = 365
# Sales of the largest enrollment, per million leads.
BIG_ENROLLMENT: Final = 25_824
LEADS_PER_WORKSPACE: Final = 5_000
MAX_WORKSPACES: Final = 200


@dataclass(frozen=True, slots=True)
class Kind:
    """Leads with one outcome. `share`: of a workspace's leads. `samples`: real leads of a workspace to multiply.

    `vertical` decides which campaign gets it. `days`: the maximum age of the leads.
    """

    vertical: str
    share: float
    samples: int = 2
    days: int = DAYS


# The vertical of a lead decides its outcome (tests.bench.scale.world).
KINDS: Final[Mapping[str, Kind]] = {
    "sold": Kind("roofing", 0.265, samples=8),
    "returned": Kind("roofing", 0.012),
    "unserved": Kind("siding", 0.313),
    "no_campaign": Kind("fencing", 0.1),
    "duplicate": Kind("roofing", 0.08),
    "expired": Kind("roofing", 0.02),
    "cancelled": Kind("roofing", 0.01),
    "capped": Kind("windows", 0.05, days=60),
    "capped_twice": Kind("windows", 0.01, days=60),
    "closed": Kind("hvac", 0.04, days=60),
    "broke": Kind("gutters", 0.05, days=120),
    "fresh": Kind("roofing", 0.05, days=30),
}
# The verticals above, and the one whose campaign has a single buyer.
BIG: Final = Kind("solar", 0.0, samples=8)


@dataclass(frozen=True, slots=True)
class Size:
    leads: int = FULL_LEADS

    @property
    def workspaces(self) -> int:
        return max(4, min(MAX_WORKSPACES, self.leads // LEADS_PER_WORKSPACE))

    @property
    def big_enrollment(self) -> int:
        return max(1, BIG_ENROLLMENT * self.leads // FULL_LEADS)

    @property
    def side_rows(self) -> int:
        """Audit entries, and idempotency keys."""
        return self.leads // 5

    def share_of(self, place: int) -> float:
        """The share of all leads in the workspace at this position. The first workspace has the most."""
        weights = [1 / (rank + 3) for rank in range(self.workspaces)]
        return weights[place] / sum(weights)
