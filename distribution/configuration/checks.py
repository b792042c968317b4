"""Checks the JSON parts of a configuration as they are saved.

Each check compiles the part in a minimal campaign, so a form accepts exactly what the engine accepts.
"""

import difflib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from django.core.exceptions import ValidationError

from distribution.configuration.areas import find_misspelled, find_unknown_keys, read_area
from distribution.configuration.locate import locate_area
from distribution.configuration.minimal_campaign import minimal_campaign
from distribution.engine import DefinitionError, compile_campaign
from distribution.engine.answers import is_answered
from distribution.engine.limits import (
    MAX_PERCENT_DECIMALS,
    MAX_PRICE_CENTS,
    MAX_PRICE_RULES,
    MAX_RULE_PERCENT,
)
from routing.conditions import ConditionError, validate
from routing.conditions.lead_fields import CONDITION_FIELDS
from routing.conditions.operators import OPERATORS, check_scalar
from routing.validators import check_condition as check_condition  # migrations name it here
from routing.values.normalize import FieldError, normalize_phone
from routing.values.opening_hours import check_hours as check_hours  # migrations name it here
from routing.values.opening_hours import check_timezone as check_timezone  # migrations name it here

RULE_KEYS: Final = ("when", "set_cents", "add_cents", "percent")
BID_KEYS: Final = ("when", "bid_cents")
QUESTION_KEYS: Final = ("key", "field", "op", "required")
# Operators that compare an answer with a lead's field; `exists` and `missing` compare nothing.
QUESTION_OPS: Final = tuple(op for op in OPERATORS if op not in {"exists", "missing"})


def check_mode(value: object) -> None:
    """Raise ValidationError for an unknown mode."""
    _compile(minimal_campaign(campaign={"mode": value}), drop="campaign.mode")


def check_price_rules(value: object) -> None:
    """Raise ValidationError for price rules the engine cannot read, no lead matches, or have extreme amounts."""
    _compile(minimal_campaign(campaign={"price_rules": value}), drop="campaign.price_rules")
    rules: list[Any] = value if isinstance(value, list) else []
    problems: list[str] = []
    for index, rule in enumerate(rules):
        problems += find_unknown_keys(rule, known=RULE_KEYS, path=f"[{index}]")
        problems += [_line(f"[{index}].{path}", message) for path, message in find_amount_problems(rule)]
        try:
            validate(rule.get("when"), fields=CONDITION_FIELDS)
        except ConditionError as error:
            problems += [
                _line(f"[{index}].when.{path}".rstrip("."), message) for path, message in error.problems
            ]
    problems += find_runaway_problems(rules)
    if len(rules) > MAX_PRICE_RULES:
        problems.append(f"has {len(rules)} rules, but at most {MAX_PRICE_RULES} are allowed: use fewer")
    if problems:
        raise ValidationError(problems)


def check_standing_bids(value: object) -> None:
    """Raise ValidationError for standing bids that the engine cannot read, or that name fields no lead has."""
    _compile(minimal_campaign(enrollment={"standing_bids": value}), drop="enrollments[0].standing_bids")
    rules: list[Any] = value if isinstance(value, list) else []
    problems: list[str] = []
    for index, rule in enumerate(rules):
        problems += find_unknown_keys(rule, known=BID_KEYS, path=f"[{index}]")
        try:
            validate(rule.get("when"), fields=CONDITION_FIELDS)
        except ConditionError as error:
            problems += [
                _line(f"[{index}].when.{path}".rstrip("."), message) for path, message in error.problems
            ]
    if len(rules) > MAX_PRICE_RULES:
        problems.append(f"has {len(rules)} rules, but at most {MAX_PRICE_RULES} are allowed: use fewer")
    if problems:
        raise ValidationError(problems)


