"""Source keys: which get access, the cost of the check, and what a refusal reveals."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from routing.models import Source, SourceKey, apikey
from routing.models.apikey import KEY_SHAPE, hash_key
from tests.support.factories import SourceFactory, issue_key

pytestmark = pytest.mark.django_db

URL = "/api/v1/leads/0192f0c1-2345-7abc-8def-0123456789ab/"
NEW_KEY = "The agency can issue a new one in the admin, under Source keys."
UNKNOWN_KEY = f"Unknown or revoked source key. Check that you copied the whole key. {NEW_KEY}"


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
def test_key_gets_access(source: Source, scheme: str) -> None:
    assert ask(f"{scheme} {issue_key(source)}").status_code == 404


def test_authentication_takes_one_statement(source: Source) -> None:
    key = issue_key(source)
    with CaptureQueriesContext(connection) as queries:
        ask(f"Api-Key {key}")
    assert len([query for query in queries if "routing_sourcekey" in query["sql"]]) == 1
    assert len(queries) == 2  # and the lookup of the lead


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
def test_missing_key_is_refused(authorization: str | None) -> None:
    assert_refused(ask(authorization), "No API key. Send the header `Authorization: Api-Key KEY`.")


@pytest.mark.parametrize(
    "text", ["", "x", "abcdefgh", "abcdefgh.short", "a" * 5_000, "abcdefg\xe9." + "a" * 32]
)
def test_malformed_key_never_reaches_the_database(text: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = ask(f"Api-Key {text}")
    assert_refused(response, UNKNOWN_KEY)
    assert len(queries) == 0


def test_wrong_secret_and_unknown_prefix_look_the_same(source: Source) -> None:
    prefix = issue_key(source).partition(".")[0]
    assert_refused(ask(f"Api-Key {prefix}.{'x' * 32}"), UNKNOWN_KEY)
    assert_refused(ask(f"Api-Key abcdefgh.{'x' * 32}"), UNKNOWN_KEY)


def test_expired_revoked_and_inactive_keys_are_refused(source: Source) -> None:
    key = issue_key(source)
    SourceKey.objects.update(expiry_date=timezone.now() - timedelta(seconds=1))
    assert_refused(ask(f"Api-Key {key}"), f"This source key has expired. {NEW_KEY}")
    SourceKey.objects.update(expiry_date=timezone.now() + timedelta(hours=1))
    assert ask(f"Api-Key {key}").status_code == 404
    Source.objects.update(active=False)
    assert_refused(ask(f"Api-Key {key}"), "The source of this key is not active.")
    Source.objects.update(active=True)
    SourceKey.objects.update(revoked=True)
    assert_refused(ask(f"Api-Key {key}"), f"This source key was revoked. {NEW_KEY}")


def test_expiry_is_shown_only_with_the_secret(source: Source) -> None:
    prefix = issue_key(source).partition(".")[0]
    SourceKey.objects.update(revoked=True)
    assert_refused(ask(f"Api-Key {prefix}.{'x' * 32}"), UNKNOWN_KEY)


def test_secret_of_an_unknown_prefix_is_hashed_too(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Constant time: both refusals compare one hash."""
    compared: list[str] = []

    def compare(left: str, right: str) -> bool:
        compared.append(right)
        return constant_time_compare(left, right)

    monkeypatch.setattr(apikey, "constant_time_compare", compare)
    prefix = issue_key(source).partition(".")[0]
    ask(f"Api-Key {prefix}.{'x' * 32}")
    ask(f"Api-Key abcdefgh.{'x' * 32}")
    assert len(compared) == 2
    assert {len(hashed) for hashed in compared} == {len("sha512$$") + 128}


# What djangorestframework-api-key 3.1 stored for this text.
FORMER_TEXT = "Ab3dEf7h.0123456789ABCDEFGHIJKLMNOPQRSTUV"
FORMER_HASH = (
    "sha512$$0c5f1d1af83e3bf4f153b780cd23ca62a64ec9dcca2a0f8620e8f54ce20fa4c3"
    "574e4bbd918f6b908d0cb0b7e2688615d3ee224859ddbf4db9b4f8296fe41b82"
)


def test_key_of_the_former_library_still_works(source: Source) -> None:
    """A row as that library's code wrote it, by its columns alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO routing_sourcekey"
            " (id, prefix, hashed_key, created, name, revoked, expiry_date, scopes, source_id)"
            " VALUES ('0190b5a0-0000-7000-8000-000000000001', %s, %s, now(), 'site', false, NULL, %s, %s)",
            [FORMER_TEXT[:8], FORMER_HASH, ["leads:read"], source.pk],
        )
    assert ask(f"Api-Key {FORMER_TEXT}").status_code == 404
    assert_refused(ask(f"Api-Key {FORMER_TEXT[:-1]}W"), UNKNOWN_KEY)


def test_former_hash_is_still_computed() -> None:
    assert hash_key(FORMER_TEXT) == FORMER_HASH


def test_new_key_has_the_format_of_the_lookup(source: Source) -> None:
    texts = {issue_key(source) for _ in range(20)}
    assert len(texts) == 20
    assert all(KEY_SHAPE.fullmatch(text) for text in texts)
    assert {key.hashed_key for key in SourceKey.objects.all()} == {hash_key(text) for text in texts}
