"""Rewrites parts of campaigns and buyers to the standard form, as routing.conditions.rewriting does. Pure."""

from collections.abc import Mapping
from typing import Any

from distribution.configuration.areas import read_area
from routing.conditions import Rewrite, correct_condition, correct_value
from routing.conditions.lead_fields import CONDITION_FIELDS
from routing.conditions.rewriting import Rewritten


def rewrite_area(value: Any) -> Rewritten:
    reading = read_area(value)
    return reading.area, reading.rewrites


def rewrite_price_rules(value: Any) -> Rewritten:
    """Also standing bids: both are lists of rules with a condition."""
    if not isinstance(value, list):
        return value, ()
    rules, rewrites = [], []
    for index, rule in enumerate(value):
        if isinstance(rule, dict) and "when" in rule:
            when, found = correct_condition(rule["when"], fields=CONDITION_FIELDS)
            rewrites += [Rewrite(f"[{index}].when.{each.path}", each.was, each.now) for each in found]
            rules.append({**rule, "when": when})
        else:
            rules.append(rule)
    return rules, rewrites


def rewrite_answers(value: Any, *, questions: object) -> Rewritten:
    """`questions`: those of the buyer's campaigns."""
    if not isinstance(value, dict):
        return value, ()
    answers, rewrites = dict(value), []
    for key, answer in value.items():
        found = [
            _correct_answer(question, answer)
            for question in (questions if isinstance(questions, list) else ())
            if isinstance(question, Mapping) and question.get("key") == key
        ]
        # The standard form for one campaign may be wrong for another that uses the same key for another field.
        if not found or any(each != found[0] for each in found):
            continue
        for where, was, now in found[0]:
            rewrites.append(Rewrite(f"{key}{where}", was, now))
            answers[key] = _replace(answers[key], was, now)
    return answers, rewrites


def _correct_answer(question: Mapping[str, Any], answer: Any) -> list[tuple[str, Any, Any]]:
    name, op = question.get("field"), question.get("op")
    if not isinstance(name, str) or not isinstance(op, str):
        return []
    return correct_value(name, op, answer, fields=CONDITION_FIELDS)


def _replace(answer: Any, was: Any, now: Any) -> Any:
    return [now if each == was else each for each in answer] if isinstance(answer, list) else now
