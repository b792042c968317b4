"""Reads the keys of one JSON object and collects all problems by path.

In lenient mode, an invalid value is read in other ways and, if that fails, left out. Each change adds a correction.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from routing.intake.corrections import CORRECTED, DROPPED, SHORTENED, Corrections
from routing.values.lenient import CandidateValue, is_placeholder
from routing.values.normalize import FieldError

Loosen = Callable[[object], Iterable[CandidateValue]]
Errors = dict[str, list[FieldError]]
Value = TypeVar("Value")

MAX_UNKNOWN_KEYS = 20
SAFE_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class FieldReader:
    """`prefix` precedes the names in `errors`. A nested object shares `errors` and `corrections` with the outer one.

    With `corrections` None, every invalid value is an error. `left_out` maps each omitted field to its error.
    """

    __slots__ = ("corrections", "errors", "left_out", "payload", "prefix")

    def __init__(
        self,
        payload: Mapping[str, Any],
        *,
        prefix: str = "",
        errors: Errors | None = None,
        corrections: Corrections | None = None,
    ) -> None:
        self.payload = payload
        self.prefix = prefix
        self.errors: Errors = {} if errors is None else errors
        self.corrections = corrections
        self.left_out: dict[str, FieldError] = {}

    def add(self, name: str, error: FieldError) -> None:
        self.errors.setdefault(self.prefix + name, []).append(error)

    def correct(self, name: str, code: str, message: str, *, received: object = None) -> None:
        if self.corrections is not None:
            self.corrections.add(self.prefix + name, code, message, received=received)

    def read(
        self,
        name: str,
        normalize: Callable[[object], Value | None],
        *,
        loosen: Loosen = lambda _: (),
        is_needed: bool = False,
    ) -> Value | None:
        """Return None for an absent, null, blank or invalid value. Errors are collected.

        In lenient mode, `loosen` yields other readings. An invalid value is still an error if it `is_needed`.
        """
        value = self.payload.get(name)
        if value is None:
            return None
        try:
            return normalize(value)
        except FieldError as error:
            if self.corrections is None:
                self.add(name, error)
                return None
            found = self._read_loosely(name, value, normalize, loosen)
            if found is None and not self._is_left_out(name, value, error, is_needed=is_needed):
                self.add(name, error)
            return found

    def _read_loosely(
        self, name: str, value: object, normalize: Callable[[object], Value | None], loosen: Loosen
    ) -> Value | None:
        for candidate in loosen(value):
            try:
                found = normalize(candidate.value)
            except FieldError:
                continue
            if found is not None:
                code = SHORTENED if candidate.is_shortened else CORRECTED
                self.correct(name, code, candidate.done, received=value)
                return found
        return None

    def _is_left_out(self, name: str, value: object, error: FieldError, *, is_needed: bool) -> bool:
        if is_placeholder(value):
            self.correct(name, DROPPED, "says that there is no value: left out", received=value)
            return True
        if not is_needed:
            self.left_out[name] = error
            self.correct(name, DROPPED, f"{error.message.partition(':')[0]}: left out", received=value)
        return not is_needed

    def is_blank(self, name: str, value: object) -> bool:
        """True if no value was given; False if an invalid value was given."""
        return value is None and self.prefix + name not in self.errors

    def require(self, name: str, value: object, *, fix: str) -> None:
        if self.is_blank(name, value):
            self.add(name, FieldError("required", f"is required: {fix}"))

    def refuse_unknown(self, known: Sequence[str]) -> None:
        unknown = [key for key in self.payload if key not in known]
        for key in unknown[:MAX_UNKNOWN_KEYS]:
            if not isinstance(key, str) or not SAFE_KEY.fullmatch(key):
                self.add("", FieldError("unknown_field", "has a key that is not a field name: remove it"))
                continue
            near = difflib.get_close_matches(key, known, n=1)
            fix = f"did you mean {near[0]}?" if near else "remove it or put it in attributes"
            self.add(key, FieldError("unknown_field", f"is not a known field: {fix}"))
