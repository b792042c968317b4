"""Reads what the carrier reports. Pure. Numbers of phones are not read, and fields that are not known are left out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{9,63}")
WORD: Final = re.compile(r"[a-z][a-z_-]{0,29}")
KEY: Final = re.compile(r"[0-9*#]")
NUMBER: Final = re.compile(r"[0-9]{1,6}")
LONGEST_STATUS: Final = 20
NO_SEQUENCE: Final = -1
FORM: Final = "application/x-www-form-urlencoded"


class BadNotice(ValueError):
    """It does not say which of the carrier's calls it is about."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One report. `kind`: status, script, keys or recording. `sequence`: the carrier's own count."""

    kind: str
    carrier_sid: str
    status: str = ""
    sequence: int = NO_SEQUENCE
    key: str = ""
    answered_by: str = ""
    duration_seconds: int | None = None
    recording_sid: str = ""


def read_notice(kind: str, fields: Sequence[tuple[str, str]]) -> Notice:
    """Raises BadNotice."""
    given = dict(reversed(fields))
    sid = _read(SID, given, "CallSid")
    if not sid:
        raise BadNotice
    sequence = _read(NUMBER, given, "SequenceNumber")
    duration = _read(NUMBER, given, "CallDuration")
    return Notice(
        kind=kind,
        carrier_sid=sid,
        status=_read_status(kind, given),
        sequence=int(sequence) if sequence and kind == "status" else NO_SEQUENCE,
        key=_read(KEY, given, "Digits") if kind == "keys" else "",
        answered_by=_read(WORD, given, "AnsweredBy"),
        duration_seconds=int(duration) if duration else None,
        recording_sid=_read(SID, given, "RecordingSid") if kind == "recording" else "",
    )


def _read_status(kind: str, given: Mapping[str, str]) -> str:
    name = "RecordingStatus" if kind == "recording" else "CallStatus"
    status = _read(WORD, given, name)
    return status if len(status) <= LONGEST_STATUS else ""


def _read(form: re.Pattern[str], given: Mapping[str, str], name: str) -> str:
    """Blank if it is missing or is something else."""
    value = given.get(name, "")
    return value if form.fullmatch(value) else ""
