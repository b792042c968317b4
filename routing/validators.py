"""Checks of what people configure, as validators of a model's fields."""

import re
from collections.abc import Sequence
from typing import Final

from django.core.exceptions import ValidationError

from routing.conditions import ConditionError, validate
from routing.conditions.lead_fields import CONDITION_FIELDS
from routing.values.canonical import LiteralError, read_vertical

MAX_TAGS: Final = 20
TAG: Final = re.compile(r"\w[\w -]*")


def check_condition(value: object) -> None:
    """Raise ValidationError naming the path of every problem, e.g. `all[2].value: …`."""
    try:
        validate(value, fields=CONDITION_FIELDS)
    except ConditionError as error:
        raise ValidationError(error.lines) from None


def check_vertical(value: str) -> None:
    """Raise ValidationError for a vertical in a form that no lead has."""
    try:
        vertical = read_vertical(value)
    except LiteralError as error:
        raise ValidationError(str(error)) from None
    if vertical != value:
        raise ValidationError(f"Write {value!r} as {vertical}.")


def check_tags(value: Sequence[str]) -> None:
    """Raise ValidationError for too many, one twice, or one that is not a word or two."""
    problems = [f"{tag}: use letters, digits, spaces, _ and -" for tag in value if not TAG.fullmatch(tag)]
    if len(value) > MAX_TAGS:
        problems.append(f"has {len(value)} tags, but at most {MAX_TAGS} are allowed: remove some")
    if len(set(value)) < len(value):
        problems.append("has the same tag twice: remove one")
    if problems:
        raise ValidationError(problems)
