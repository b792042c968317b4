"""Says of each failing gate what it required, what it observed, and what would have to change. Pure.

The shapes are those that the engine writes into `data.gates`. A gate or a shape that is not known here is told
plainly: an old trace and a newer product must both stay readable.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tracing import wording
from tracing.kinds import note_kind
from tracing.vocabulary import SKIP_REASONS, Fixer

Gate = Mapping[str, Any]

FIXERS: Final = {
    Fixer.BUYER: "the buyer",
    Fixer.AGENCY: "the agency",
    Fixer.LEAD: "nobody: it lies in the lead",
    Fixer.OUTRANKED: "nobody: nothing was wrong",
    Fixer.SYSTEM: "nobody: it passes by itself",
}
# Farther than this from the edge of its area, a buyer is told how far the lead is and not to widen its circle.
FAR_MILES: Final = 50
UNREADABLE: Final = {
    "outside_service_area": "its service area",
    "onboarding_mismatch": "what it answered",
    "outside_buyer_hours": "its time zone or hours",
}
PERIODS: Final = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One failing gate in words. `finding`: what was in the way; `change`: what would have to change."""

    gate: str
    finding: str
    change: str
    fixer: str
    required: Any
    observed: Any
    opens_at: str | None


def describe_gate(gate: Gate, *, timezone: str = "UTC") -> Obstacle:
    """`timezone` is the buyer's: it sees resets and openings on its own clock. Never raises for odd data."""
    code = str(gate.get("gate", "unknown"))
    try:
        detail, change = _unreadable(gate) if "problem" in gate else GATE_WORDS[code](gate, timezone)
    except (LookupError, TypeError, ValueError, AttributeError):
        detail, change = _plain(gate)
    clause = describe_clause(code)
    fixer = (
        Fixer.AGENCY.value if code == "onboarding_mismatch" and _lacks_only_fields(gate) else fixer_of(code)
    )
    return Obstacle(
        gate=code,
        finding=f"{clause}: {detail}" if detail else clause,
        change=change,
        fixer=fixer,
        required=gate.get("required"),
        observed=gate.get("observed"),
        opens_at=_opens_at(gate),
    )


def _lacks_only_fields(gate: Gate) -> bool:
    """True where no answer of the buyer would do: the lead lacks what a question that must be answered asks about."""
    failures = gate.get("failures") or []
    return any(
        isinstance(each, Mapping)
        and each.get("field") is not None
        and each.get("observed") is None
        and not each.get("may_be_open")
        for each in failures
    )


def _opens_at(gate: Gate) -> str | None:
    try:
        at = wording.parse_moment(gate.get("fixed_at"))
    except (TypeError, ValueError):
        return None
    return wording.utc(at) if at is not None and at.tzinfo is not None else None


def describe_clause(reason: str) -> str:
    """What follows a buyer's name and a colon; the code itself when there are no words for it."""
    known = SKIP_REASONS.get(reason)
    return known.clause if known and known.clause else reason


def fixer_of(reason: str) -> str:
    """Who can change it; "" for a code that is not known."""
    return SKIP_REASONS[reason].fixer.value if reason in SKIP_REASONS else ""


def describe_fixer(fixer: str) -> str:
    return FIXERS[Fixer(fixer)] if fixer in set(Fixer) else "not known"


def _plain(gate: Gate) -> tuple[str, str]:
    required, observed = wording.value(gate.get("required")), wording.value(gate.get("observed"))
    return f"required {required}, observed {observed}", ""


def _unreadable(gate: Gate) -> tuple[str, str]:
    """A part of the configuration that the engine could not read."""
    part = {"tier": "its tier's filter", "enrollment": "its own filter"}.get(str(gate.get("scope")))
    part = part or UNREADABLE[gate["gate"]]
    return f"{part} cannot be read ({gate['problem']})", f"correct {part}"


def _enrollment_paused(_gate: Gate, _timezone: str) -> tuple[str, str]:
    return "", "resume the enrollment"


def _buyer_paused(_gate: Gate, _timezone: str) -> tuple[str, str]:
    return "", "resume the buyer"


def _service_area(gate: Gate, _timezone: str) -> tuple[str, str]:
    observed = gate["observed"]
    finding = f"takes {gate['required']}; the lead is in {wording.place(observed)}"
    excluded, beyond = gate.get("excluded"), gate.get("miles_beyond")
    changes = []
    if beyond is not None:
        finding += f", {beyond:,.1f} miles beyond the edge"
        changes.append(_reach(beyond, zip_code=observed.get("zip")))
    elif excluded is None:
        changes.append(f"add {observed.get('zip') or 'the place of the lead'} to the service area")
    if excluded is not None:
        named = _exclusion(excluded)
        finding += f", which it excludes by {named}"
        changes.append(f"take {named} out of its exclusions")
    return finding, " and ".join(changes)


def _reach(beyond: float, *, zip_code: Any) -> str:
    """A circle is widened by a few miles; nobody widens it by hundreds for one lead."""
    if beyond > FAR_MILES:
        return f"add {zip_code} by itself: it lies {beyond:,.0f} miles beyond the area"
    return f"widen its circle by {math.ceil(beyond * 10) / 10:,.1f} miles or add {zip_code}"


def _exclusion(excluded: Mapping[str, Any]) -> str:
    kind, named = excluded["kind"], str(excluded["value"])
    if kind == "radius":
        return f"{excluded['miles']} miles around {named}"
    if kind == "counties":
        state, _, county = named.partition(":")
        return f"the county {county.title()}, {state}"
    nouns = {"zips": "the ZIP", "zip_prefixes": "the ZIP prefix", "states": "the state"}
    noun = (nouns | {"countries": "the country"})[kind]
    return f"{noun} {named}"


