"""Reads the keys of one JSON object and collects everything that is wrong with them, by path."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from routing.normalise import FieldError

Errors = dict[str, list[FieldError]]
Value = TypeVar("Value")

MAX_UNKNOWN_KEYS = 20
SAFE_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class FieldReader:
    """`prefix` goes before the names in `errors`; a nested object shares the `errors` of the outer one."""

    __slots__ = ("errors", "payload", "prefix")

    def __init__(self, payload: Mapping[str, Any], *, prefix: str = "", errors: Errors | None = None) -> None:
        self.payload = payload
        self.prefix = prefix
        self.errors: Errors = {} if errors is None else errors

    def add(self, name: str, error: FieldError) -> None:
        self.errors.setdefault(self.prefix + name, []).append(error)

    def read(self, name: str, normalise: Callable[[object], Value | None]) -> Value | None:
        """None for what is absent, null, blank or wrong; what is wrong is collected."""
        value = self.payload.get(name)
        if value is None:
            return None
        try:
            return normalise(value)
        except FieldError as error:
            self.add(name, error)
            return None

    def is_blank(self, name: str, value: object) -> bool:
        """True when nothing was given, False also when what was given is wrong."""
        return value is None and self.prefix + name not in self.errors

    def require(self, name: str, value: object, *, fix: str) -> None:
        if self.is_blank(name, value):
            self.add(name, FieldError("required", f"is required: {fix}"))

    def refuse_unknown(self, known: Sequence[str]) -> None:
        unknown = [key for key in self.payload if key not in known]
        for key in unknown[:MAX_UNKNOWN_KEYS]:
            if not isinstance(key, str) or not SAFE_KEY.fullmatch(key):
                self.add("", FieldError("unknown_field", "has a key that is no field name: remove it"))
                continue
            near = difflib.get_close_matches(key, known, n=1)
            fix = f"did you mean {near[0]}?" if near else "remove it or put it into attributes"
            self.add(key, FieldError("unknown_field", f"is not a known field: {fix}"))
