"""Where a buyer changes what a gate found: the route and its fields. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from distribution.selfservice.settings import ANSWERS, AREA, ENROLLMENT, HOURS, PAUSE, PERIODS, Part
from tracing.obstacles import Obstacle
from tracing.skip_reasons import Fixer


@dataclass(frozen=True, slots=True)
class Remedy:
    """`path`: below the buyers' API; an enrollment's has the id of its campaign. `fields` as a change names them."""

    path: str
    part: Part
    fields: tuple[str, ...]


LIMITS: Final = tuple(f"{group}.{period}" for group in ("caps", "budgets_cents") for period in PERIODS)
BIDS: Final = ("bid_cents", "standing_bids")
REMEDIES: Final[Mapping[str, Remedy]] = {
    "enrollment_paused": Remedy("enrollments/", ENROLLMENT, ("paused", "paused_until")),
    "buyer_paused": Remedy("pause/", PAUSE, ("paused", "paused_until")),
    "outside_service_area": Remedy("area/", AREA, ("service_area",)),
    "onboarding_mismatch": Remedy("answers/", ANSWERS, ("answers",)),
    "lead_filter_rejected": Remedy("enrollments/", ENROLLMENT, ("lead_filter",)),
    "outside_buyer_hours": Remedy("hours/", HOURS, ("hours",)),
    "cap_reached": Remedy("enrollments/", ENROLLMENT, LIMITS),
    "below_promised_price": Remedy("enrollments/", ENROLLMENT, BIDS),
    # A live bid comes from the buyer's own system.
    "bid_below_reserve": Remedy("enrollments/", ENROLLMENT, BIDS),
}


def find_remedy(obstacle: Obstacle) -> Remedy | None:
    """None: the buyer cannot change it here. `fixer` of the obstacle says who can."""
    return REMEDIES.get(obstacle.gate) if obstacle.fixer == Fixer.BUYER else None
