"""Reads the keys of one JSON object and collects everything that is wrong with them, by path.

Leniently read, a value that cannot be read is looked at in other ways and left out at last, each with a correction.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from routing.intake.corrections import CORRECTED, DROPPED, SHORTENED, Corrections
from routing.values.lenient import Candidate, is_placeholder
from routing.values.normalize import FieldError

Loosen = Callable[[object], Iterable[Candidate]]
Errors = dict[str, list[FieldError]]
Value = TypeVar("Value")

MAX_UNKNOWN_KEYS = 20
SAFE_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class FieldReader:
    """`prefix` goes before the names in `errors`; a nested object shares `errors` and `corrections` of the outer one.

    `corrections` None: what is wrong is refused. `left_out` holds why each value was left out.
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
        """None for what is absent, null, blank or wrong; what is wrong is collected.

        Leniently, `loosen` gives other ways to read it; a value that `is_needed` is refused also then.
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
        for candidate, done in loosen(value):
            try:
                found = normalize(candidate)
            except FieldError:
                continue
            if found is not None:
                code = SHORTENED if ": truncated" in done else CORRECTED
                self.correct(name, code, done, received=value)
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
        """True when nothing was given, False also when what was given is wrong."""
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
