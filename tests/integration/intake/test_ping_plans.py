"""The statements of pings on a filled table: each reads its own rows by an index."""

from typing import Any, Final

import pytest
from django.db import connection

from distribution.attempts.promises import READ_PROMISE
from routing.intake.old_pings import FORGET, OLDEST, PINGS_PER_BATCH, forget_old_pings
from routing.models import Lead, Ping
from tests.support.factories import LeadFactory, PingFactory
from tests.support.filling import fill_leads
from tests.support.plans import plan, read_by_table
from tests.support.planting import plant

ROWS: Final = 20_000
OLDER_THAN_A_MONTH: Final = 5_601
# One ping in four is older than a month.
FILL: Final = """
INSERT INTO routing_ping (
    public_id, source_id, campaign_id, price_cents, reason, digests, is_test, created_at, expires_at
)
SELECT gen_random_uuid(), %(source)s, 1, 500, '', '{}', false, now() - n * interval '2 minutes' - interval '10 days',
    now() + interval '1 day'
FROM generate_series(1, %(rows)s) n
"""
# The oldest pings have a lead each.
GIVE_TO_LEADS: Final = """
UPDATE routing_lead l SET ping_id = p.id
FROM (SELECT id, row_number() OVER (ORDER BY created_at) AS n FROM routing_ping) p,
    (SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM routing_lead) numbered
WHERE numbered.id = l.id AND numbered.n = p.n AND p.n <= %(number)s
"""


@pytest.fixture
def used(committed_db: None) -> Ping:  # noqa: ARG001
    """A young ping with a lead, beside many without one."""
    ping: Ping = PingFactory()
    LeadFactory(source=ping.source, ping=ping)
    fill_leads(ping.source, count=ROWS)
    plant(FILL, {"source": ping.source_id, "rows": ROWS})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE routing_ping, routing_lead")
    return ping


def reads(queryset: Any) -> dict[str, tuple[set[str], float]]:
    sql, parameters = queryset.query.sql_with_params()
    return read_by_table(sql, parameters)


def test_ping_of_a_lead_is_found_by_its_id(used: Ping) -> None:
    indexes, rows = reads(Ping.objects.filter(public_id=used.public_id))["routing_ping"]
    assert (len(indexes), rows) == (1, 1)
    assert "public_id" in indexes.pop()


def test_single_use_is_looked_up_by_index(used: Ping) -> None:
    indexes, rows = reads(Lead.objects.filter(ping_id=used.pk))["routing_lead"]
    assert (indexes, rows) == ({"lead_ping_used_once"}, 1)


def test_attempt_reads_the_promise_by_its_key(used: Ping) -> None:
    lead = Lead.objects.get(ping=used)
    given = {"at": lead.received_at, "received_at": lead.received_at, "ping_id": used.pk}
    indexes, rows = read_by_table(READ_PROMISE, given)["routing_ping"]
    assert (indexes, rows) == ({"routing_ping_pkey"}, 1)


@pytest.mark.usefixtures("used")
def test_clean_up_reads_one_batch_of_the_oldest() -> None:
    indexes, rows = read_by_table(OLDEST, [30, PINGS_PER_BATCH])["routing_ping"]
    assert (indexes, rows) == ({"ping_to_clean_up"}, PINGS_PER_BATCH)


@pytest.mark.usefixtures("used")
def test_clean_up_reads_no_table_in_full() -> None:
    """The oldest batch is found by age. Its leads are looked up, and its rows are changed by id."""
    indexes, scanned = plan(FORGET, [30, PINGS_PER_BATCH])
    assert indexes == {"ping_to_clean_up", "lead_ping_used_once", "routing_ping_pkey"}
    assert scanned == set()


def test_clean_up_looks_at_a_ping_of_a_lead_once(used: Ping) -> None:
    """However many there are: after years they are most of the old pings."""
    leads = 3 * PINGS_PER_BATCH
    plant(GIVE_TO_LEADS, {"number": leads})
    before = Ping.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE routing_ping, routing_lead")

    assert forget_old_pings() == OLDER_THAN_A_MONTH - leads
    assert Ping.objects.filter(is_kept=True).count() == leads
    assert Ping.objects.count() == before - (OLDER_THAN_A_MONTH - leads)
    assert Ping.objects.filter(pk=used.pk, is_kept=False).exists()

    assert read_by_table(OLDEST, [30, PINGS_PER_BATCH])["routing_ping"] == ({"ping_to_clean_up"}, 0)
