"""Source keys: who is let in, what it costs, and what a refusal gives away."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from routing.models import Source, SourceKey
from tests.support.factories import SourceFactory, issue_key

pytestmark = pytest.mark.django_db

URL = "/api/v1/leads/0192f0c1-2345-7abc-8def-0123456789ab/"


@pytest.fixture
def source() -> Source:
    return SourceFactory.create()


def ask(authorization: str | None) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return Client().get(URL, headers=headers)


def assert_refused(response: Any, message: str) -> None:
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Api-Key realm="leadswitch"'
    assert response.json() == {"error": {"code": "unauthorized", "message": message}}


@pytest.mark.parametrize("scheme", ["Api-Key", "api-key", "API-KEY"])
def test_key_is_let_in(source: Source, scheme: str) -> None:
    assert ask(f"{scheme} {issue_key(source)}").status_code == 404


def test_it_takes_one_statement(source: Source) -> None:
    key = issue_key(source)
    with CaptureQueriesContext(connection) as queries:
        ask(f"Api-Key {key}")
    assert len([query for query in queries if "routing_sourcekey" in query["sql"]]) == 1
    assert len(queries) == 2  # and the look-up of the lead


def test_key_is_stored_as_a_hash_only(source: Source) -> None:
    key = issue_key(source)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(k)::text FROM routing_sourcekey k")
        (stored,) = cursor.fetchone()
    prefix, _, secret = key.partition(".")
    assert prefix in stored
    assert secret not in stored
    assert "sha512$$" in stored


@pytest.mark.parametrize("authorization", [None, "Bearer abc", "Basic YTpi", ""])
def test_no_key(authorization: str | None) -> None:
    assert_refused(ask(authorization), "No key came: send the header `Authorization: Api-Key KEY`.")


@pytest.mark.parametrize(
    "text", ["", "x", "abcdefgh", "abcdefgh.short", "a" * 5_000, "abcdefg\xe9." + "a" * 32]
)
def test_malformed_key_never_reaches_the_database(text: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = ask(f"Api-Key {text}")
    assert_refused(response, "This is no source key: send the header `Api-Key <prefix>.<secret>`.")
    assert len(queries) == 0


def test_wrong_secret_and_unknown_prefix_look_the_same(source: Source) -> None:
    prefix = issue_key(source).partition(".")[0]
    assert_refused(ask(f"Api-Key {prefix}.{'x' * 32}"), "No such source key.")
    assert_refused(ask(f"Api-Key abcdefgh.{'x' * 32}"), "No such source key.")


def test_expired_revoked_and_inactive(source: Source) -> None:
    key = issue_key(source)
    SourceKey.objects.update(expiry_date=timezone.now() - timedelta(seconds=1))
    assert_refused(ask(f"Api-Key {key}"), "This source key has expired.")
    SourceKey.objects.update(expiry_date=timezone.now() + timedelta(hours=1))
    assert ask(f"Api-Key {key}").status_code == 404
    SourceKey.objects.update(revoked=True)
    assert_refused(ask(f"Api-Key {key}"), "This source key was revoked.")
    SourceKey.objects.update(revoked=False)
    Source.objects.update(active=False)
    assert_refused(ask(f"Api-Key {key}"), "The source of this key is not active.")


def test_expiry_is_shown_only_with_the_secret(source: Source) -> None:
    prefix = issue_key(source).partition(".")[0]
    SourceKey.objects.update(revoked=True)
    assert_refused(ask(f"Api-Key {prefix}.{'x' * 32}"), "No such source key.")


def test_unknown_prefix_is_hashed_as_well(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Constant time: both refusals compare one hash."""
    compared: list[str] = []
    generator = SourceKey.objects.key_generator
    verify = generator.verify
    monkeypatch.setattr(
        generator, "verify", lambda key, hashed: compared.append(hashed) or verify(key, hashed)
    )
    prefix = issue_key(source).partition(".")[0]
    ask(f"Api-Key {prefix}.{'x' * 32}")
    ask(f"Api-Key abcdefgh.{'x' * 32}")
    assert len(compared) == 2
    assert {len(hashed) for hashed in compared} == {len("sha512$$") + 128}
