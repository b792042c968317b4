"""When a key was last used: noted for every kind of key, at most once a minute, and never in the way of the request."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from distribution.models import BuyerKey, WorkspaceKey
from routing.access import key_use
from routing.models import Lead, SourceKey
from routing.postgres_errors import REFUSED_WRITES
from tests.support.admin_pages import client_of, page
from tests.support.blocking import holding
from tests.support.factories import (
    BuyerFactory,
    SourceFactory,
    WorkspaceFactory,
    issue_buyer_key,
    issue_key,
    issue_workspace_key,
)

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEAD = "/api/v1/leads/0192f0c1-2345-7abc-8def-0123456789ab/"
KINDS: dict[type[Any], tuple[Callable[..., str], str, int]] = {
    SourceKey: (lambda **key: issue_key(SourceFactory(), **key), LEAD, 404),
    BuyerKey: (lambda **key: issue_buyer_key(BuyerFactory(), **key), "/api/v1/buyer/me/", 200),
    WorkspaceKey: (
        lambda **key: issue_workspace_key(WorkspaceFactory(), **key),
        "/api/v1/workspace/returns/",
        200,
    ),
}
every_kind = pytest.mark.parametrize("model", KINDS, ids=lambda model: model.__name__)


def ask(text: str, path: str, *, at: datetime) -> int:
    with time_machine.travel(at, tick=False):
        return Client().get(path, headers={"Authorization": f"Api-Key {text}"}).status_code


def last_use(model: type[Any]) -> datetime | None:
    found: datetime | None = model.objects.get().last_used_at
    return found


@every_kind
def test_use_is_noted_once_a_minute(model: type[Any]) -> None:
    issue, path, status = KINDS[model]
    text = issue(last_used_at=None)
    assert last_use(model) is None

    for at, noted in (
        (AT, AT),
        (AT + MINUTE - timedelta(seconds=1), AT),
        (AT + MINUTE, AT + MINUTE),
        (AT, AT + MINUTE),
    ):
        assert ask(text, path, at=at) == status
        assert last_use(model) == noted


@every_kind
@pytest.mark.parametrize("reason", ["wrong", "revoked", "expired"])
def test_refused_key_was_not_used(model: type[Any], reason: str) -> None:
    issue, path, _ = KINDS[model]
    columns: dict[str, Any] = {"revoked": {"revoked": True}, "expired": {"expiry_date": AT - MINUTE}}
    text = issue(last_used_at=None, **columns.get(reason, {}))

    assert ask(text[:-1] + "!" if reason == "wrong" else text, path, at=AT) == 401

    assert last_use(model) is None


def test_key_without_the_scope_was_used() -> None:
    """Its program runs."""
    text = issue_buyer_key(BuyerFactory(), scopes=["wallet:read"], last_used_at=None)

    assert ask(text, "/api/v1/buyer/me/", at=AT) == 403

    assert last_use(BuyerKey) == AT


def test_lead_is_stored_before_the_use_is_noted() -> None:
    """A request of the same minute has no further statement."""
    text = issue_key(SourceFactory(), last_used_at=None)

    def send(at: datetime) -> list[str]:
        body = {"vertical": "roofing", "zip": "30312", "phone": "+14048812345"}
        headers = {"Authorization": f"Api-Key {text}"}
        with time_machine.travel(at, tick=False), CaptureQueriesContext(connection) as captured:
            answer = Client().post("/api/v1/leads/", body, content_type="application/json", headers=headers)
        assert answer.status_code == 201, answer.content
        return [each["sql"] for each in captured]

    first, second = send(AT), send(AT + timedelta(seconds=1))

    assert Lead.objects.count() == 2
    [place] = [number for number, sql in enumerate(first) if "last_used_at = " in sql]
    assert place == len(first) - 1
    assert [sql for sql in second if "last_used_at = " in sql] == []


@every_kind
def test_request_does_not_wait_for_a_locked_key(model: type[Any]) -> None:
    """E.g. one that is being revoked. The next request notes its use."""
    issue, path, status = KINDS[model]
    text = issue(last_used_at=None)
    with holding(f"SELECT FROM {model._meta.db_table} FOR UPDATE", []) as held:
        assert ask(text, path, at=AT) == status
        held.rollback()
    assert last_use(model) is None

    assert ask(text, path, at=AT + timedelta(seconds=1)) == status
    assert last_use(model) == AT + timedelta(seconds=1)


def test_request_is_answered_although_its_use_cannot_be_noted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = issue_buyer_key(BuyerFactory(), last_used_at=None)
    monkeypatch.setattr(key_use, "NOTE", "SELECT 1 / 0 FROM {table}")

    assert ask(text, "/api/v1/buyer/me/", at=AT) == 200

    assert [each.msg for each in caplog.records] == ["routing.key_use_not_noted"]
    assert last_use(BuyerKey) is None


def test_nothing_is_noted_while_postgres_refuses_writes() -> None:
    text = issue_buyer_key(BuyerFactory(), last_used_at=None)
    REFUSED_WRITES.trip()
    try:
        assert ask(text, "/api/v1/buyer/me/", at=AT) == 200
    finally:
        REFUSED_WRITES.reset()

    assert last_use(BuyerKey) is None


@every_kind
def test_pages_and_the_command_show_the_last_use(
    model: type[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    issue, path, _ = KINDS[model]
    text = issue(last_used_at=None)
    client = client_of(User.objects.create_superuser("root"))
    call_command("keys", "list")
    assert "never used" in capsys.readouterr().out

    ask(text, path, at=AT)

    key = model.objects.get()
    for url in (page(model, "changelist"), page(model, "change", key.pk)):
        assert "2026-03-02 15:00" in client.get(url).content.decode()
    call_command("keys", "list")
    assert "last used 2026-03-02 15:00:00 UTC" in capsys.readouterr().out
    call_command("keys", "list", "--json")
    assert '"last_used_at": "2026-03-02T15:00:00Z"' in capsys.readouterr().out
