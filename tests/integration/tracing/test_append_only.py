"""Append-only tables refuse UPDATE, DELETE and TRUNCATE in the database itself."""

import re
from typing import Any

import pytest
from django.db import IntegrityError, NotSupportedError, connection, models, transaction
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.calls.story import tell
from distribution.models import (
    BuyerStatement,
    CallEvent,
    CampaignSnapshot,
    Event,
    LedgerEntry,
    PayableEntry,
    SourceContract,
)
from tests.support.delivery_breaches import new_event
from tests.support.factories import CampaignFactory, ContractFactory, LeadFactory, SourceFactory, enroll
from tests.support.statements import buyer_on_terms, issue
from tracing import audit
from tracing.call_events import CallEventCode
from tracing.models import Attempt, AuditEntry, LeadDistributionEvent

pytestmark = pytest.mark.django_db

TABLES: list[tuple[type[models.Model], dict[str, Any]]] = [
    (LedgerEntry, {"reason": "changed"}),
    (Attempt, {"worker": "changed"}),
    (LeadDistributionEvent, {"outcome": "changed"}),
    (CampaignSnapshot, {"actor": "changed"}),
    (AuditEntry, {"reason": "changed"}),
    (SourceContract, {"reason": "changed"}),
    (PayableEntry, {"reason": "changed"}),
    (BuyerStatement, {"issued_by": "changed"}),
    (Event, {"once": "changed"}),
    (CallEvent, {"code": "changed"}),
]


@pytest.fixture(autouse=True)
def rows() -> None:
    """One sold lead and one action of a person write to each of them."""
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=10_000)
    tell(CallEventCode.PLACED, at=timezone.now())
    source = SourceFactory(workspace=campaign.workspace)
    ContractFactory(source=source)
    lead = LeadFactory(source=source)
    assert distribute_lead(lead.pk).result == "success"
    new_event()
    issue(buyer_on_terms())
    audit.record(actor="root", action="changed", target=campaign, workspace_id=campaign.workspace_id)


@pytest.mark.parametrize(("model", "change"), TABLES, ids=[model.__name__ for model, _ in TABLES])
def test_rows_cannot_be_changed(model: type[Any], change: dict[str, Any]) -> None:
    before = list(model.objects.order_by("pk").values())
    row = model.objects.earliest("pk")
    [(column, value)] = change.items()
    setattr(row, column, value)

    for refused in (
        lambda: model.objects.update(**change),
        lambda: model.objects.bulk_update([row], [column]),
        row.save,
        row.delete,
        lambda: model.objects.all().delete(),
        lambda: execute(f"UPDATE {model._meta.db_table} SET {column} = {column}"),
        lambda: execute(f"DELETE FROM {model._meta.db_table}"),
        lambda: execute(f"TRUNCATE {model._meta.db_table} CASCADE"),
    ):
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            refused()
        if isinstance(error.value, models.ProtectedError):
            continue  # Django deletes no row that others refer to. A statement below asks the trigger.
        assert re.match(f"{model._meta.db_table} is append-only. [A-Z]+ is not allowed", str(error.value))
        assert error.value.__cause__.sqlstate == "23001"  # type: ignore[union-attr]  # restrict_violation

    # Without CASCADE, PostgreSQL refuses a table that others refer to before any trigger runs.
    with pytest.raises((IntegrityError, NotSupportedError)), transaction.atomic():
        execute(f"TRUNCATE {model._meta.db_table}")

    assert before
    assert list(model.objects.order_by("pk").values()) == before


def test_exactly_these_tables_are_append_only() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, bool_or(tgname LIKE '%change%'), bool_or(tgname LIKE '%truncate%')"
            " FROM pg_trigger WHERE tgname LIKE 'pgtrigger_refuse_%' GROUP BY 1 ORDER BY 1"
        )
        guarded = cursor.fetchall()

    assert guarded == [(table, True, True) for table in sorted(model._meta.db_table for model, _ in TABLES)]


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        # Foreign key checks that wait for the commit would refuse TRUNCATE before the trigger runs.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)
