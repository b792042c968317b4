"""What a template writes at one target: a constant, a field, or text with {placeholders}. {{ and }} are braces.

A text alone is short for {"field": ...} if it is the name of a field, and otherwise for {"text": ...}. A text that is
one placeholder keeps the type of its field.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import Enum
from typing import Any, Final

from distribution.deliveries.payloads.fields import Facts, is_blank, read_field
from distribution.deliveries.payloads.formats import apply_format
from distribution.deliveries.payloads.lead import make_plain

PART: Final = re.compile(r"\{\{|\}\}|\{(?P<field>[^{}|]*)(?:\|(?P<format>[^{}]*))?\}|[{}]")
LIST_SEPARATOR: Final = ", "


class Missing(Enum):
    """MISSING: the lead has no value. OMITTED: the target is left out."""

    MISSING = "missing"
    OMITTED = "omitted"


MISSING: Final = Missing.MISSING
OMITTED: Final = Missing.OMITTED


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A field with its format."""

    field: str
    format: str = ""
    zone: tzinfo = UTC

    def read(self, facts: Facts) -> Any:
        value = read_field(facts, self.field)
        if is_blank(value):
            return MISSING
        return apply_format(value, self.format, zone=self.zone) if self.format else value


@dataclass(frozen=True, slots=True)
class Text:
    """Constant parts and placeholders, in order. Without a value for any placeholder the text is missing."""

    parts: tuple[str | Placeholder, ...]

    def read(self, facts: Facts) -> Any:
        fields = [part.read(facts) for part in self.parts if isinstance(part, Placeholder)]
        if fields and all(value is MISSING for value in fields):
            return MISSING
        values = iter(fields)
        written = [part if isinstance(part, str) else write_text(next(values)) for part in self.parts]
        return "".join(written).strip() if fields else "".join(written)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same for every lead."""

    value: Any

    def read(self, _: Facts) -> Any:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """`value_map` has folded keys. `otherwise` replaces what the map lacks, `default` what the lead lacks."""

    source: Placeholder | Text | Constant
    value_map: Mapping[str, Any] | None = None
    otherwise: Any = MISSING
    default: Any = MISSING
    join: str | None = None
    omit_blank: bool = False
    is_secret: bool = False

    def evaluate(self, facts: Facts) -> Any:
        """A plain value, None for a missing one, or OMITTED."""
        value = self.source.read(facts)
        if value is not MISSING:
            value = self._map(value)
        if value is MISSING or is_blank(value):
            value = self.default
        if self.omit_blank and (value is MISSING or is_blank(value)):
            return OMITTED
        if isinstance(value, list) and self.join is not None:
            return self.join.join(write_text(item) for item in value)
        return None if value is MISSING else value

    def _map(self, value: Any) -> Any:
        if self.value_map is None:
            return value
        if isinstance(value, list):
            return [mapped for item in value if (mapped := self._map(item)) is not MISSING]
        unmapped = value if self.otherwise is MISSING else self.otherwise
        return self.value_map.get(fold_key(value), unmapped)


def write_text(value: object) -> str:
    """As forms, XML and texts write it: true and false, numbers as in JSON, lists with commas."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return LIST_SEPARATOR.join(write_text(item) for item in value)
    return json.dumps(make_plain(value), ensure_ascii=False)


def fold_key(value: object) -> str:
    return write_text(value).strip().casefold()
