"""Names the type of a value if the type made a comparison fail. Pure.

The engine reads a lead's value as the type of the literal (routing/conditions/operators.py). There is a note only if
that is impossible, or is not what a reader expects.
"""

import re
from typing import Any, Final

NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,9})?")
ORDER: Final = frozenset({"lt", "lte", "gt", "gte", "between"})
NEEDS_ONE: Final = ORDER | {"eq", "starts_with"}


def note_kind(op: str, required: Any, observed: Any) -> str:
    """ " (a text, not a number)", or "" if the types explain nothing. `op` may be negated: not_gte."""
    plain_op = op.removeprefix("not_") if op not in ("not_in",) else "in"
    if observed is None or op in ("exists", "missing"):
        return ""
    if isinstance(observed, list | tuple):
        return " (a list, not one value)" if plain_op in NEEDS_ONE else ""
    wanted = required if isinstance(required, list | tuple) else [required]
    kinds = {kind_of(each) for each in wanted}
    own = kind_of(observed)
    if own == "text" and kinds == {"number"} and not NUMBER.fullmatch(observed):
        return " (a text, not a number)"
    if own == "flag" and "flag" not in kinds:
        return f" (a flag, not a {min(kinds)})"
    if own == "number" and kinds == {"flag"}:
        return " (a number, not a flag)"
    if kinds == {"text"} and plain_op in ORDER and _looks_like_a_number(observed):
        return " (compared as text, letter by letter)"
    return " (a number, compared as text)" if own == "number" and kinds == {"text"} else ""


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "flag"
    return "number" if isinstance(value, int | float) else "text"


def _looks_like_a_number(value: Any) -> bool:
    return kind_of(value) == "number" or (isinstance(value, str) and NUMBER.fullmatch(value) is not None)