def find_amount_problems(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the amounts of a price rule that are out of range."""
    for key, least in (("set_cents", 0), ("add_cents", -MAX_PRICE_CENTS)):
        cents = rule.get(key)
        if cents is not None and not least <= cents <= MAX_PRICE_CENTS:
            yield key, f"must be between {least:,} and {MAX_PRICE_CENTS:,} cents"
    percent = rule.get("percent")
    if percent is None:
        return
    if percent > MAX_RULE_PERCENT:
        yield "percent", f"must be at most {MAX_RULE_PERCENT:,}, which is ten times the price"
    elif round(percent, MAX_PERCENT_DECIMALS) != percent:
        yield "percent", f"has more than {MAX_PERCENT_DECIMALS} decimals: round it"


def find_runaway_problems(rules: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Find percentages that are each allowed but too large together, for all leads or for the same leads."""
    factors: dict[str, float] = {}
    for rule in rules:
        if rule.get("percent") is not None:
            key = json.dumps(rule.get("when") or {}, sort_keys=True)
            factors[key] = factors.get(key, 1.0) * rule["percent"] / 100
    always = factors.pop("{}", 1.0)
    most = max(always, *(always * each for each in factors.values())) if factors else always
    if most > MAX_RULE_PERCENT / 100:
        yield f"the percentages together multiply the price by {most:,.1f}; the limit is 10"


def check_questions(value: object) -> None:
    """Raise ValidationError for onboarding questions that the engine cannot read or that compare nothing."""
    _compile(minimal_campaign(campaign={"questions": value}), drop="campaign.questions")
    problems: list[str] = []
    for index, question in enumerate(value if isinstance(value, list) else []):
        problems += find_unknown_keys(question, known=QUESTION_KEYS, path=f"[{index}]")
        name, op = question.get("field"), question.get("op")
        if op not in QUESTION_OPS:
            problems.append(f"[{index}].op: use one of {', '.join(QUESTION_OPS)}")
        elif problem := CONDITION_FIELDS.find_list_problem(name, op):
            problems.append(f"[{index}].op: {problem}")
        try:
            validate({"field": name, "op": "exists"}, fields=CONDITION_FIELDS)
        except ConditionError as error:
            problems += [_line(f"[{index}].{path}".rstrip("."), message) for path, message in error.problems]
    if problems:
        raise ValidationError(problems)


def list_keys(questions: object) -> list[str]:
    """Return the keys of questions. Malformed questions are skipped."""
    asked = questions if isinstance(questions, list) else []
    return [each["key"] for each in asked if isinstance(each, dict) and isinstance(each.get("key"), str)]


def check_answers(value: object) -> None:
    """Raise ValidationError unless the answers are an object of scalars and lists of scalars."""
    if not isinstance(value, dict):
        raise ValidationError('Answers must be an object, like {"property_types": ["residential"]}.')
    for key, answer in value.items():
        items = answer if isinstance(answer, list) else [answer]
        if not all(item is None or isinstance(item, str | int | float | bool) for item in items):
            raise ValidationError(
                _line(key, "an answer must be text, a number, true, false, or a list of these")
            )
        for item in items:
            if item is not None and (problem := check_scalar(item)):
                raise ValidationError(_line(key, problem))


def check_answers_fit(answers: object, *, questions: object) -> None:
    """Raise ValidationError for answers that these questions cannot compare with a lead, e.g. a text under `in`.

    The engine treats such a question as unanswered: the buyer would get no lead, without a visible reason. Malformed
    answers and questions are ignored here, because their own checks report them.
    """
    problems = []
    given = answers if isinstance(answers, dict) else {}
    for question in questions if isinstance(questions, list) else ():
        if not isinstance(question, dict) or not isinstance(question.get("key"), str):
            continue
        answer = given.get(question["key"])
        if not is_answered(answer):
            continue
        leaf = {"field": question.get("field"), "op": question.get("op"), "value": answer}
        try:
            validate(leaf, fields=CONDITION_FIELDS)
        except ConditionError as error:
            problems += [_line(f"{question['key']}.{path}", message) for path, message in error.problems]
    if problems:
        raise ValidationError(problems)


def check_answer_keys(answers: object, *, asked: Collection[str]) -> None:
    """Raise ValidationError for an answer to a question that no campaign asks, because it would have no effect."""
    given = answers if isinstance(answers, dict) and asked else {}
    problems = []
    for key in given:
        if key not in asked:
            near = difflib.get_close_matches(key, asked, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(sorted(asked))}"
            problems.append(f"{key}: no campaign in the workspace asks this: {hint}")
    if problems:
        raise ValidationError(problems)


def check_phone(value: object) -> None:
    """Raise ValidationError for a text that is no phone number."""
    try:
        normalize_phone(value)
    except FieldError as error:
        raise ValidationError(f"The phone number {error.message}.") from None


def check_service_area(value: object) -> None:
    """Raise ValidationError for an area that the engine cannot read, or that names a place no lead can be in."""
    if not isinstance(value, dict):
        raise ValidationError('A service area must be an object, like {"states": ["GA"]}.')
    reading = read_area(value)
    problems = [*reading.problems, *find_misspelled(reading.rewrites)]
    if problems:
        raise ValidationError(problems)
    _compile(minimal_campaign(service_area=locate_area(value)), drop="buyers[0].service_area")


def _compile(definition: Mapping[str, Any], *, drop: str) -> None:
    try:
        compile_campaign(definition, is_strict=True)
    except DefinitionError as error:
        raise ValidationError(str(error).replace(f"{drop}.", "").replace(drop, "").lstrip(": ")) from None


def _line(path: str, message: str) -> str:
    return f"{path}: {message}" if path else message
