"""Checks the settings of an endpoint when it is saved. Every try checks the address again."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from distribution.deliveries.client import get_client
from distribution.deliveries.outbound import Failure, RefusedURL
from distribution.deliveries.payloads.answers import AnswerRules
from distribution.deliveries.payloads.entered import (
    EnteredRequest,
    find_request_problems,
    find_template_problems,
)
from distribution.deliveries.payloads.problems import Problem
from distribution.models import ANSWERING, OPEN, Delivery, Method, Purpose

# Which addresses a name has inside the agency's network, and which names exist there, is not for buyers and sources.
ABOUT_ADDRESSES: Final = (Failure.REFUSED_ADDRESS, Failure.UNKNOWN_HOST)
PRIVATE: Final = "must be an https:// URL of a host with public addresses, on port 443 or another above 1023"
RULES = ("accept_term", "accept_path", "reason_path", "price_path", "bid_id_path", "answer_format")


def count_open_posts(endpoint_id: int) -> int:
    """Direct posts without an end: the endpoint was asked whether the buyer takes a lead."""
    posts = Delivery.objects.filter(endpoint_id=endpoint_id, is_direct_post=True)
    return sum(posts.filter(state=state).count() for state in OPEN)  # each state has its own index


def describe_refusal(refused: RefusedURL) -> str:
    """For buyers and sources: without what only the agency may know about its network."""
    return PRIVATE if refused.failure in ABOUT_ADDRESSES else str(refused)


def find_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """`values`: the columns of an endpoint that its method uses. `headers` only if they were typed."""
    if values["method"] in ANSWERING:
        yield from find_url_problems(values)
    yield from find_setting_problems(values)


def find_setting_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """All but the URLs: no name is looked up, so a caller may hold locks."""
    method = values["method"]
    if method in (Method.EMAIL, Method.CSV):
        yield from _check_addresses(values)
    if method == Method.CSV and values.get("template"):
        yield from find_template_problems(values["template"], body_format="form")
    if method == Method.HTTP:
        yield from _check_request(values)


def find_url_problems(values: Mapping[str, Any], *, is_for_owner: bool = False) -> Iterator[Problem]:
    """Looks up the names of hosts. `is_for_owner`: a buyer reads the problems, and not its agency."""
    for name in ("url", "test_url"):
        if not values.get(name):
            continue
        try:
            get_client().check_url(values[name])
        except RefusedURL as refused:
            yield Problem(name, describe_refusal(refused) if is_for_owner else str(refused))


def _check_addresses(values: Mapping[str, Any]) -> Iterator[Problem]:
    for address in filter(None, map(str.strip, values.get("email_to", "").split(","))):
        try:
            validate_email(address)
        except ValidationError:
            yield Problem("email_to", f"{address} is not an email address.")


def _check_request(values: Mapping[str, Any]) -> Iterator[Problem]:
    """GET has no body: its fields are those of a form."""
    is_query, headers = values["http_method"] == "GET", values.get("headers")
    entered = EnteredRequest(
        http_method=values["http_method"],
        body_format="form" if is_query else values["body_format"],
        template=values.get("template"),
        headers={} if headers is None else headers,
        rules=AnswerRules(**{name: values.get(name, "") for name in RULES}),
        is_ping=values.get("purpose") == Purpose.PING,
    )
    yield from find_request_problems(entered)
