"""Where a buyer changes what a gate found: the route and its fields. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from distribution.explain.missed_rows import SkippedAttempt
from distribution.explain.missed_systems import DECIDED_BY_BIDS
from distribution.selfservice.settings import ANSWERS, AREA, ENROLLMENT, HOURS, PAUSE, PERIODS, Part
from tracing.obstacles import Obstacle
from tracing.skip_reasons import Fixer


@dataclass(frozen=True, slots=True)
class Remedy:
    """`path`: below the buyers' API; an enrollment's has the id of its campaign. `fields` as a change names them.

    `part` None: it is not changed here, but in the answer of the buyer's own system.
    """

    path: str
    part: Part | None
    fields: tuple[str, ...]


LIMITS: Final = tuple(f"{group}.{period}" for group in ("caps", "budgets_cents") for period in PERIODS)
OWN_BIDS: Final = Remedy("enrollments/", ENROLLMENT, ("bid_cents", "standing_bids"))
OWN_SYSTEM: Final = Remedy("ping_endpoint", None, ("bid",))
REMEDIES: Final[Mapping[str, Remedy]] = {
    "enrollment_paused": Remedy("enrollments/", ENROLLMENT, ("paused", "paused_until")),
    "buyer_paused": Remedy("pause/", PAUSE, ("paused", "paused_until")),
    "outside_service_area": Remedy("area/", AREA, ("service_area",)),
    "onboarding_mismatch": Remedy("answers/", ANSWERS, ("answers",)),
    "lead_filter_rejected": Remedy("enrollments/", ENROLLMENT, ("lead_filter",)),
    "outside_buyer_hours": Remedy("hours/", HOURS, ("hours",)),
    "cap_reached": Remedy("enrollments/", ENROLLMENT, LIMITS),
    "below_promised_price": OWN_BIDS,
    "bid_below_reserve": OWN_BIDS,
}


def find_remedy(obstacle: Obstacle) -> Remedy | None:
    """None: the buyer cannot change it here. `fixer` of the obstacle says who can."""
    return REMEDIES.get(obstacle.gate) if obstacle.fixer == Fixer.BUYER else None


def find_remedy_of_skip(skip: SkippedAttempt) -> Remedy | None:
    """Of the reason. A bid of an auction is one of the enrollment's rules, or an answer of the buyer's system."""
    if skip.has_own_answer:
        return OWN_SYSTEM
    if skip.gates:
        return find_remedy(skip.gates[0])
    return OWN_BIDS if skip.offer is None and skip.reason in DECIDED_BY_BIDS else None
