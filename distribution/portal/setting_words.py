"""A buyer's area and hours in words. What cannot be read is said to be so: a script may have stored anything."""

from django.utils.text import capfirst

from distribution.configuration.describe import describe_service_area
from distribution.engine import DefinitionError
from routing.calendar.hours import HoursError, validate_hours
from routing.values.opening_hours import describe_hours


def describe_area(area: object) -> str:
    try:
        text = describe_service_area(area)  # type: ignore[arg-type]  # a script may have stored anything
    except (DefinitionError, AttributeError):
        return "It cannot be read."
    return capfirst(text.replace("this buyer would get", "you get")) + "."


def describe_opening(hours: object) -> str:
    try:
        validate_hours(hours)
    except HoursError:
        return "not readable"
    return describe_hours(hours)  # type: ignore[arg-type]  # checked above
