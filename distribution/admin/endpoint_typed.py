"""The JSON fields of an endpoint's form are checked while a person types, as saving checks them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest

from distribution.deliveries.payloads.entered import find_template_problems
from distribution.deliveries.payloads.headers import HeadersError, read_headers
from distribution.deliveries.payloads.problems import Problem
from distribution.models import HttpMethod, Method, Purpose
from routing.admin.configuration import ConfigurationAdmin
from tracing.wording import count

HEADERS: Final = "new_headers"
MAX_NAMED: Final = 8


def describe_template(template: Mapping[str, Any]) -> str:
    return f"sends {_name_keys(template, 'field')}" if template else "sends every field by its usual name"


def describe_headers(headers: Mapping[str, Any] | None) -> str:
    """Never their values."""
    if headers is None:
        return "the stored headers stay"
    return f"sends {_name_keys(headers, 'header')}" if headers else "sends no headers of its own"


def _name_keys(document: Mapping[str, Any], what: str) -> str:
    names = list(document)
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{count(len(names), what)}: {', '.join(names[:MAX_NAMED])}{more}"


class EndpointChecks(ConfigurationAdmin):
    describers = {"template": describe_template, HEADERS: describe_headers}

    def _read_typed(self, request: HttpRequest, row: Model, *, name: str, text: str) -> tuple[Any, Any]:
        """With the format that is stored: the check does not know what else was typed."""
        value, rewrites = super()._read_typed(request, row, name=name, text=text)
        problems = [problem.message for problem in _find_problems(row, name, value)]
        if problems:
            raise ValidationError(problems)
        return value, rewrites


def _find_problems(endpoint: Any, name: str, value: Any) -> Sequence[Problem]:
    if name == "template":
        is_form = endpoint.method == Method.CSV or endpoint.http_method == HttpMethod.GET
        return find_template_problems(
            value,
            body_format="form" if is_form else endpoint.body_format,
            is_ping=endpoint.purpose == Purpose.PING,
        )
    try:
        read_headers({} if value is None else value)
    except HeadersError as error:
        return error.problems
    return ()
