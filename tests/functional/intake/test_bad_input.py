"""For any bad input, the intake answers 4xx in its one error shape and stores nothing."""

import json
from typing import Any

import pytest
from django.test import Client

from routing.models import IntakeMode, Lead, Source
from tests.support.factories import SourceFactory, issue_key

pytestmark = pytest.mark.django_db

LEADS = "/api/v1/leads/"
BATCH = "/api/v1/leads/batch/"
LEAD = '{"zip": "30312", "email": "ada@example.com", "first_name": %s}'


@pytest.fixture
def client() -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_key(SourceFactory.create())}"})


def send(
    client: Client, body: bytes | str, *, url: str = LEADS, content_type: str = "application/json"
) -> Any:
    return client.generic("POST", url, body, content_type=content_type)


def assert_refused(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response["Content-Type"] == "application/json"
    assert Lead.objects.count() == 0


@pytest.mark.parametrize("url", [LEADS, BATCH])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(LEAD % r'"a\u0000b"', id="NUL in a value"),
        pytest.param(r'{"zip": "30312", "a\u0000b": 1}', id="NUL in a key"),
        pytest.param(LEAD % r'"\ud800"', id="lone surrogate"),
        pytest.param(r'{"\udfff": 1}', id="lone surrogate in a key"),
        pytest.param("[" * 100_000 + "]" * 100_000, id="100,000 levels"),
        pytest.param("[" * 100_000, id="100,000 levels, open"),
        pytest.param('{"a":' * 100_000 + "1" + "}" * 100_000, id="100,000 objects"),
        pytest.param(LEAD % ("9" * 5_000), id="number of 5,000 digits"),
        pytest.param(LEAD % "NaN", id="NaN"),
        pytest.param(LEAD % "1e999", id="too large a number"),
        pytest.param('{"zip": "30312", "zip": "30313"}', id="a key twice"),
        pytest.param(b'{"zip": "\xff"}', id="no UTF-8"),
        pytest.param("\ufeff{}", id="byte order mark"),
        pytest.param("{'zip': 1}", id="no JSON"),
        pytest.param("", id="nothing"),
        pytest.param(" ", id="blank"),
    ],
)
def test_unstorable_value_is_malformed(client: Client, url: str, body: bytes | str) -> None:
    assert_refused(send(client, body, url=url), 400, "malformed")


@pytest.mark.parametrize("body", ["null", "1", '"text"', "true", "[]", "{}"])
@pytest.mark.parametrize("url", [LEADS, BATCH])
def test_non_lead_is_invalid(client: Client, url: str, body: str) -> None:
    assert_refused(send(client, body, url=url), 400, "validation_failed")


@pytest.mark.parametrize(
    "fields",
    [
        {"zip": 30312},
        {"zip": ["30312"]},
        {"email": {"a": 1}},
        {"phone": True},
        {"attributes": []},
        {"attributes": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}},
        {"attributes": {"key with space": 1}},
        {"attributes": {str(number): 1 for number in range(101)}},
        {"consent": "yes"},
        {"consent": {"given_at": "2026-01-31"}},
        {"consent": {"given_at": "9999-12-31T23:59:59+00:00"}},
        {"external_id": "x" * 101},
        {"vertical": "<script>"},
        {"country": "XX"},
        {"first_name": "x" * 101},
    ],
    ids=lambda fields: json.dumps(fields)[:40],
)
def test_field_of_another_type_is_named(client: Client, fields: dict[str, Any]) -> None:
    """By a strict source. test_lenient_intake.py has the lenient ones."""
    Source.objects.update(intake_mode=IntakeMode.STRICT)
    response = send(client, json.dumps({"zip": "30312", "email": "ada@example.com", **fields}))
    assert_refused(response, 400, "validation_failed")
    (name,) = fields
    assert all(path.startswith(name) for path in response.json()["error"]["fields"])


def test_too_large_a_body_is_413(client: Client) -> None:
    body = b'{"zip": "' + b"3" * (1024 * 1024) + b'"}'
    assert_refused(send(client, body), 413, "too_large")
    assert_refused(send(client, b"[" + b" " * (12 * 1024 * 1024), url=BATCH), 413, "too_large")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ""])
def test_another_content_type_is_415(client: Client, content_type: str) -> None:
    assert_refused(send(client, b'{"a": 1}', content_type=content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_form_cannot_be_a_batch(client: Client, content_type: str) -> None:
    response = send(client, b"zip=30312", url=BATCH, content_type=content_type)
    assert_refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_content_types_are_accepted(client: Client, content_type: str) -> None:
    assert send(client, LEAD % '"Ada"', content_type=content_type).status_code == 201


def test_body_without_a_length_is_411(client: Client) -> None:
    response = client.post(LEADS, headers={"Transfer-Encoding": "chunked"}, CONTENT_LENGTH="")
    assert_refused(response, 411, "malformed")


def test_dangerous_looking_text_is_only_text(client: Client) -> None:
    name = "Robert'); DROP TABLE routing_lead;-- ${jndi:x} {{7*7}} %s %(a)s"
    assert send(client, LEAD % json.dumps(name)).status_code == 201
    assert Lead.objects.get().first_name == name
