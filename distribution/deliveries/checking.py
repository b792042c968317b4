"""Checks the settings of an endpoint when it is saved. Every try checks the address again."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from distribution.deliveries.client import get_client
from distribution.deliveries.outbound import RefusedURL
from distribution.deliveries.payloads.answers import AnswerRules, find_rule_problems
from distribution.deliveries.payloads.headers import HeadersError, read_headers
from distribution.deliveries.payloads.problems import Problem
from distribution.deliveries.payloads.template import TemplateError, compile_template
from distribution.models import Method

RULES = ("accept_term", "accept_path", "reason_path", "price_path", "answer_format")


def find_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """`values`: the columns of an endpoint that its method uses. `headers` only if they were typed."""
    method = values["method"]
    if method in (Method.WEBHOOK, Method.HTTP):
        yield from _check_urls(values)
    if method in (Method.EMAIL, Method.CSV):
        yield from _check_addresses(values)
    if method == Method.HTTP or (method == Method.CSV and values.get("template")):
        yield from _check_template(values)
    if method == Method.HTTP:
        yield from _check_headers(values)
        yield from find_rule_problems(AnswerRules(**{name: values.get(name, "") for name in RULES}))


def _check_urls(values: Mapping[str, Any]) -> Iterator[Problem]:
    for name in ("url", "test_url"):
        if not values.get(name):
            continue
        try:
            get_client().check_url(values[name])
        except RefusedURL as refused:
            yield Problem(name, str(refused))


def _check_addresses(values: Mapping[str, Any]) -> Iterator[Problem]:
    for address in filter(None, map(str.strip, values.get("email_to", "").split(","))):
        try:
            validate_email(address)
        except ValidationError:
            yield Problem("email_to", f"{address} is not an email address.")


def _check_template(values: Mapping[str, Any]) -> Iterator[Problem]:
    """GET and a CSV have no structure: both take the template of a form."""
    is_flat = values["method"] == Method.CSV or values.get("http_method") == "GET"
    try:
        compile_template(
            values.get("template"), body_format="form" if is_flat else values.get("body_format", "json")
        )
    except TemplateError as error:
        yield from error.problems


def _check_headers(values: Mapping[str, Any]) -> Iterator[Problem]:
    if not values.get("headers"):
        return
    try:
        read_headers(values["headers"])
    except HeadersError as error:
        yield from error.problems
