"""Reads the options of the import that map columns to fields and values to verticals."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

from routing.intake.consent import CONSENT_KEYS
from routing.intake.csv.header import describe_columns, fold_name
from routing.intake.csv.mapping import (
    FULL_NAME,
    KINDS,
    RECEIVED_AT,
    ColumnMapping,
    Target,
    VerticalMap,
    convert,
)
from routing.intake.parse import LEAD_KEYS
from routing.values.attributes import KEY
from routing.values.normalize import FieldError, normalize_vertical
from tracing.wording import count

PLAIN_FIELDS: Final = (
    *(key for key in LEAD_KEYS if key not in ("attributes", "consent")),
    *(FULL_NAME, RECEIVED_AT),
)
CONSENT_FIELDS: Final = tuple(f"consent.{key}" for key in CONSENT_KEYS)


class MappingError(ValueError):
    """The mapping names a column or field that does not exist. The message lists those that do."""


def name_columns(maps: Iterable[str]) -> list[str]:
    """Return the columns that the --map options name. Raises MappingError."""
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
    if twice := sorted(name for name, number in counts.items() if number > 1):
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
        convert(value, kind=target.kind)
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
    """Read a CSV file of values and verticals. A first line whose second cell is `vertical` is a header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not a CSV file in UTF-8"
        raise MappingError(f"--vertical-map @{path}: {reason}") from None
    if wrong := next((row for row in rows if len(row) != 2), None):
        raise MappingError(
            f"--vertical-map @{path}: each line must be value,vertical; one has {count(len(wrong), 'value')}"
        )
    if rows and fold_name(rows[0][1]) == "vertical":
        del rows[0]
    return [(value, vertical) for value, vertical in rows]


def _split(text: str, *, option: str, form: str) -> tuple[str, str]:
    """Split at the = nearest to the field: names of columns may contain =, names of fields do not."""
    left, separator, right = text.rpartition("=") if option != "--default" else text.partition("=")
    if not separator or not left.strip() or not right.strip():
        raise MappingError(f"{option} {text}: write it as {form}")
    return left.strip(), right.strip()
