"""Reads the form of a call to place as strictly as a carrier can: what it would ignore is refused. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from tests.carrier.accounts import Refused
from tests.carrier.records import Pairs

E164: Final = re.compile(r"\+[1-9][0-9]{7,14}")
EVENTS: Final = frozenset({"initiated", "ringing", "answered", "completed"})
REPEATED: Final = frozenset({"StatusCallbackEvent", "RecordingStatusCallbackEvent"})


def _is_url(value: str) -> bool:
    return value.startswith(("http://", "https://"))


def _is_number(longest: int) -> Callable[[str], bool]:
    return lambda value: value.isascii() and value.isdigit() and 1 <= int(value) <= longest


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


# The fields that this carrier acts on. Twilio has more: a form with one of those is refused.
FIELDS: Final[Mapping[str, Callable[[str], bool]]] = {
    "To": bool,
    "From": bool,
    "Url": _is_url,
    "Method": _one_of("POST"),
    "Twiml": bool,
    "StatusCallback": _is_url,
    "StatusCallbackEvent": EVENTS.__contains__,
    "StatusCallbackMethod": _one_of("POST"),
    "Timeout": _is_number(600),
    "TimeLimit": _is_number(14_400),
    "MachineDetection": _one_of("Enable", "DetectMessageEnd"),
    "Record": _one_of("true", "false"),
    "RecordingStatusCallback": _is_url,
    "RecordingStatusCallbackMethod": _one_of("POST"),
    "RecordingStatusCallbackEvent": _one_of("completed"),
}


def read_form(pairs: Pairs) -> Mapping[str, list[str]]:
    """Raises Refused."""
    form: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        if name not in FIELDS or (form[name] and name not in REPEATED):
            raise Refused(20001, name)
        form[name].append(value)
    _check_numbers(form)
    if not form.keys() & {"Url", "Twiml"}:
        raise Refused(21205)
    for name, values in form.items():
        if not all(FIELDS[name](value) for value in values):
            raise Refused(21205 if name == "Url" else 20001, name)
    return dict(form)


def _check_numbers(form: Mapping[str, list[str]]) -> None:
    for name, missing, invalid in (("To", 21201, 21211), ("From", 21213, 21212)):
        values = form.get(name, [])
        if not values:
            raise Refused(missing)
        if not E164.fullmatch(values[0]):
            raise Refused(invalid, values[0])
