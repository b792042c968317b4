"""From a row of cells to the payload of a lead: which column goes where, and which value is which vertical."""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Final, NamedTuple

from routing.intake.consent import CONSENT_KEYS
from routing.intake.csv.header import describe_columns, fold_name
from routing.intake.csv.rejects import Problem, take_off_guard
from routing.intake.csv.rows import SheetNumber
from routing.intake.parse import LEAD_KEYS
from routing.values.attributes import KEY
from routing.values.moments import read_local_time
from routing.values.normalize import FieldError, normalize_vertical
from routing.values.person_name import split_full_name

# Of the import alone: a name that is split, and when the lead came in where it came in first.
FULL_NAME: Final = "full_name"
RECEIVED_AT: Final = "received_at"
PLAIN_FIELDS: Final = (
    *(key for key in LEAD_KEYS if key not in ("attributes", "consent")),
    *(FULL_NAME, RECEIVED_AT),
)
TIMES: Final = (RECEIVED_AT, "consent.given_at")
CONSENT_FIELDS: Final = tuple(f"consent.{key}" for key in CONSENT_KEYS)
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


class MappingError(ValueError):
    """The mapping does not fit the file or the product; the message lists what would."""


class Target(NamedTuple):
    """A field of the payload, by its path, and what its text is turned into."""

    path: tuple[str, ...]
    kind: str = "text"

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class VerticalMap:
    """`unmapped` counts the values that had no vertical, as long as they are not too many to be of use."""

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
    ) -> tuple[dict[str, Any], list[Problem]]:
        """Return the payload for parse_lead, and what is wrong with the row before that can look at it.

        `keeps_text`: an attribute of another kind than was mapped is in both, as text.
        """
        if any(cell.strip() for cell in cells[len(self.columns) :]):
            message = f"has {len(cells)} values for {len(self.columns)} columns: look for a missing quote"
            return {}, [Problem("", "", "columns", message)]
        payload: dict[str, Any] = {}
        problems: list[Problem] = []
        for index, target in self.targets:
            # Programs leave out the last values of a line when they are empty.
            cell = cells[index] if index < len(cells) else ""
            text = clean_cell(cell)
            try:
                self._put(payload, target, text, is_number=isinstance(cell, SheetNumber))
            except FieldError as error:
                problems.append(Problem(self.columns[index], target.name, error.code, error.message))
                if keeps_text and target.path[0] == "attributes":
                    _set(payload, target.path, text)
        for target, text in self.defaults:
            if _get(payload, target.path) is None:
                _set(payload, target.path, _convert(text, kind=target.kind))
        _split_name(payload)
        return payload, problems

    def column_of(self, name: str) -> str:
        """The column that was mapped to a field, for reports; of `attributes.x[2]` that of `attributes.x`."""
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
        _set(payload, target.path, _convert(text, kind=target.kind))


def clean_cell(cell: str) -> str:
    """Without what a spreadsheet or an earlier report put before it."""
    text = take_off_guard(cell).strip()
    return text[1:] if TEXT_MARK.fullmatch(text) else text


def name_columns(maps: Iterable[str]) -> list[str]:
    """The columns that the options name. Raises MappingError."""
    return [_split(text, option="--map", form="column=field")[0] for text in maps]


def read_mapping(
    columns: Sequence[str],
    *,
    maps: Iterable[str],
    defaults: Iterable[str],
    vertical_maps: Iterable[str],
    zone: tzinfo = UTC,
    is_day_first: bool = False,
    pads_zips: bool = False,
) -> ColumnMapping:
    """Read the options of the command. Raises MappingError."""
    targets = [_read_map(text, columns=columns) for text in maps]
    counts = Counter(target.name for _, target in targets)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise MappingError(f"--map: more than one column is mapped to {', '.join(twice)}")
    verticals = _read_verticals(vertical_maps)
    if verticals and not counts["vertical"]:
        raise MappingError("--vertical-map: no column is mapped to vertical; add --map 'column=vertical'")
    return ColumnMapping(
        targets=tuple(targets),
        defaults=tuple(_read_default(text) for text in defaults),
        verticals=VerticalMap(verticals) if verticals else None,
        columns=tuple(columns),
        zone=zone,
        is_day_first=is_day_first,
        pads_zips=pads_zips,
    )


def _read_map(text: str, *, columns: Sequence[str]) -> tuple[int, Target]:
    column, field_name = _split(text, option="--map", form="column=field")
    found = [index for index, name in enumerate(columns) if name == column]
    found = found or [index for index, name in enumerate(columns) if fold_name(name) == fold_name(column)]
    if not found:
        raise MappingError(f"--map {text}: there is no column {column!r}; {describe_columns(columns)}")
    if len(found) > 1:
        raise MappingError(f"--map {text}: the file has {len(found)} columns {column!r}; rename all but one")
    return found[0], _read_target(field_name, option=f"--map {text}")


def _read_default(text: str) -> tuple[Target, str]:
    name, value = _split(text, option="--default", form="field=value")
    target = _read_target(name, option=f"--default {text}")
    try:
        _convert(value, kind=target.kind)
    except FieldError as error:
        raise MappingError(f"--default {text}: {error.message}") from None
    return target, value


def _read_target(text: str, *, option: str) -> Target:
    name, _, kind = text.partition(":")
    path = tuple(name.split("."))
    if name in PLAIN_FIELDS or name in CONSENT_FIELDS:
        is_known = not kind
    else:
        is_attribute = path[0] == "attributes" and len(path) > 1 and all(map(KEY.fullmatch, path[1:]))
        is_known = is_attribute and kind in ("", *KINDS)
    if is_known:
        return Target(path, kind or "text")
    known = ", ".join((*PLAIN_FIELDS, *CONSENT_FIELDS))
    forms = "attributes.<name>, attributes.<name>:number and attributes.<name>:flag"
    raise MappingError(f"{option}: there is no field {text!r}; use one of {known}, {forms}")


def _read_verticals(texts: Iterable[str]) -> dict[str, str]:
    verticals: dict[str, str] = {}
    for text in texts:
        pairs = _read_pairs(Path(text[1:])) if text.startswith("@") else [_split_vertical(text)]
        for value, vertical in pairs:
            try:
                verticals[fold_name(value)] = normalize_vertical(vertical) or ""
            except FieldError as error:
                raise MappingError(f"--vertical-map: {vertical!r} {error.message}") from None
            if not verticals[fold_name(value)]:
                raise MappingError(f"--vertical-map: {value!r} has no vertical")
    return verticals


def _split_vertical(text: str) -> tuple[str, str]:
    return _split(text, option="--vertical-map", form="value=vertical")


def _read_pairs(path: Path) -> list[tuple[str, str]]:
    """A CSV file of value and vertical; a first line that says just that is taken for a header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not a CSV file in UTF-8"
        raise MappingError(f"--vertical-map @{path}: {reason}") from None
    if wrong := next((row for row in rows if len(row) != 2), None):
        raise MappingError(
            f"--vertical-map @{path}: each line must be value,vertical; one has {len(wrong)} values"
        )
    if rows and fold_name(rows[0][1]) == "vertical":
        del rows[0]
    return [(value, vertical) for value, vertical in rows]


def _split(text: str, *, option: str, form: str) -> tuple[str, str]:
    """At the last = : names of columns may contain one, names of fields do not."""
    left, separator, right = text.rpartition("=") if option != "--default" else text.partition("=")
    if not separator or not left.strip() or not right.strip():
        raise MappingError(f"{option} {text}: write it as {form}")
    return left.strip(), right.strip()


def _convert(text: str, *, kind: str) -> str | int | float | bool:
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
