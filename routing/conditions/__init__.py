"""The one condition language of the product: JSON in, a fast predicate with explanations out.

A leaf on a field the lead does not have is unknown: it is true for `missing` alone, `not` leaves it unknown,
and a condition that ends up unknown does not match. The literal's type decides how the lead's value is read.
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
