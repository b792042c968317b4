"""Describes failing gates, skip reasons and funnels to a person. Pure.

An unknown gate or shape is described plainly, so that traces of older and newer versions stay readable.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tracing import wording
from tracing.gates import WORDS, Gate, measure_plainly
from tracing.skip_reasons import SKIP_REASONS, Fixer

FIXERS: Final = {
    Fixer.BUYER: "the buyer",
    Fixer.AGENCY: "the agency",
    Fixer.LEAD: "no one: the lead itself would have to be different",
    Fixer.OUTRANKED: "no one: other buyers ranked higher",
    Fixer.SYSTEM: "no one: it resolves on its own",
}
# If there are several obstacles, the first fixer in this order must act before the buyer can get the lead.
FIXER_ORDER: Final = (Fixer.LEAD, Fixer.AGENCY, Fixer.BUYER, Fixer.SYSTEM)
# The stages of a funnel that belong to no gate, as GateWords.stage.
OTHER_STAGES: Final = {
    "enrolled": ("buyer enrolled", "buyers enrolled"),
    "bid": ("bids enough", "bid enough"),
    "offered": ("is shown the offer", "are shown the offer"),
    "locked": ("is free", "are free"),
    "selected": ("selected", "selected"),
}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One failing gate in words. `finding`: what failed. `change`: what would have to change."""

    gate: str
    finding: str
    change: str
    fixer: str
    required: Any
    observed: Any
    opens_at: str | None


def describe_gate(gate: Gate, *, timezone: str = "UTC") -> Obstacle:
    """`timezone` is the buyer's: resets and openings are shown in it. Never raises for odd data."""
    code = str(gate.get("gate", "unknown"))
    fixer = fixer_of(code)
    try:
        words = WORDS[code]
        detail, change = _describe_unreadable(gate) if "problem" in gate else words.describe(gate, timezone)
        fixer = words.fixer(gate) or fixer
    except (LookupError, TypeError, ValueError, AttributeError):
        required, observed = wording.value(gate.get("required")), wording.value(gate.get("observed"))
        detail, change = f"required {required}, observed {observed}", ""
    clause = describe_clause(code)
    return Obstacle(
        gate=code,
        finding=f"{clause}: {detail}" if detail else clause,
        change=change,
        fixer=str(fixer),
        required=gate.get("required"),
        observed=gate.get("observed"),
        opens_at=_opens_at(gate),
    )


def _describe_unreadable(gate: Gate) -> tuple[str, str]:
    """A part of the configuration that the engine could not read."""
    part_of = WORDS[gate["gate"]].part
    part = "its configuration" if part_of is None else part_of(gate)
    return f"{part} cannot be read ({gate['problem']})", f"correct {part}"


def _opens_at(gate: Gate) -> str | None:
    try:
        at = wording.parse_moment(gate.get("fixed_at"))
    except (TypeError, ValueError):
        return None
    return wording.utc(at) if at is not None and at.tzinfo is not None else None


def describe_measures(obstacle: Obstacle) -> tuple[str, str]:
    """Required and observed, each short enough for a table cell. Never raises for odd data."""
    try:
        return WORDS[obstacle.gate].measure(obstacle.required, obstacle.observed)
    except (LookupError, TypeError, ValueError, AttributeError):
        return measure_plainly(obstacle.required, obstacle.observed)


def describe_clause(reason: str) -> str:
    """What follows a buyer's name and a colon; an unknown reason gives its code. One of the lead gives its sentence."""
    known = SKIP_REASONS.get(reason)
    if known is None:
        return reason
    return known.clause or f"{known.sentence[:1].lower()}{known.sentence[1:].rstrip('.')}"


def fixer_of(reason: str, *, is_last: bool = False) -> str:
    """Who can change it; "" for an unknown code. `is_last`: no attempt follows, so nothing resolves on its own."""
    if reason not in SKIP_REASONS:
        return ""
    fixer = SKIP_REASONS[reason].fixer
    return (Fixer.AGENCY if is_last and fixer is Fixer.SYSTEM else fixer).value


def first_fixer(fixers: Iterable[str]) -> str:
    """Return the one of these fixers who must act first; "" if none is in FIXER_ORDER."""
    named = set(fixers)
    return next((fixer.value for fixer in FIXER_ORDER if fixer.value in named), "")


def describe_fixer(fixer: str) -> str:
    return FIXERS[Fixer(fixer)] if fixer in set(Fixer) else "not known"


def describe_funnel(funnel: Sequence[Sequence[Any]], *, zip_code: str) -> str:
    """ "8 buyers enrolled, 0 cover 30312." Leaves out stages that removed no buyer, and ends at 0."""
    parts: list[str] = []
    before: int | None = None
    for stage, remaining in funnel:
        if before is None or remaining != before or stage == "selected":
            words = describe_stage(stage, remaining=remaining, zip_code=zip_code)
            parts.append(f"{remaining:,} {words}")
        if remaining == 0:
            break
        before = remaining
    return wording.sentence(", ".join(parts)) if parts else "No buyers were considered."


def describe_stage(stage: str, *, remaining: int, zip_code: str) -> str:
    """What follows the number of buyers that are left: "cover 30312"."""
    words = OTHER_STAGES.get(stage) or (WORDS[stage].stage if stage in WORDS else None)
    singular, plural = words or (f"left after {stage}",) * 2
    return (singular if remaining == 1 else plural).format(zip=zip_code or "the lead")
