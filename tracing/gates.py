"""The words of each gate, one row per gate: its stage of the funnel, what failed, what would have to change. Pure.

The shapes are those that the engine writes into `data.gates`. `tracing/obstacles.py` reads the rows.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tracing import wording
from tracing.cap_words import describe_caps, measure_caps
from tracing.kinds import note_kind
from tracing.skip_reasons import Fixer

Gate = Mapping[str, Any]

# If a buyer's area ends farther away than this, the advice is not to widen its circle.
FAR_MILES: Final = 50


def measure_plainly(required: Any, observed: Any) -> tuple[str, str]:
    return _list_values(required), _list_values(observed)


@dataclass(frozen=True, slots=True)
class GateWords:
    """What a person reads about a gate.

    `stage`: follows the number of buyers that passed it, singular and plural. {zip} is the lead's.
    `describe`: from a failure and the buyer's time zone, what was found and what would have to change.
    `measure`: what it required and observed, each short enough for a table cell.
    `part`: the part of the configuration that may be unreadable. None: this gate reads no such part.
    `fixer`: who can fix this failure, where that is not the usual fixer of its skip reason.
    """

    code: str
    stage: tuple[str, str]
    describe: Callable[[Gate, str], tuple[str, str]]
    measure: Callable[[Any, Any], tuple[str, str]] = measure_plainly
    part: Callable[[Gate], str] | None = None
    fixer: Callable[[Gate], Fixer | None] = lambda _: None


def _list_values(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(
            f"{wording.field_name(str(name))}: {wording.value(each)}" for name, each in value.items()
        )
    return wording.value(value)


def _only_change(change: str) -> Callable[[Gate, str], tuple[str, str]]:
    """For a gate whose clause already says what failed."""
    return lambda _gate, _timezone: ("", change)


def _describe_area(gate: Gate, _timezone: str) -> tuple[str, str]:
    observed = gate["observed"]
    finding = f"it covers {gate['required']}; the lead is in {wording.place(observed)}"
    excluded, beyond = gate.get("excluded"), gate.get("miles_beyond")
    changes = []
    if beyond is not None:
        finding += f", {beyond:,.1f} miles beyond the edge"
        changes.append(_describe_reach(beyond, zip_code=observed.get("zip")))
    elif excluded is None:
        changes.append(f"add {observed.get('zip') or 'the place of the lead'} to the service area")
    if excluded is not None:
        named = _describe_exclusion(excluded)
        finding += f", which it excludes by {named}"
        changes.append(f"remove {named} from its exclusions")
    return finding, " and ".join(changes)


def _describe_reach(beyond: float, *, zip_code: Any) -> str:
    """A circle is widened by a few miles, not by hundreds for one lead."""
    if beyond > FAR_MILES:
        return f"add {zip_code} alone: it is {beyond:,.0f} miles beyond the area"
    return f"widen its circle by {math.ceil(beyond * 10) / 10:,.1f} miles or add {zip_code}"


def _describe_exclusion(excluded: Mapping[str, Any]) -> str:
    kind, named = excluded["kind"], str(excluded["value"])
    if kind == "radius":
        return f"{excluded['miles']} miles around {named}"
    if kind == "counties":
        state, _, county = named.partition(":")
        return f"the county {county.title()}, {state}"
    nouns = {"zips": "the ZIP", "zip_prefixes": "the ZIP prefix", "states": "the state"}
    noun = (nouns | {"countries": "the country"})[kind]
    return f"{noun} {named}"


def _measure_area(required: Any, observed: Any) -> tuple[str, str]:
    return str(required), wording.place(observed)


def _describe_onboarding(gate: Gate, _timezone: str) -> tuple[str, str]:
    findings, changes = [], []
    for failure in gate["failures"]:
        question = failure["question"]
        if failure["field"] is None:
            findings.append(f'it has no usable answer to "{question}"')
            changes.append(f'answer "{question}"')
            continue
        answer = wording.value_of(failure["field"], failure["required"])
        name = wording.field_name(failure["field"])
        observed = wording.value_of(failure["field"], failure["observed"])
        if failure["observed"] is None:
            findings.append(f'its answer to "{question}" is {answer}, but the lead has no {name}')
            changes.append(_describe_missing_field(failure))
            continue
        note = note_kind(failure["op"], failure["required"], failure["observed"])
        findings.append(f'its answer to "{question}" is {answer}, but the lead\'s {name} is {observed}{note}')
        changes.append(f'change the answer to "{question}" so that it accepts {observed}')
    return "; ".join(findings), " and ".join(changes)


def _describe_missing_field(failure: Mapping[str, Any]) -> str:
    """No answer accepts a lead without the field. The question's `required` says whether it may stay unanswered."""
    question, name = failure["question"], wording.field_name(failure["field"])
    if failure.get("may_be_open"):
        return f'leave "{question}" unanswered, or have the source send {name}'
    return f'have the source send {name}, or make "{question}" optional and leave it unanswered'


def _fixer_of_onboarding(gate: Gate) -> Fixer | None:
    """The agency, if no answer of the buyer would help: the lead lacks the field of a required question."""
    failures = gate.get("failures") or []
    lacks_field = any(
        isinstance(each, Mapping)
        and each.get("field") is not None
        and each.get("observed") is None
        and not each.get("may_be_open")
        for each in failures
    )
    return Fixer.AGENCY if lacks_field else None


def _filter_of(gate: Gate) -> str:
    return "its tier's filter" if gate["scope"] == "tier" else "its own filter"


