"""Checks what a person entered for an endpoint, all of it at once, for the form."""

from collections.abc import Iterator
from dataclasses import dataclass

from distribution.deliveries.payloads.answers import AnswerRules, find_rule_problems
from distribution.deliveries.payloads.headers import HeadersError, read_headers
from distribution.deliveries.payloads.pings import compile_ping
from distribution.deliveries.payloads.problems import Problem
from distribution.deliveries.payloads.requests import HttpMethod
from distribution.deliveries.payloads.template import BodyFormat, TemplateError, compile_template


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredRequest:
    """The columns of an endpoint with the method `http`. `is_ping`: it may have no contact data."""

    http_method: HttpMethod
    body_format: BodyFormat
    template: object
    headers: object
    rules: AnswerRules
    is_ping: bool = False


def find_request_problems(entered: EnteredRequest) -> list[Problem]:
    """Each names its column. An empty list: requests can be made, and answers read."""
    return list(_find_problems(entered))


def _find_problems(entered: EnteredRequest) -> Iterator[Problem]:
    if entered.http_method == "GET" and entered.body_format != "form":
        yield Problem(
            "body_format", "GET sends its fields in the URL: choose form fields, or another HTTP method"
        )
    yield from find_template_problems(
        entered.template, body_format=entered.body_format, is_ping=entered.is_ping
    )
    try:
        read_headers(entered.headers)
    except HeadersError as error:
        yield from error.problems
    yield from find_rule_problems(entered.rules)


def find_template_problems(
    document: object, *, body_format: BodyFormat, is_ping: bool = False
) -> list[Problem]:
    """The columns of a daily CSV are the targets of a template with the format form."""
    try:
        (compile_ping if is_ping else compile_template)(document, body_format=body_format)
    except TemplateError as error:
        return error.problems
    return []
