"""The migration that removes hashes from the ids of API keys, and from everything that refers to them."""

from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.test import Client

from distribution.models import BuyerKey
from routing.migrations import _key_ids
from routing.models import SourceKey
from tests.support.factories import BuyerFactory, SourceFactory, issue_buyer_key, issue_key
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

KINDS = {
    SourceKey: (
        lambda: issue_key(SourceFactory()),
        "/api/v1/leads/0192f0c1-2345-7abc-8def-0123456789ab/",
        404,
    ),
    BuyerKey: (lambda: issue_buyer_key(BuyerFactory()), "/api/v1/buyer/me/", 200),
}
every_kind = pytest.mark.parametrize("model", KINDS, ids=lambda model: model.__name__)


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def dump() -> str:
    """Every row that may refer to a key, as text."""
    tables = ("routing_sourcekey", "distribution_buyerkey", "tracing_auditentry", "django_admin_log")
    with connection.cursor() as cursor:
        rows = []
        for table in tables:
            cursor.execute(f"SELECT to_jsonb(t) - 'hashed_key' FROM {table} t")
            rows += [str(row) for row in cursor.fetchall()]
    return "\n".join(rows)


def make_former(model: type[Model]) -> tuple[str, str]:
    """A key as earlier versions stored it, with its traces in audit and history. Returns its text and its id."""
    text = KINDS[model][0]()
    table, constraint = model._meta.db_table, f"{model._meta.model_name}_id_is_no_hash"
    run(f"SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    run(_key_ids.backward(app=model._meta.app_label, model=str(model._meta.model_name)))
    key = model._default_manager.get()
    assert "$" in key.pk
    for name in (key.pk, f"{'x' * 8}.sha512$$gone"):
        refer(model, name)
    return text, key.pk


def refer(model: type[Model], name: str) -> None:
    AuditEntry.objects.create(
        actor="ann",
        action="added",
        model=model._meta.label_lower,
        object_id=name,
        after={"id": name, "name": "k"},
    )
    LogEntry.objects.create(
        user=User.objects.get_or_create(username="ann")[0],
        content_type=ContentType.objects.get_for_model(model),
        object_id=name,
        action_flag=CHANGE,
    )


def migrate(model: type[Model]) -> None:
    run(_key_ids.forward(app=model._meta.app_label, model=str(model._meta.model_name)))


@every_kind
def test_no_hash_remains_and_all_references_are_right(model: type[Any]) -> None:
    text, former = make_former(model)
    other = AuditEntry.objects.create(actor="ann", action="changed", model="routing.lead", object_id="a.b")
    assert "sha512$$" in dump()

    migrate(model)

    assert "sha512$$" not in dump()
    key = model.objects.get()
    assert key.pk != former
    entries = AuditEntry.objects.filter(model=model._meta.label_lower).order_by("pk")
    assert [entry.object_id for entry in entries] == [key.pk, "x" * 8]
    assert [entry.after for entry in entries] == [{"name": "k"}] * 2
    assert list(LogEntry.objects.order_by("pk").values_list("object_id", flat=True)) == [key.pk, "x" * 8]
    other.refresh_from_db()
    assert other.object_id == "a.b"
    _, url, status = KINDS[model]
    assert Client().get(url, headers={"Authorization": f"Api-Key {text}"}).status_code == status


@every_kind
def test_audit_is_append_only_afterwards(model: type[Any]) -> None:
    make_former(model)
    migrate(model)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AuditEntry.objects.update(actor="bob")


@every_kind
def test_migration_runs_on_an_empty_table(model: type[Any]) -> None:
    migrate(model)
    assert not model.objects.exists()


@every_kind
def test_id_made_of_the_hash_cannot_be_stored(model: type[Any]) -> None:
    KINDS[model][0]()
    with pytest.raises(IntegrityError, match="id_is_no_hash"), transaction.atomic():
        run(_key_ids.backward(app=model._meta.app_label, model=model._meta.model_name))
