"""Which fields of a lead an offer may show before it is claimed: never contact data."""

from typing import Any, Final

from django.core.exceptions import ValidationError

from distribution.engine.limits import MAX_OFFER_FIELDS
from routing.values.personal import is_personal_name

ATTRIBUTES: Final = "attributes."
OFFER_FIELDS: Final = ("zip3", "zip", "city", "county", "state", "country", "vertical")


def check_offer_fields(value: Any) -> None:
    """Raise ValidationError for a field that is unknown, given twice, or whose name says that it holds contact data."""
    fields: list[str] = list(value or ())
    problems = [problem for field in fields if (problem := _explain(field))]
    problems += [
        f"{field} is listed twice: remove one" for field in dict.fromkeys(fields) if fields.count(field) > 1
    ]
    if len(fields) > MAX_OFFER_FIELDS:
        problems.append(f"has {len(fields)} fields, but at most {MAX_OFFER_FIELDS} are allowed: use fewer")
    if problems:
        raise ValidationError(problems)


def _explain(field: str) -> str | None:
    """Why an offer may not show this field, or None."""
    if field in OFFER_FIELDS:
        return None
    if not field.startswith(ATTRIBUTES) or field == ATTRIBUTES:
        return f"{field!r} cannot be shown: use {', '.join(OFFER_FIELDS)} or an attribute, e.g. attributes.roof_age"
    if is_personal_name(field):
        return f"{field} is contact data, which buyers see only after a claim: remove it"
    return None
