"""Turns a row of cells into the payload of a lead, by a mapping of columns to fields and of values to verticals."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, Final, NamedTuple

from routing.intake.csv.header import fold_name
from routing.intake.csv.rejects import RowProblem
from routing.intake.csv.rows import SheetNumber
from routing.values.moments import read_local_time
from routing.values.normalize import FieldError
from routing.values.person_name import split_full_name
from routing.values.spreadsheet import take_off_guard
from tracing.wording import count

# Fields of the import only: a name to split, and when the lead came in where it came in first.
FULL_NAME: Final = "full_name"
RECEIVED_AT: Final = "received_at"
TIMES: Final = (RECEIVED_AT, "consent.given_at")
KINDS: Final = ("text", "number", "flag")
FLAGS: Final = {
    "true": True,
    "yes": True,
    "y": True,
    "1": True,
    "false": False,
    "no": False,
    "n": False,
    "0": False,
}
NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}")
# $1,234.50: what people put around a number.
DECORATED: Final = re.compile(
    r"[+-]?\$?\s?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[+-]?\$\s?[0-9]+(?:\.[0-9]+)?"
)
# Excel's mark for "this is text" before digits.
TEXT_MARK: Final = re.compile(r"'[0-9+(][0-9 ()+./-]*")
SHORT_ZIP: Final = re.compile(r"[0-9]{3,4}")
CATCH_ALL: Final = "*"
MAX_UNMAPPED_VALUES: Final = 1_000


class Target(NamedTuple):
    """The path of a field in the payload, and the kind that its text is read as."""

    path: tuple[str, ...]
    kind: str = "text"

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class VerticalMap:
    """`unmapped` counts the rows of each value without a vertical, for at most MAX_UNMAPPED_VALUES values."""

    verticals: Mapping[str, str]
    unmapped: Counter[str] = field(default_factory=Counter)

    def find(self, value: str) -> str | None:
        key = fold_name(value)
        vertical = self.verticals.get(key) or self.verticals.get(CATCH_ALL)
        if vertical is None and (value in self.unmapped or len(self.unmapped) < MAX_UNMAPPED_VALUES):
            self.unmapped[value] += 1
        return vertical


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    targets: tuple[tuple[int, Target], ...]
    defaults: tuple[tuple[Target, str], ...]
    verticals: VerticalMap | None
    columns: tuple[str, ...]
    zone: tzinfo = UTC
    is_day_first: bool = False
    pads_zips: bool = False

    def build(
        self, cells: Sequence[str], *, keeps_text: bool = False
    ) -> tuple[dict[str, Any], list[RowProblem]]:
        """Return the payload for parse_lead, and the problems that the mapping found.

        With `keeps_text`, an attribute that cannot be read as its kind is a problem and stays in the payload as text.
        """
        if any(cell.strip() for cell in cells[len(self.columns) :]):
            found, expected = count(len(cells), "value"), count(len(self.columns), "column")
            message = f"has {found} for {expected}: look for a missing quote"
            return {}, [RowProblem("", "", "columns", message)]
        payload: dict[str, Any] = {}
        problems: list[RowProblem] = []
        for index, target in self.targets:
            # Programs omit empty values at the end of a line.
            cell = cells[index] if index < len(cells) else ""
            text = clean_cell(cell)
            try:
                self._put(payload, target, text, is_number=isinstance(cell, SheetNumber))
            except FieldError as error:
                problems.append(RowProblem(self.columns[index], target.name, error.code, error.message))
                if keeps_text and target.path[0] == "attributes":
                    _set(payload, target.path, text)
        for target, text in self.defaults:
            if _get(payload, target.path) is None:
                _set(payload, target.path, convert(text, kind=target.kind))
        _split_name(payload)
        return payload, problems

    def column_of(self, name: str) -> str:
        """Return the column mapped to a field, for reports. For `attributes.x[2]`, that of `attributes.x`."""
        wanted = name.partition("[")[0]
        return next((self.columns[index] for index, target in self.targets if target.name == wanted), "")

    def maps(self, name: str) -> bool:
        return any(target.name == name for _, target in self.targets)

    def _put(self, payload: dict[str, Any], target: Target, text: str, *, is_number: bool) -> None:
        if not text:
            return
        if target.name in TIMES:
            moment = read_local_time(text, zone=self.zone, is_day_first=self.is_day_first)
            _set(payload, target.path, moment.isoformat())
            return
        if target.name == "zip" and SHORT_ZIP.fullmatch(text):
            text = text.zfill(5) if self.pads_zips else text
            if is_number and not self.pads_zips:
                payload["zip"] = int(text)
                return
        if target.name == "vertical" and self.verticals is not None:
            vertical = self.verticals.find(text)
            if vertical is None:
                raise FieldError("unmapped", "is not in --vertical-map: add it, or add '*=other'")
            text = vertical
        _set(payload, target.path, convert(text, kind=target.kind))


def clean_cell(cell: str) -> str:
    """Remove what a spreadsheet or an earlier report put before the value."""
    text = take_off_guard(cell).strip()
    return text[1:] if TEXT_MARK.fullmatch(text) else text


def convert(text: str, *, kind: str) -> str | int | float | bool:
    """Read the text as `kind`, one of KINDS. Raises FieldError."""
    if kind == "number":
        return _read_number(text)
    if kind == "flag":
        if text.lower() not in FLAGS:
            raise FieldError("invalid", "is neither yes nor no: write true or false")
        return FLAGS[text.lower()]
    return text


def _read_number(text: str) -> int | float:
    if NUMBER.fullmatch(text):
        return int(text)
    if DECORATED.fullmatch(text):
        text = re.sub(r"[$,\s]", "", text)
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise FieldError("invalid", "is not a number: write it like 12 or 12.5")
    return number


def _split_name(payload: dict[str, Any]) -> None:
    full_name = payload.pop(FULL_NAME, None)
    if full_name is None:
        return
    first_name, last_name = split_full_name(full_name)
    payload.setdefault("first_name", first_name)
    payload.setdefault("last_name", last_name)


def _get(payload: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = payload
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _set(payload: dict[str, Any], path: Sequence[str], value: object) -> None:
    for key in path[:-1]:
        payload = payload.setdefault(key, {})
    payload[path[-1]] = value
