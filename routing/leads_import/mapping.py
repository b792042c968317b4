"""From a row of cells to the payload of a lead: which column goes where, and which value is which vertical."""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from routing.attributes import KEY
from routing.consent import CONSENT_KEYS
from routing.leadfields import LEAD_KEYS
from routing.leads_import.rejects import Problem, take_off_guard
from routing.normalise import FieldError, normalise_vertical

PLAIN_FIELDS: Final = tuple(key for key in LEAD_KEYS if key not in ("attributes", "consent"))
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
        key = _fold(value)
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

    def build(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[Problem]]:
        """Return the payload for parse_lead, and what is wrong with the row before that can look at it."""
        if len(cells) > len(self.columns):
            message = f"has {len(cells)} values for {len(self.columns)} columns: look for a missing quote"
            return {}, [Problem("", "", "columns", message)]
        payload: dict[str, Any] = {}
        problems: list[Problem] = []
        for index, target in self.targets:
            # Programs leave out the last values of a line when they are empty.
            text = take_off_guard(cells[index]).strip() if index < len(cells) else ""
            try:
                self._put(payload, target, text)
            except FieldError as error:
                problems.append(Problem(self.columns[index], target.name, error.code, error.message))
        for target, text in self.defaults:
            if _get(payload, target.path) is None:
                _set(payload, target.path, _convert(text, kind=target.kind))
        return payload, problems

    def column_of(self, name: str) -> str:
        """The column that was mapped to a field, for reports; of `attributes.x[2]` that of `attributes.x`."""
        wanted = name.partition("[")[0]
        return next((self.columns[index] for index, target in self.targets if target.name == wanted), "")

    def maps(self, name: str) -> bool:
        return any(target.name == name for _, target in self.targets)

    def _put(self, payload: dict[str, Any], target: Target, text: str) -> None:
        if not text:
            return
        if target.name == "vertical" and self.verticals is not None:
            vertical = self.verticals.find(text)
            if vertical is None:
                raise FieldError(
                    "unmapped", "is a value that --vertical-map does not name: add it, or '*=other'"
                )
            text = vertical
        _set(payload, target.path, _convert(text, kind=target.kind))


def read_mapping(
    columns: Sequence[str], *, maps: Iterable[str], defaults: Iterable[str], vertical_maps: Iterable[str]
) -> ColumnMapping:
    """Read the options of the command. Raises MappingError."""
    targets = [_read_map(text, columns=columns) for text in maps]
    counts = Counter(target.name for _, target in targets)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise MappingError(f"--map: more than one column goes into {', '.join(twice)}")
    verticals = _read_verticals(vertical_maps)
    if verticals and not counts["vertical"]:
        raise MappingError("--vertical-map: no column is mapped to vertical; add --map 'column=vertical'")
    return ColumnMapping(
        targets=tuple(targets),
        defaults=tuple(_read_default(text) for text in defaults),
        verticals=VerticalMap(verticals) if verticals else None,
        columns=tuple(columns),
    )


def _read_map(text: str, *, columns: Sequence[str]) -> tuple[int, Target]:
    column, field_name = _split(text, option="--map", form="column=field")
    found = [index for index, name in enumerate(columns) if name == column]
    found = found or [index for index, name in enumerate(columns) if _fold(name) == _fold(column)]
    if not found:
        raise MappingError(
            f"--map {text}: no column {column!r}; the file has {', '.join(map(repr, columns))}"
        )
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
    raise MappingError(f"{option}: no field {text!r}; there are {known}, {forms}")


def _read_verticals(texts: Iterable[str]) -> dict[str, str]:
    verticals: dict[str, str] = {}
    for text in texts:
        pairs = _read_pairs(Path(text[1:])) if text.startswith("@") else [_split_vertical(text)]
        for value, vertical in pairs:
            try:
                verticals[_fold(value)] = normalise_vertical(vertical) or ""
            except FieldError as error:
                raise MappingError(f"--vertical-map: {vertical!r} {error.message}") from None
            if not verticals[_fold(value)]:
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
    if rows and _fold(rows[0][1]) == "vertical":
        del rows[0]
    return [(value, vertical) for value, vertical in rows]


def _split(text: str, *, option: str, form: str) -> tuple[str, str]:
    """At the last = : names of columns may contain one, names of fields do not."""
    left, separator, right = text.rpartition("=") if option != "--default" else text.partition("=")
    if not separator or not left.strip() or not right.strip():
        raise MappingError(f"{option} {text}: write it as {form}")
    return left.strip(), right.strip()


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


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
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise FieldError("invalid", "is not a number: write it like 12 or 12.5")
    return number


def _get(payload: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = payload
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _set(payload: dict[str, Any], path: Sequence[str], value: object) -> None:
    for key in path[:-1]:
        payload = payload.setdefault(key, {})
    payload[path[-1]] = value
