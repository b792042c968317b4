"""Multiplies the samples by SQL: each copy is a lead with its attempts, events and sales in the last year.

Copies keep the facts and snapshots of their sample, so every decision can be replayed. The samples are removed:
their rows would be younger than their copies, and have lower ids. Money and counters follow from the sales.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.db import connection, models, transaction

from distribution.models import Assignment, LedgerEntry, PayableEntry, ReturnRequest
from routing.models import Lead
from tests.bench.scale.money import follow_sales
from tests.bench.scale.size import Size
from tests.bench.scale.world import Sample
from tracing.models import Attempt, LeadDistributionEvent

# Those that refer to others come first.
SAMPLED: Final = (
    *(LeadDistributionEvent, Attempt, PayableEntry, ReturnRequest, LedgerEntry, Assignment, Lead),
)
BLOCK: Final = 64  # bytes of SHA-256, for the identity hash

# A UUID of version 7 at an instant, which is different for each lead and number.
UUID7: Final = """(
    lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0') || '7' || substr(md5({seed}), 1, 3)
    || '8' || substr(md5({seed}), 4, 15)
)::uuid"""
SAMPLES: Final = """
CREATE TEMP TABLE scale_sample AS
SELECT * FROM unnest(%(ids)s::bigint[], %(copies)s::int[], %(days)s::int[], %(firsts)s::bigint[])
    AS s(lead_id, copies, days, first_id)
"""
# In order of arrival, like ids. `nth`: within its sample.
COPIES: Final = """
CREATE TEMP TABLE scale_copy AS
SELECT row_number() OVER (ORDER BY received_at) + (SELECT max(id) FROM routing_lead) AS id, drawn.*
FROM (
    SELECT s.lead_id AS sample_id, nth, s.first_id,
        statement_timestamp() - random() * s.days * interval '1 day' - interval '1 minute' AS received_at
    FROM scale_sample s CROSS JOIN LATERAL generate_series(1, s.copies) AS nth
) drawn
"""
FIRSTS: Final = """
CREATE TEMP TABLE scale_first AS
SELECT c.id, (array_agg(f.id))[1] AS first_id
FROM scale_copy c JOIN scale_sample s ON s.lead_id = c.first_id
JOIN scale_copy f ON f.sample_id = c.first_id AND f.nth = 1 + c.nth % s.copies
GROUP BY c.id
"""
ATTEMPTS: Final = f"""
CREATE TEMP TABLE scale_attempt AS
SELECT a.id AS sample_id, c.id AS lead_id, a.number,
    {UUID7.format(at="(a.started_at - l.received_at + c.received_at)", seed="c.id || '-' || a.number")} AS id,
    c.received_at - l.received_at AS shift
FROM scale_copy c JOIN sample_routing_lead l ON l.id = c.sample_id
JOIN sample_tracing_attempt a ON a.lead_id = c.sample_id
ORDER BY c.id, a.number
"""
HASH: Final = """encode(sha256(%(outer)s::bytea || sha256(
    %(inner)s::bytea || convert_to('{kind}', 'UTF8') || '\\x00'::bytea || convert_to({value}, 'UTF8'))), 'hex')"""
EMAIL: Final = "'person.' || COALESCE(f.first_id, c.id) || '@example.com'"
PHONE: Final = "'+1' || (4040000000 + c.id * 7919 %% 9999991)"
# Columns that differ from those of the sample, by table.
LEAD: Final = {
    "id": "c.id",
    "public_id": UUID7.format(at="c.received_at", seed="'lead ' || c.id"),
    "external_id": "'scale-' || c.id",
    "first_name": "'Quentin'",
    "last_name": "'Zabriskie'",
    "email": EMAIL,
    "phone": PHONE,
    "email_hash": HASH.format(kind="email", value=EMAIL),
    "phone_hash": HASH.format(kind="phone", value=PHONE),
    "received_at": "c.received_at",
    "finished_at": "s.finished_at - s.received_at + c.received_at",
    # Only leads of paused workspaces are due during the measurement.
    "next_attempt_at": "CASE WHEN s.status = 'pending' THEN statement_timestamp() + "
    "CASE WHEN w.paused_at IS NULL THEN interval '1 hour' + c.id %% 1000 * interval '30 minutes'"
    " ELSE interval '-1 hour' END END",
    "paused_at": "CASE WHEN s.status = 'pending' AND c.id %% 997 = 0 THEN c.received_at END",
    "expires_at": "s.expires_at - s.received_at + c.received_at",
    "woken_by": "NULL",
}
ATTEMPT: Final = {
    "id": "c.id",
    "lead_id": "c.lead_id",
    "started_at": "s.started_at + c.shift",
    "finished_at": "s.finished_at + c.shift",
    "received_at": "s.received_at + c.shift",
    "due_at": "s.due_at + c.shift",
    "first_lead_id": "COALESCE(f.first_id, s.first_lead_id)",
}
EVENT: Final = {
    "lead_id": "c.lead_id",
    "attempt_id": "c.id",
    "created_at": "s.created_at + c.shift",
    "data": "CASE WHEN f.first_id IS NULL THEN s.data"
    " ELSE s.data || jsonb_build_object('first_lead_id', f.first_id) END",
}
SALE: Final = {
    "public_id": UUID7.format(at="(s.created_at + c.shift)", seed="'sale ' || c.lead_id"),
    "lead_id": "c.lead_id",
    "attempt_id": "c.id",
    "created_at": "s.created_at + c.shift",
    "returned_at": "s.returned_at + c.shift",
    "returned_after": "NULL",
    "counted_on": "((s.created_at + c.shift) AT TIME ZONE b.timezone)::date",
}
OF_COPY: Final = """FROM scale_copy c JOIN sample_routing_lead s ON s.id = c.sample_id
    JOIN routing_workspace w ON w.id = s.workspace_id LEFT JOIN scale_first f ON f.id = c.id ORDER BY c.id"""
OF_ATTEMPT: Final = """FROM scale_attempt c JOIN {sample} s ON {on}
    LEFT JOIN scale_first f ON f.id = c.lead_id ORDER BY c.id{more}"""
OF_SALE: Final = """FROM scale_attempt c JOIN sample_distribution_assignment s ON s.attempt_id = c.sample_id
    JOIN distribution_buyer b ON b.id = s.buyer_id ORDER BY s.created_at + c.shift"""
AUDIT: Final = """
INSERT INTO tracing_auditentry (at, actor, action, model, object_id, object_label, workspace_id, reason, before, after)
SELECT statement_timestamp() - (%(rows)s - n) * (interval '365 days' / %(rows)s), 'clerk-' || n %% 40,
    CASE WHEN n %% 1000 = 0 THEN 'deleted' ELSE 'changed' END, 'distribution.buyer', (n %% 5000)::text, 'Buyer ' || n,
    (SELECT min(id) FROM routing_workspace) + n %% %(workspaces)s, '', '{}', '{"weight": 2}'
