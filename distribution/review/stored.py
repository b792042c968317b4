"""Reviews stored definitions: literals in a form that leads do not have, and parts that are invalid.

Used by a migration and by `manage.py check_definitions`. `get_model` is that of the app registry, so a migration can
pass its own models. Definitions have no personal data.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from django.core.exceptions import ValidationError

from distribution.configuration.checks import (
    check_answers,
    check_answers_fit,
    check_hours,
    check_mode,
    check_price_rules,
    check_questions,
    check_service_area,
    check_standing_bids,
    list_keys,
)
from distribution.configuration.rewriting import rewrite_answers, rewrite_area, rewrite_price_rules
from routing.conditions import Rewrite
from routing.conditions.rewriting import Rewriter, rewrite_condition, rewrite_timezone, rewrite_vertical
from routing.validators import check_condition, check_vertical
from routing.values.opening_hours import check_timezone

GetModel: TypeAlias = Callable[[str, str], Any]
Check: TypeAlias = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Column:
    app: str
    model: str
    field: str
    rewrite: Rewriter
    check: Check


@dataclass(frozen=True, slots=True)
class Finding:
    """`where` names the row and the column, e.g. "buyer 7 service_area"."""

    where: str
    message: str
    is_corrected: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def _leave(value: Any) -> tuple[Any, Sequence[Rewrite]]:
    """For columns that need no rewriting."""
    return value, ()


COLUMNS: Final = (
    Column("routing", "source", "default_vertical", rewrite_vertical, check_vertical),
    Column("routing", "workspace", "timezone", rewrite_timezone, check_timezone),
    Column("routing", "workspace", "hours", _leave, check_hours),
    Column("routing", "routingrule", "conditions", rewrite_condition, check_condition),
    Column("distribution", "campaign", "mode", _leave, check_mode),
    Column("distribution", "campaign", "vertical", rewrite_vertical, check_vertical),
    Column("distribution", "campaign", "timezone", rewrite_timezone, check_timezone),
    Column("distribution", "campaign", "schedule", _leave, check_hours),
    Column("distribution", "campaign", "price_rules", rewrite_price_rules, check_price_rules),
    Column("distribution", "campaign", "questions", _leave, check_questions),
    Column("distribution", "tier", "content_filter", rewrite_condition, check_condition),
    Column("distribution", "buyer", "timezone", rewrite_timezone, check_timezone),
    Column("distribution", "buyer", "hours", _leave, check_hours),
    Column("distribution", "buyer", "service_area", rewrite_area, check_service_area),
    Column("distribution", "enrollment", "lead_filter", rewrite_condition, check_condition),
    Column("distribution", "enrollment", "standing_bids", rewrite_price_rules, check_standing_bids),
)


def review_stored(get_model: GetModel, *, write: bool) -> Iterator[Finding]:
    """With `write`, correct what can be corrected without loss. Report what cannot be read. Never raises for a row."""
    for column in COLUMNS:
        model = get_model(column.app, column.model)
        if all(field.name != column.field for field in model._meta.get_fields()):
            continue  # a migration reviews an older schema
        rows = model._base_manager
        for pk, value in rows.order_by("pk").values_list("pk", column.field).iterator():
            if value not in ("", None):
                yield from _review(rows, pk, value, column, write=write)
    yield from _review_answers(get_model, write=write)


def _review(rows: Any, pk: int, value: Any, column: Column, *, write: bool) -> Iterator[Finding]:
    where = f"{column.model} {pk} {column.field}"
    now, rewrites = column.rewrite(value)
    if rewrites:
        # If a person changed the row in between, the form checked it.
        is_written = write and rows.filter(pk=pk, **{column.field: value}).update(**{column.field: now}) == 1
        for each in rewrites:
            yield Finding(where, str(each).replace("is saved as", "should be"), is_corrected=is_written)
    for message in _find_problems(column.check, now):
        yield Finding(where, message, is_corrected=False)


def _review_answers(get_model: GetModel, *, write: bool) -> Iterator[Finding]:
    """Answers are checked against the questions of the buyer's campaigns."""
    rows = get_model("distribution", "buyer")._base_manager
    enrollments = get_model("distribution", "enrollment")._base_manager.filter(archived_at__isnull=True)
    for pk, answers in rows.exclude(answers={}).order_by("pk").values_list("pk", "answers").iterator():
        asked = enrollments.filter(buyer_id=pk).values_list("campaign__questions", flat=True)
        questions = [question for each in asked if isinstance(each, list) for question in each]
        column = Column(
            "distribution",
            "buyer",
            "answers",
            partial(rewrite_answers, questions=questions),
            partial(_check_answers, questions=questions),
        )
        yield from _review(rows, pk, answers, column, write=write)


def _check_answers(answers: Any, *, questions: Sequence[Any]) -> None:
    check_answers(answers)
    check_answers_fit(answers, questions=questions)
    unasked = sorted(set(answers) - set(list_keys(questions)))
    if questions and unasked:
        raise ValidationError([f"{key}: no campaign of this buyer asks this" for key in unasked])


def _find_problems(check: Check, value: Any) -> list[str]:
    try:
        check(value)
    except ValidationError as error:
        return list(error.messages)
    return []