def _describe_filter(gate: Gate, _timezone: str) -> tuple[str, str]:
    whose = _filter_of(gate)
    failures = gate.get("failures") or []
    seen = [
        f"no {wording.field_name(name)}"
        if value is None
        else f"{wording.field_name(name)} {wording.value_of(name, value)}{_note_of(name, failures)}"
        for name, value in gate["observed"].items()
    ]
    finding = f"{whose} requires {gate['required']}; the lead has {', '.join(seen) or 'nothing that matches'}"
    missing = [name for name, value in gate["observed"].items() if value is None]
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


def _measure_filter(required: Any, observed: Any) -> tuple[str, str]:
    return str(required), _list_values(observed) or "nothing that matches"


def _describe_hours(gate: Gate, timezone: str) -> tuple[str, str]:
    required, observed = gate["required"], gate["observed"]
    zone = observed.get("timezone") or timezone
    day, windows = wording.WEEKDAYS[required["day"]], required["open"]
    when = f"open {day} {wording.opening(windows)}" if windows else f"closed all {day}"
    finding = f"{when}; it was {wording.WEEKDAYS[observed['day']]} {observed['time']} in {zone}"
    opens_at = wording.parse_moment(gate.get("opens_at"))
    if opens_at is None:
        return finding, "set opening hours: it never opens"
    return (
        finding,
        f"wait until it opens at {wording.local_moment(opens_at, timezone=zone)}, or widen its hours",
    )


def _measure_hours(required: Any, observed: Any) -> tuple[str, str]:
    windows = wording.opening(required["open"]) if required["open"] else "closed"
    day, seen = wording.WEEKDAYS[required["day"]], wording.WEEKDAYS[observed["day"]]
    return f"{day} {windows}", f"{seen} {observed['time']} {observed['timezone']}"


def _describe_credits(gate: Gate, _timezone: str) -> tuple[str, str]:
    price, available = wording.money(gate["required"]), wording.money(gate["observed"])
    return (
        f"the price is {price}, and only {available} is available",
        f"top up {wording.money(gate['missing_cents'])}",
    )


def _measure_credits(required: Any, observed: Any) -> tuple[str, str]:
    return wording.money(required), wording.money(observed)


def _measure_double(_required: Any, _observed: Any) -> tuple[str, str]:
    return "not sold to it before", "sold to it before"


def _describe_rejection(gate: Gate, _timezone: str) -> tuple[str, str]:
    reason = gate.get("reason")
    finding = f'it answered "{reason}"' if reason else "it gave no reason"
    return finding, "nothing: a buyer is asked once for a lead"


def _measure_rejection(_required: Any, _observed: Any) -> tuple[str, str]:
    return "not rejected by it", "rejected by it"


def _describe_pause(what: str) -> Callable[[Gate, str], tuple[str, str]]:
    """A recorded failure of an earlier version does not say who paused."""

    def describe(gate: Gate, timezone: str) -> tuple[str, str]:
        by = PAUSED_BY.get(gate.get("by"), "")
        until = wording.parse_moment(gate.get("fixed_at"))
        if until is None:
            return by, f"resume {what}"
        ends = wording.local_moment(until, timezone=timezone)
        return f"{by or 'paused'} until {ends}", f"wait until the pause ends, or resume {what}"

    return describe


PAUSED_BY: Final[Mapping[Any, str]] = {"buyer": "it paused itself", "agency": "its agency paused it"}


def _fixer_of_pause(gate: Gate) -> Fixer | None:
    return {"buyer": Fixer.BUYER, "agency": Fixer.AGENCY}.get(gate.get("by", ""))


def _fixer_of_filter(gate: Gate) -> Fixer | None:
    """A buyer changes its own filter, and only the agency that of a tier."""
    return Fixer.BUYER if gate.get("scope") == "enrollment" else None


# In the order of the engine's gates.
GATES: Final = (
    GateWords(
        "enrollment_paused",
        ("with an active enrollment",) * 2,
        _describe_pause("the enrollment"),
        fixer=_fixer_of_pause,
    ),
    GateWords(
        "buyer_paused",
        ("is not paused", "are not paused"),
        _describe_pause("the buyer"),
        fixer=_fixer_of_pause,
    ),
    GateWords(
        "outside_service_area",
        ("covers {zip}", "cover {zip}"),
        _describe_area,
        _measure_area,
        part=lambda _: "its service area",
    ),
    GateWords(
        "onboarding_mismatch",
        ("has matching answers", "have matching answers"),
        _describe_onboarding,
        part=lambda _: "its onboarding answers",
        fixer=_fixer_of_onboarding,
    ),
    GateWords(
        "lead_filter_rejected",
        ("has filters that accept it", "have filters that accept it"),
        _describe_filter,
        _measure_filter,
        part=_filter_of,
        fixer=_fixer_of_filter,
    ),
    GateWords(
        "outside_buyer_hours",
        ("is open", "are open"),
        _describe_hours,
        _measure_hours,
        part=lambda _: "its time zone or hours",
    ),
    GateWords("cap_reached", ("is below its caps", "are below their caps"), describe_caps, measure_caps),
    GateWords(
        "insufficient_credits",
        ("has enough credits", "have enough credits"),
        _describe_credits,
        _measure_credits,
    ),
    GateWords(
        "already_has_lead",
        ("has not bought the lead before", "have not bought the lead before"),
        _only_change("nothing: a buyer gets a lead once"),
        _measure_double,
    ),
    GateWords(
        "rejected_lead",
        ("has not rejected the lead", "have not rejected the lead"),
        _describe_rejection,
        _measure_rejection,
    ),
)
WORDS: Final[Mapping[str, GateWords]] = {gate.code: gate for gate in GATES}