def _onboarding(gate: Gate, _timezone: str) -> tuple[str, str]:
    findings, changes = [], []
    for failure in gate["failures"]:
        question = failure["question"]
        if failure["field"] is None:
            findings.append(f'it has no answer to "{question}" that can be compared')
            changes.append(f'answer "{question}"')
            continue
        answer = wording.value_of(failure["field"], failure["required"])
        name = wording.field_name(failure["field"])
        observed = wording.value_of(failure["field"], failure["observed"])
        if failure["observed"] is None:
            findings.append(f'its answer to "{question}" is {answer}, the lead has no {name}')
            changes.append(_send_or_leave_open(failure))
            continue
        note = note_kind(failure["op"], failure["required"], failure["observed"])
        findings.append(f'its answer to "{question}" is {answer}, the lead\'s {name} is {observed}{note}')
        changes.append(f'change the answer to "{question}" so that it takes {observed}')
    return "; ".join(findings), " and ".join(changes)


def _send_or_leave_open(failure: Mapping[str, Any]) -> str:
    """No answer takes a lead without the field: `required` of the question says whether it may be left open."""
    question, name = failure["question"], wording.field_name(failure["field"])
    if failure.get("may_be_open"):
        return f'leave "{question}" unanswered, or have the source send {name}'
    return f'have the source send {name}, or make "{question}" optional and leave it unanswered'


def _filter(gate: Gate, _timezone: str) -> tuple[str, str]:
    whose = "its tier's filter" if gate["scope"] == "tier" else "its own filter"
    failures = gate.get("failures") or []
    observed = ", ".join(
        f"{wording.field_name(name)} {wording.value_of(name, seen)}{_note_of(name, failures)}"
        for name, seen in gate["observed"].items()
    )
    finding = f"{whose} wants {gate['required']}; the lead has {observed or 'nothing that fits'}"
    missing = [name for name, seen in gate["observed"].items() if seen is None]
    if missing and len(missing) == len(gate["observed"]):
        names = wording.one_of([wording.field_name(name) for name in missing])
        return finding, f"change {whose}, or have the source send {names}"
    return finding, f"change {whose}"


def _note_of(name: str, failures: Sequence[Mapping[str, Any]]) -> str:
    notes = [
        note_kind(each["op"], each["required"], each["observed"])
        for each in failures
        if each["field"] == name
    ]
    return next(filter(None, notes), "")


def _hours(gate: Gate, timezone: str) -> tuple[str, str]:
    required, observed = gate["required"], gate["observed"]
    zone = observed.get("timezone") or timezone
    day, windows = wording.WEEKDAYS[required["day"]], required["open"]
    when = f"open {day} {wording.opening(windows)}" if windows else f"closed all {day}"
    finding = f"{when}; it was {wording.WEEKDAYS[observed['day']]} {observed['time']} in {zone}"
    opens_at = wording.parse_moment(gate.get("opens_at"))
    if opens_at is None:
        return finding, "set opening hours: it never opens"
    return finding, f"opens at {wording.local_moment(opens_at, timezone=zone)}, or widen its hours"


def _caps(gate: Gate, timezone: str) -> tuple[str, str]:
    price_cents = gate["price_cents"]
    windows = gate["windows"]
    findings = [_cap_finding(each, price_cents) for each in windows]
    return " and ".join(findings), " and ".join(_cap_change(each, price_cents, timezone) for each in windows)


def _cap_finding(reached: Gate, price_cents: int) -> str:
    name = _cap_name(reached)
    if reached["kind"] == "leads":
        return f"{name} is full"
    spent, price = wording.money(reached["used"]), wording.money(price_cents)
    return f"{name} has {spent} spent and the lead costs {price}"


def _cap_change(reached: Gate, price_cents: int, timezone: str) -> str:
    name = _cap_name(reached)
    resets_at = wording.parse_moment(reached["resets_at"])
    if resets_at is not None:
        return f"{name} resets at {wording.local_moment(resets_at, timezone=timezone)}, or raise it"
    if reached["kind"] == "leads":
        return f"raise {name}: a cap of 0 never opens"
    least = wording.money(price_cents)
    return f"raise {name} to at least {least}: not even an empty budget holds the price"


def _cap_name(reached: Gate) -> str:
    period = PERIODS[reached["window"]]
    if reached["kind"] == "leads":
        return f"the {period} cap of {reached['limit']:,}"
    return f"the {period} budget of {wording.money(reached['limit'])}"


def _credits(gate: Gate, _timezone: str) -> tuple[str, str]:
    price, available = wording.money(gate["required"]), wording.money(gate["observed"])
    return f"the price is {price}, {available} is available", (
        f"top up {wording.money(gate['missing_cents'])}"
    )


def _has_lead(_gate: Gate, _timezone: str) -> tuple[str, str]:
    return "", "nothing: it bought this lead before"


GATE_WORDS: Final[Mapping[str, Callable[[Gate, str], tuple[str, str]]]] = {
    "enrollment_paused": _enrollment_paused,
    "buyer_paused": _buyer_paused,
    "outside_service_area": _service_area,
    "onboarding_mismatch": _onboarding,
    "lead_filter_rejected": _filter,
    "outside_buyer_hours": _hours,
    "cap_reached": _caps,
    "insufficient_credits": _credits,
    "already_has_lead": _has_lead,
}
