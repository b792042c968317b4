"""The intake API does what its OpenAPI schema says, whatever is sent to it."""

from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from routing.models import Lead, Source
from tests.factories import LeadFactory, SourceFactory, issue_key

# The handler closes connections that are inside a test's transaction, so the rows are committed.
pytestmark = pytest.mark.usefixtures("committed_db")

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
]


@pytest.fixture
def source(committed_db: None) -> Source:  # noqa: ARG001
    return SourceFactory.create()


schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application()).include(
    path_regex=r"^/api/v1/leads/(batch/|\{public_id\}/)?$"
)


@schema.parametrize()
@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    # One database for all examples of an operation: what one of them stores the next may meet.
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)
def test_intake_keeps_to_its_schema(case: Case, source: Source) -> None:
    case.call_and_validate(headers={"Authorization": f"Api-Key {key_of(source)}"}, checks=CHECKS)


@schema.parametrize()
@settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_lead_that_exists_is_shown_as_the_schema_says(case: Case, source: Source) -> None:
    if "public_id" not in case.path_parameters:
        return
    lead = Lead.objects.filter(source=source).first() or LeadFactory.create(source=source)
    case.path_parameters["public_id"] = str(lead.public_id)
    case.call_and_validate(headers={"Authorization": f"Api-Key {key_of(source)}"}, checks=CHECKS)


KEYS: dict[int, str] = {}


def key_of(source: Source) -> str:
    if source.pk not in KEYS:
        KEYS[source.pk] = issue_key(source)
    return KEYS[source.pk]