FROM generate_series(1, %(rows)s) AS n
"""
REPEATED: Final = """
INSERT INTO routing_idempotencyrecord (
    workspace_id, owner_id, route, key, fingerprint, status_code, response, created_at
)
SELECT workspace_id, public_id, 'leads', 'key-' || n, md5(n::text), 201, '{}',
    statement_timestamp() - (%(rows)s - n) * (interval '23 hours' / %(rows)s)
FROM generate_series(1, %(rows)s) AS n
JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS sources FROM routing_source) s
    ON s.place = 1 + n %% s.sources
"""


def multiply(samples: Sequence[Sample], size: Size, *, on_progress: Callable[[str], None]) -> None:
    """In one transaction: the database gets all of it or nothing."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no trigger may be pending where a table is altered
        cursor.execute("SELECT setseed(0.5)")
        _take_out(cursor)
        on_progress("leads")
        _place_copies(cursor, samples)
        _insert(cursor, Lead, LEAD, OF_COPY, parameters=_hash_pads())
        on_progress("attempts and events")
        _copy_trace(cursor)
        on_progress("sales, money and counters")
        with without_triggers(
            cursor, Assignment, LedgerEntry
        ):  # they write what follow_sales writes, for today
            _insert(cursor, Assignment, SALE, OF_SALE)
            follow_sales(cursor)
        cursor.execute(AUDIT, {"rows": size.side_rows, "workspaces": size.workspaces})
        cursor.execute(REPEATED, {"rows": size.side_rows})
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('routing_lead', 'id'), max(id)) FROM routing_lead"
        )
    on_progress("VACUUM ANALYZE")
    vacuum()


def vacuum() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")


def _take_out(cursor: Any) -> None:
    """Move the samples into separate tables."""
    for model in SAMPLED:
        table = model._meta.db_table
        cursor.execute(f"CREATE TEMP TABLE sample_{table} AS SELECT * FROM {table}")
        with without_triggers(cursor, model):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute(f"ANALYZE sample_{table}")


@contextmanager
def without_triggers(cursor: Any, *made: type[models.Model]) -> Iterator[None]:
    """After an error the transaction is rolled back, and the triggers are on again."""
    for model in made:
        cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")
    yield
    for model in made:
        cursor.execute(f"ALTER TABLE {model._meta.db_table} ENABLE TRIGGER USER")


def _place_copies(cursor: Any, samples: Sequence[Sample]) -> None:
    cursor.execute(
        SAMPLES,
        {
            "ids": [each.lead_id for each in samples],
            "copies": [each.copies for each in samples],
            "days": [each.days for each in samples],
            "firsts": [each.first_id for each in samples],
        },
    )
    cursor.execute(COPIES.replace("FROM routing_lead", "FROM sample_routing_lead"))
    cursor.execute("ANALYZE scale_copy")
    cursor.execute(FIRSTS)
    cursor.execute("ANALYZE scale_first")


def _copy_trace(cursor: Any) -> None:
    cursor.execute(ATTEMPTS)
    cursor.execute("ANALYZE scale_attempt")
    for model, columns, on, more in (
        (Attempt, ATTEMPT, "s.id = c.sample_id", ""),
        (LeadDistributionEvent, EVENT, "s.attempt_id = c.sample_id", ", s.seq"),
    ):
        sample = f"sample_{model._meta.db_table}"
        _insert(cursor, model, columns, OF_ATTEMPT.format(sample=sample, on=on, more=more))


def _insert(
    cursor: Any,
    model: type[models.Model],
    changed: Mapping[str, str],
    source: str,
    *,
    parameters: Mapping[str, object] | None = None,
) -> None:
    """Copy rows of the sample `s` for each copy `c`, with some columns changed. Serial ids are new."""
    names = [str(field.column) for field in model._meta.concrete_fields]
    named = [name for name in names if name != "id" or name in changed]
    columns = ", ".join(f'"{name}"' for name in named)
    values = ", ".join(changed.get(name, f's."{name}"') for name in named)
    text = f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {values} {source}"
    cursor.execute(text, parameters)


def _hash_pads() -> Mapping[str, bytes]:
    """HMAC-SHA256 in SQL: the server has only SHA-256."""
    key = str(settings.LEADSWITCH_IDENTITY_KEY).encode()
    block = (hashlib.sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\x00")
    return {
        "outer": bytes(each ^ 0x5C for each in block),
        "inner": bytes(each ^ 0x36 for each in block),
    }
