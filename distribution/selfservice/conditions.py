"""What a buyer's own conditions on leads may not ask for: who sent the lead, which is its agency's business."""

from typing import Any, Final

from routing.values.normalize import FieldError

SOURCE: Final = "source"


def refuse_source(wanted: Any, *, known: Any) -> None:
    """Raises FieldError, unless the agency's own condition (`known`) names the source already."""
    if names_source(wanted) and not names_source(known):
        text = "must not name the source of a lead. Use other fields, or ask your agency for this filter"
        raise FieldError("invalid", text)


def names_source(condition: Any) -> bool:
    """Whether any condition in this JSON value reads the source. The value may be malformed."""
    if isinstance(condition, dict):
        return condition.get("field") == SOURCE or any(map(names_source, condition.values()))
    return isinstance(condition, list) and any(map(names_source, condition))
