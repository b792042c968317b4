"""Describes the JSON parts of a configuration in words. Pure. The parts must have passed their checks."""

from collections.abc import Mapping, Sequence
from typing import Any

from distribution.configuration.coverage import measure_coverage
from routing.conditions import compile_condition
from routing.conditions.operators import OPERATORS
from tracing.wording import count, money
from tracing.wording import value as in_words


def describe_price_rules(rules: Sequence[Mapping[str, Any]] | None) -> str:
    return (
        "; then ".join(_describe_rule(rule) for rule in rules or ()) or "no rules; the price does not change"
    )


def _describe_rule(rule: Mapping[str, Any]) -> str:
    who = compile_condition(rule.get("when")).describe()
    return (
        f"{_describe_change(rule)} for {who}" if who == "every lead" else f"{_describe_change(rule)} if {who}"
    )


def _describe_change(rule: Mapping[str, Any]) -> str:
    if rule.get("set_cents") is not None:
        return f"the price becomes {money(rule['set_cents'])}"
    if rule.get("percent") is not None:
        return f"the price becomes {rule['percent']:,}% of the current price"
    cents = rule["add_cents"]
    return f"{money(abs(cents))} {'is added' if cents >= 0 else 'is subtracted'}"


def describe_standing_bids(rules: Sequence[Mapping[str, Any]] | None) -> str:
    bids = "; otherwise ".join(_describe_bid(rule) for rule in rules or ())
    return bids or "no rules; the bid above, if there is one, is for every lead"


def _describe_bid(rule: Mapping[str, Any]) -> str:
    who = compile_condition(rule.get("when")).describe()
    return f"{money(rule['bid_cents'])} {'for' if who == 'every lead' else 'if'} {who}"


def describe_questions(questions: Sequence[Mapping[str, Any]] | None) -> str:
    return "; ".join(_describe_question(each) for each in questions or ()) or "no questions"


def _describe_question(question: Mapping[str, Any]) -> str:
    name = question["field"].removeprefix("attributes.")
    must = "must be answered" if question.get("required") else "may be left blank"
    return f"“{question['key']}” ({must}): {name} {OPERATORS[question['op']].phrase} the buyer's answer"


def describe_answers(answers: Mapping[str, Any] | None) -> str:
    said = (f"“{key}” is {in_words(answer)}" for key, answer in (answers or {}).items())
    return "; ".join(said) or "no answers"


def describe_service_area(area: Mapping[str, Any] | None) -> str:
    coverage = measure_coverage(area or {})
    return (
        f"covers {count(coverage.zips, 'ZIP')}"
        if coverage.zips
        else "covers no ZIP codes, so this buyer would get no leads"
    )
