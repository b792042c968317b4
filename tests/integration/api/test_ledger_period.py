"""A period of a buyer's ledger has exactly its entries, and reads little more than those."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from distribution.models import Buyer, LedgerEntry, LedgerKind
from distribution.queries import Period, list_ledger
from tests.support.factories import BuyerFactory, WorkspaceFactory
from tests.support.planting import plant
from tests.support.row_counter import RowCounter

PAGE = 50
ENTRIES = 8_000
START = datetime(2026, 1, 1, tzinfo=UTC)
# A year of two wallets in turns. Every seventh entry's transaction began 50 minutes before its insert.
FILL = f"""
INSERT INTO distribution_ledgerentry (wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, actor,
    reason, created_at, other_account)
SELECT w.id, CASE WHEN n = 12 THEN 'topup' ELSE 'adjustment' END, 1, n, 'fill:' || w.id || ':' || n, 'test', '',
    '2026-01-01'::timestamptz + n * interval '1 hour'
    - CASE WHEN n % 7 = 0 THEN interval '50 minutes' ELSE interval '0' END, 'manual_clearing'
FROM generate_series(1, {ENTRIES}) n CROSS JOIN distribution_wallet w ORDER BY n, w.id
"""


@pytest.fixture
def buyer(committed_db: None) -> Buyer:  # noqa: ARG001 - it is filled
    workspace = WorkspaceFactory()
    [buyer, _] = [BuyerFactory(workspace=workspace) for _ in range(2)]
    plant(FILL)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return buyer


def hours(count: int) -> datetime:
    return START + timedelta(hours=count)


PERIODS = [
    pytest.param(Period(ends_at=hours(40)), None, id="to an old time"),
    pytest.param(Period(ends_at=hours(ENTRIES // 2)), None, id="to half of the history"),
    pytest.param(Period(ends_at=hours(ENTRIES // 2)), LedgerKind.ADJUSTMENT, id="to half of it, one kind"),
    pytest.param(Period(hours(ENTRIES // 4), hours(ENTRIES // 2)), None, id="the second quarter"),
    pytest.param(Period(hours(20), hours(44)), None, id="an old day"),
    pytest.param(Period(hours(ENTRIES - 20)), None, id="the newest hours"),
    pytest.param(Period(hours(ENTRIES - 20)), LedgerKind.TOPUP, id="a rare kind in the newest hours"),
    pytest.param(Period(hours(10), hours(14)), LedgerKind.TOPUP, id="a rare kind long ago"),
    pytest.param(Period(hours(2 * ENTRIES)), None, id="the future"),
    pytest.param(Period(ends_at=START), None, id="before the first"),
    pytest.param(Period(datetime.min.replace(tzinfo=UTC), START), None, id="the first year there is"),
    pytest.param(
        Period(hours(2 * ENTRIES), datetime.max.replace(tzinfo=UTC)), None, id="the last year there is"
    ),
]


@pytest.mark.parametrize(("period", "kind"), PERIODS)
def test_period_is_complete_and_reads_only_its_entries(
    buyer: Buyer, period: Period, kind: LedgerKind | None
) -> None:
    every = LedgerEntry.objects.filter(wallet__buyer=buyer).order_by("-pk")
    expected = [
        entry.pk
        for entry in every
        if (period.starts_at is None or entry.created_at >= period.starts_at)
        and (period.ends_at is None or entry.created_at < period.ends_at)
        and kind in {None, entry.kind}
    ]
    counter = RowCounter()
    with connection.execute_wrapper(counter):
        found = list_ledger(buyer, limit=PAGE, before=None, period=period, kind=kind)
    assert [entry.pk for entry in found] == expected[:PAGE]
    # The page, and a day more at both ends.
    assert counter.rows <= PAGE + 2 * 2 * 24 + 4


@pytest.mark.parametrize("moved", [timedelta(0), timedelta(minutes=1), timedelta(minutes=59)])
def test_every_period_matches_its_times(buyer: Buyer, moved: timedelta) -> None:
    """All boundaries within some days, one by one, against the times alone."""
    every = {entry.pk: entry.created_at for entry in LedgerEntry.objects.filter(wallet__buyer=buyer)}
    for count in range(60, 110):
        starts_at, ends_at = hours(count) + moved, hours(count + 10)
        found = list_ledger(buyer, limit=PAGE, before=None, period=Period(starts_at, ends_at), kind=None)
        assert {entry.pk for entry in found} == {
            pk for pk, created_at in every.items() if starts_at <= created_at < ends_at
        }
