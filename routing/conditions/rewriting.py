"""Normalizes what people type to the form that leads have, and reports the changes. Pure.

A value that cannot be normalized without loss is unchanged; the field's own check then rejects it.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from routing.conditions import Rewrite, correct_condition
from routing.conditions.lead_fields import CONDITION_FIELDS
from routing.values.canonical import LiteralError, read_timezone, read_vertical

Rewritten: TypeAlias = tuple[Any, Sequence[Rewrite]]
Rewriter: TypeAlias = Callable[[Any], Rewritten]


def rewrite_condition(value: Any) -> Rewritten:
    return correct_condition(value, fields=CONDITION_FIELDS)


def rewrite_vertical(value: Any) -> Rewritten:
    return _rewrite_text(value, read_vertical)


def rewrite_timezone(value: Any) -> Rewritten:
    return _rewrite_text(value, read_timezone)


def _rewrite_text(value: Any, read: Callable[[str], str]) -> Rewritten:
    if not isinstance(value, str) or not value:
        return value, ()
    try:
        now = read(value)
    except LiteralError:
        return value, ()
    return now, (Rewrite("", value, now),) if now != value else ()
