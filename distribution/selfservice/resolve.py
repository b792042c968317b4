"""Reads a change, applies it to the row in memory and validates it as the admin's form does. Writes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from distribution.configuration.rewriting import rewrite_answers
from distribution.models import Buyer, Enrollment
from distribution.selfservice.conditions import refuse_source
from distribution.selfservice.merging import flatten, merge
from distribution.selfservice.pauses import resolve_pause
from distribution.selfservice.refusals import FieldsRefused, Problem
from distribution.selfservice.settings import PAUSED, PAUSED_UNTIL, Part, Setting
from routing.values.normalize import FieldError

MAX_NAMED_CHARACTERS: Final = 64
Found = dict[str, list[Problem]]


@dataclass(frozen=True, slots=True)
class Resolved:
    """`columns` that differ, with the row's values already set. `fields`: their names in the change.

    `before`: what every column of the part was.
    """

    columns: Sequence[str]
    fields: Sequence[str]
    before: Mapping[str, Any]


def resolve(row: Any, *, part: Part, patch: Mapping[str, Any], at: datetime) -> Resolved:
    """Set the new values on `row`. Raises FieldsRefused with every problem, and ChangeRefused."""
    sent = dict(flatten(patch, groups=part.groups))
    problems: Found = dict(_find_unknown(part, sent))
    values = _read(row, part, sent, problems)
    if problems:
        raise FieldsRefused(problems)
    pause = resolve_pause(row, sent, at=at) if part.pause_columns else {}
    was = {name: getattr(row, name) for name in part.columns}
    for name, value in {**values, **pause}.items():
        setattr(row, name, value)
    changed = [name for name in part.columns if getattr(row, name) != was[name]]
    _validate(row, part, changed)
    return Resolved(changed, _name_fields(part, changed, sent), was)


def _find_unknown(part: Part, sent: Mapping[str, Any]) -> Iterator[tuple[str, list[Problem]]]:
    for path in sent:
        if path in part.fields:
            continue
        if path in part.groups:
            text = f"must be an object with {', '.join(part.groups[path])}"
            yield path, [Problem("invalid_type", text)]
        else:
            known = part.groups.get(path.partition(".")[0], part.names)
            text = f"is not a known field: send {', '.join(known)}"
            yield path[:MAX_NAMED_CHARACTERS], [Problem("unknown_field", text)]


def _read(row: Any, part: Part, sent: Mapping[str, Any], problems: Found) -> dict[str, Any]:
    values = {}
    for path, setting in part.settings.items():
        if path not in sent:
            continue
        try:
            values[setting.column] = _read_one(row, setting, sent[path])
        except FieldError as error:
            problems[path] = [Problem(error.code, error.message)]
    return values


def _read_one(row: Any, setting: Setting, value: Any) -> Any:
    read = setting.read(value)
    if setting.merges and value is not None:
        read = merge(getattr(row, setting.column), read)
    if setting.column == "answers":
        return rewrite_answers(read, questions=_questions_of(row))[0]
    if setting.has_conditions:
        refuse_source(read, known=getattr(row, setting.column))
    return read if setting.rewrite is None else setting.rewrite(read)[0]


def _questions_of(buyer: Buyer) -> list[Any]:
    """Of the campaigns in which it is enrolled, as the form of the admin reads them."""
    asked = Enrollment.objects.filter(buyer=buyer).values_list("campaign__questions", flat=True)
    return [question for each in asked if isinstance(each, list) for question in each]


def _validate(row: Any, part: Part, changed: Sequence[str]) -> None:
    """The validators of the columns, the row's own check and its constraints, as a form runs them."""
    others = {field.name for field in row._meta.concrete_fields if field.name not in changed}
    found: Found = {}
    if not changed:
        return
    for check in (
        partial(row.clean_fields, exclude=others),
        row.clean,
        partial(row.validate_constraints, exclude=set()),
    ):
        try:
            check()
        except ValidationError as error:
            _collect(error, part, found)
        if found:
            raise FieldsRefused(found)


def _collect(error: ValidationError, part: Part, found: Found) -> None:
    by_column = {setting.column: path for path, setting in part.settings.items()}
    errors = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
    for column, messages in errors.items():
        name = "non_field_errors" if column == NON_FIELD_ERRORS else by_column.get(column, column)
        found[name] = [Problem("invalid", message) for message in messages]


def _name_fields(part: Part, changed: Sequence[str], sent: Mapping[str, Any]) -> list[str]:
    named = [path for path, setting in part.settings.items() if setting.column in changed]
    pauses = [name for name in (PAUSED, PAUSED_UNTIL) if name in sent]
    return [*named, *(pauses if set(part.pause_columns) & set(changed) else ())]
