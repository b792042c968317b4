"""Two batches with the same external ids in opposite order: each lead is stored once, without a deadlock."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from routing.intake import store
from routing.intake.parse import parse_lead
from routing.intake.store import AlreadyReceived, StoredLead, store_leads
from routing.models import Lead, Source
from tests.support.factories import SourceFactory
from tests.support.racing import in_background, open_transaction, race
from tests.support.waiting import wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

FORTH, BACK = ["a", "m", "z"], ["z", "m", "a"]


def take(ids: Sequence[str], *, source: Source) -> list[StoredLead | AlreadyReceived]:
    at = datetime.now(UTC)
    leads = [
        parse_lead(
            {"zip": "30312", "email": "ada@example.com", "external_id": each}, default_vertical="hvac", at=at
        )
        for each in ids
    ]
    with transaction.atomic():
        return store_leads(leads, source=source, channel="batch")


def send_both(source: Source) -> list[list[StoredLead | AlreadyReceived]]:
    """A third transaction stops each at the lead in the middle. Each continues when the third one has ended."""
    with (
        open_transaction(partial(take, ["m"], source=source)) as end,
        in_background(partial(race, [partial(take, ids, source=source) for ids in (FORTH, BACK)])) as results,
    ):
        wait_until_blocked(connection, sessions=2)
        end()
    return results.result()


def test_opposite_batches_store_every_lead_once() -> None:
    source = SourceFactory()

    forth, back = send_both(source)

    assert sorted(Lead.objects.values_list("external_id", flat=True)) == FORTH
    stored = {lead.external_id: lead.public_id for lead in Lead.objects.all()}
    assert [each.public_id for each in forth] == [stored[each] for each in FORTH]
    assert [each.public_id for each in back] == [stored[each] for each in BACK]
    assert {type(each) for each in forth} | {type(each) for each in back} == {StoredLead, AlreadyReceived}


def test_control_in_batch_order_they_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ORDER BY external_id, id" in store.INSERT
    monkeypatch.setattr(store, "INSERT", store.INSERT.replace("ORDER BY external_id, id", ""))
    with pytest.raises(OperationalError, match="deadlock detected"):
        send_both(SourceFactory())


def test_ids_are_in_the_order_of_the_batch() -> None:
    """Of two leads of one person, the first in the batch is the original."""
    source = SourceFactory()
    taken = take(["z", "", "a", "z", "m", ""], source=source)

    ids = [each.lead_id for each in taken if isinstance(each, StoredLead)]
    assert ids == sorted(ids)
    assert isinstance(taken[3], AlreadyReceived)
    assert list(Lead.objects.order_by("pk").values_list("external_id", flat=True)) == ["z", "", "a", "m", ""]
