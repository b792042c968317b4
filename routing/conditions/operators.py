"""The operators: the value that each one takes, and its test of a field that is present.

The type of the literal decides how the lead's value is read. Forms send everything as text, so "12" compared with a
number is 12, and 12 compared with text is "12" (docs/decisions, types of literals). An unreadable value makes the test
false; it never raises. `ne` and `not_in` are the exact opposites of `eq` and `in`. bool is not a number, 1 equals 1.0.
On a list field, `contains` tests for a member and `in` for a common member.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Test = Callable[[object], bool]

MAX_LIST_ITEMS = 10_000
MAX_TEXT = 1_000
MAX_INTEGER = 2**63
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,9})?")
FLAGS = {"true": True, "yes": True, "false": False, "no": False}


def check_nothing(value: object) -> str | None:
    return None if value is None else "this operator takes no value: remove it"


def check_scalar(value: object) -> str | None:
    if isinstance(value, str):
        return check_characters(value)
    if isinstance(value, bool):
        return None
    return check_number(value)


def check_characters(value: str) -> str | None:
    if len(value) > MAX_TEXT:
        return f"text is longer than {MAX_TEXT} characters: shorten it"
    # Neither can be stored in PostgreSQL.
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        return "text contains a NUL or half a surrogate pair: remove it"
    return None


def check_number(value: object) -> str | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "must be text, a number, true or false"
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    return None if abs(value) < MAX_INTEGER else "the number does not fit in 64 bits: use a smaller one"


def check_text(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return "must be text of at least one character"
    return check_scalar(value)


def check_wanted(value: object) -> str | None:
    return "must not be empty text" if value == "" else check_scalar(value)


def check_ordered(value: object) -> str | None:
    if isinstance(value, bool):
        return "must be a number or text: true and false have no order"
    return check_scalar(value)


def check_list(value: object) -> str | None:
    if not isinstance(value, list) or not value:
        return 'must be a list of at least one value, like ["GA", "AL"]'
    if len(value) > MAX_LIST_ITEMS:
        return f"has {len(value)} values, but at most {MAX_LIST_ITEMS} are allowed: split the condition"
    for index, item in enumerate(value):
        if problem := check_scalar(item):
            return f"value {index}: {problem}"
    return None


def check_range(value: object) -> str | None:
    if not isinstance(value, list) or len(value) != 2:
        return "must be a list of two values, the lowest and the highest, like [10, 20]"
    low, high = value
    if problem := check_ordered(low) or check_ordered(high):
        return problem
    if isinstance(low, str) != isinstance(high, str):
        return "both ends must be numbers, or both text"
    return "the lower value must come first: swap the two" if low > high else None


def is_number(value: object) -> bool:
    # By exact class: bool is a subclass of int and is not a number here.
    return value.__class__ is int or value.__class__ is float


def as_number(value: object) -> float | None:
    """Return a number, also from plain text, but not from 007, which is a code, or 1e5."""
    if value.__class__ is int or value.__class__ is float:
        return value
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        return None
    return float(value) if "." in value else int(value)


def as_text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return None if isinstance(value, bool) or not isinstance(value, int | float) else spell(value)


def spell(number: float) -> str:
    """The shortest form: 12 for 12.0."""
    return str(int(number)) if number == int(number) and abs(number) < MAX_INTEGER else repr(number)


def as_flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return FLAGS.get(value.casefold()) if isinstance(value, str) else None


def reader_of(literal: object) -> Callable[[object], object]:
    """Return the function that reads a lead's value for comparison with this literal."""
    if literal.__class__ is bool:
        return as_flag
    return as_number if is_number(literal) else as_text


def make_equal(wanted: object) -> Test:
    read = reader_of(wanted)
    if isinstance(wanted, str):  # nearly every comparison: one call less
        return lambda value: value == wanted if value.__class__ is str else read(value) == wanted
    return lambda value: read(value) == wanted


def make_in(wanted: Iterable[object]) -> Test:
    items = list(wanted)
    flags = frozenset(item for item in items if item.__class__ is bool)
    numbers = frozenset(item for item in items if is_number(item))
    texts = frozenset(item for item in items if item.__class__ is str)
    others = [
        (read, each) for read, each in ((as_number, numbers), (as_text, texts), (as_flag, flags)) if each
    ]

    def holds(value: object) -> bool:
        kind = value.__class__
        if kind is str and value in texts:
            return True
        if kind is list or kind is tuple:
            return any(holds(member) for member in value)  # type: ignore[attr-defined]
        return any((found := read(value)) is not None and found in each for read, each in others)

    return holds


def invert(make: Callable[..., Test]) -> Callable[..., Test]:
    def make_opposite(wanted: object) -> Test:
        test = make(wanted)
        return lambda value: not test(value)

    return make_opposite


def make_order(compare: Callable[..., bool]) -> Callable[..., Test]:
    def make(limit: object) -> Test:
        read = as_text if isinstance(limit, str) else as_number
        return lambda value: (found := read(value)) is not None and compare(found, limit)

    return make


def make_between(limits: tuple[object, object]) -> Test:
    at_least = make_order(operator.ge)(limits[0])
    at_most = make_order(operator.le)(limits[1])
    return lambda value: at_least(value) and at_most(value)


def make_contains(wanted: object) -> Test:
    is_wanted = make_equal(wanted)

    def holds(value: object) -> bool:
        if isinstance(value, list | tuple):
            return any(is_wanted(member) for member in value)
        text = as_text(value)
        return isinstance(wanted, str) and text is not None and wanted in text

    return holds


def make_starts_with(prefix: str) -> Test:
    return lambda value: (text := as_text(value)) is not None and text.startswith(prefix)


def make_presence(_: object) -> Test:
    return lambda _value: True


@dataclass(frozen=True, slots=True)
class ConditionOperator:
    phrase: str
    opposite: str  # how a failure under `not` names it
    check: Callable[[object], str | None]
    make: Callable[..., Test]


# `missing` is the one operator that is true without a value; compilation handles it, and `exists`, by name.
OPERATORS: dict[str, ConditionOperator] = {
    "eq": ConditionOperator("is", "ne", check_scalar, make_equal),
    "ne": ConditionOperator("is not", "eq", check_scalar, invert(make_equal)),
    "in": ConditionOperator("is one of", "not_in", check_list, make_in),
    "not_in": ConditionOperator("is none of", "in", check_list, invert(make_in)),
    "lt": ConditionOperator("<", "not_lt", check_ordered, make_order(operator.lt)),
    "lte": ConditionOperator("<=", "not_lte", check_ordered, make_order(operator.le)),
    "gt": ConditionOperator(">", "not_gt", check_ordered, make_order(operator.gt)),
    "gte": ConditionOperator(">=", "not_gte", check_ordered, make_order(operator.ge)),
    "between": ConditionOperator("is between", "not_between", check_range, make_between),
    "contains": ConditionOperator("contains", "not_contains", check_wanted, make_contains),
    "starts_with": ConditionOperator("starts with", "not_starts_with", check_text, make_starts_with),
    "exists": ConditionOperator("is given", "missing", check_nothing, make_presence),
    "missing": ConditionOperator("is missing", "exists", check_nothing, invert(make_presence)),
}
