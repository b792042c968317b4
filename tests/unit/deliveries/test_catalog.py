"""The catalog of events is complete, its examples fit its schemas, and the page shows it."""

from pathlib import Path

import jsonschema
import pytest

from distribution.api.webhookdocuments import add_webhooks
from distribution.deliveries.payloads.catalog import (
    AUDIENCES,
    CATALOG,
    FIELDS,
    PERIODS,
    STATUSES,
    Audience,
    describe_message,
    kinds_for,
    make_example,
)
from distribution.deliveries.payloads.catalog_page import write_page
from distribution.deliveries.payloads.events import TITLES
from distribution.models import EventKind
from distribution.models.enrollment import PERIODS as CAP_PERIODS
from routing.models import LeadStatus

PAGE = Path(__file__).parents[3] / "docs/events.md"
PAIRS = [(kind, audience) for kind, row in CATALOG.items() for audience in row.data]
NOT_FOR_SOURCES = {"buyer_id", "campaign_id", "assignment_id", "message_id", "was_charged"}


def test_every_kind_is_in_the_catalog() -> None:
    assert list(CATALOG) == EventKind.values == list(TITLES)


def test_lists_of_values_are_those_of_the_rows() -> None:
    assert set(STATUSES) == set(LeadStatus.values)
    assert PERIODS == CAP_PERIODS


def test_every_field_is_used() -> None:
    used = {name for row in CATALOG.values() for names in row.data.values() for name in names}
    assert used == set(FIELDS)


@pytest.mark.parametrize("kind", CATALOG)
def test_source_gets_no_buyer_and_no_money(kind: str) -> None:
    names = set(CATALOG[kind].data.get("source", ()))
    assert not names & NOT_FOR_SOURCES
    assert not [name for name in names if name.endswith("_cents")]


@pytest.mark.parametrize("kind", CATALOG)
def test_buyer_gets_no_source_and_no_other_buyer(kind: str) -> None:
    assert not set(CATALOG[kind].data.get("buyer", ())) & {"buyer_id", "source_id", "external_id", "reason"}


@pytest.mark.parametrize(("kind", "audience"), PAIRS)
def test_example_fits_its_schema(kind: str, audience: Audience) -> None:
    schema = describe_message(kind, audience)
    checker = jsonschema.Draft202012Validator
    checker.check_schema(schema)
    checker(schema, format_checker=checker.FORMAT_CHECKER).validate(make_example(kind, audience))


def test_owners_can_subscribe_to_what_concerns_them() -> None:
    assert {audience: len(kinds_for(audience)) for audience in AUDIENCES} == {
        "buyer": 8,
        "source": 4,
        "workspace": 11,
    }


def test_page_is_that_of_the_catalog() -> None:
    assert PAGE.read_text() == write_page(), "run manage.py events --write"


def test_document_has_a_webhook_for_each_event() -> None:
    webhooks = add_webhooks({"openapi": "3.1.1"})["webhooks"]

    assert list(webhooks) == list(CATALOG)
    body = webhooks["wallet.low"]["post"]["requestBody"]["content"]["application/json"]
    assert [each["title"] for each in body["schema"]["oneOf"]] == [
        "wallet.low, for a buyer",
        "wallet.low, for a workspace",
    ]
