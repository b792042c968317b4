"""Says in one sentence how a pool of buyers became as small as it did. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from tracing import wording

# Singular and plural, after the number of buyers that are left. {zip} is the lead's.
STAGES: Final = {
    "enrolled": ("buyer enrolled", "buyers enrolled"),
    "enrollment_paused": ("with an active enrollment", "with an active enrollment"),
    "buyer_paused": ("is not paused", "are not paused"),
    "outside_service_area": ("covers {zip}", "cover {zip}"),
    "onboarding_mismatch": ("has answers that fit", "have answers that fit"),
    "lead_filter_rejected": ("has filters that accept it", "have filters that accept it"),
    "outside_buyer_hours": ("is open", "are open"),
    "cap_reached": ("is below its caps", "are below their caps"),
    "insufficient_credits": ("has enough credits", "have enough credits"),
    "already_has_lead": ("has not bought the lead before", "have not bought the lead before"),
    "locked": ("is free", "are free"),
    "selected": ("selected", "selected"),
}


def narrate_funnel(funnel: Sequence[Sequence[Any]], *, zip_code: str) -> str:
    """ "8 buyers enrolled, 0 cover 30312.": stages that removed nobody are left out, and all after the empty one."""
    parts: list[str] = []
    before: int | None = None
    for stage, remaining in funnel:
        if before is None or remaining != before or stage == "selected":
            parts.append(_stage(stage, remaining, zip_code))
        if remaining == 0:
            break
        before = remaining
    return wording.sentence(", ".join(parts)) if parts else "No buyer was looked at."


def _stage(stage: str, remaining: int, zip_code: str) -> str:
    return f"{remaining:,} {name_stage(stage, remaining=remaining, zip_code=zip_code)}"


def name_stage(stage: str, *, remaining: int, zip_code: str) -> str:
    """What follows the number of buyers that are left: "cover 30312"."""
    words = STAGES.get(stage, (f"left after {stage}",) * 2)[0 if remaining == 1 else 1]
    return words.format(zip=zip_code or "the lead")
