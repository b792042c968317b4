"""The condition language: compiles JSON into a fast predicate that can explain itself.

A leaf on a missing field is unknown: only `missing` is true, `not` leaves it unknown, and a condition that is unknown
does not match. The type of the literal decides how the lead's value is read.
"""

from routing.conditions.compilation import Condition, compile_condition
from routing.conditions.correction import Rewrite, correct_condition, correct_value
from routing.conditions.fields import Fields, KnownFields
from routing.conditions.observed import shorten
from routing.conditions.validation import MAX_DEPTH, MAX_LEAVES, ConditionError, validate
from routing.conditions.wording import describe_leaf

__all__ = [
    "MAX_DEPTH",
    "MAX_LEAVES",
    "Condition",
    "ConditionError",
    "Fields",
    "KnownFields",
    "Rewrite",
    "compile_condition",
    "correct_condition",
    "correct_value",
    "describe_leaf",
    "shorten",
    "validate",
]
