"""Fills a month by SQL: workspaces of different sizes, their leads and attempts. The product counts the roll-up.

The state is that of an incident: thousands of leads and retries are due, in running and in paused workspaces.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import accumulate
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from routing.models import Source, Workspace, WorkspaceKind
from tests.bench.scale.fill import UUID7, vacuum
from tests.bench.scale.health.size import DAYS, ENDINGS, HOURS, UNCOUNTED, MonthSize
from tests.bench.scale.world import PARTNERS, PAUSED, PREFIX
from tests.support.attempts import add_attempt
from tests.support.filling import USUAL
from tracing.models import Attempt, RollupState, UncountedAttempt
from tracing.reconcile import rollups

ROWS_A_RUN: Final = 1_000_000
# A logarithmic normal distribution: a median of 140 ms, and one in a hundred above 2 s.
WAIT: Final = "exp(-2 + 1.2 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))"
PLACES: Final = """
CREATE TEMP TABLE month_place AS
SELECT * FROM unnest(%(workspaces)s::bigint[], %(sources)s::bigint[], %(destinations)s::bigint[])
    WITH ORDINALITY AS p (workspace_id, source_id, destination_id, place)
"""
ENDS: Final = """
CREATE TEMP TABLE month_ending AS
SELECT * FROM unnest(%(results)s::text[], %(reasons)s::text[], %(statuses)s::text[])
    WITH ORDINALITY AS e (result, skip_reason, status, place)
"""
# Numbered in order of arrival, like ids. What is later than five minutes ago came in 35 days before.
LEADS: Final = """
CREATE TEMP TABLE month_lead AS
SELECT row_number() OVER (ORDER BY received_at) AS id, drawn.*
FROM (
    SELECT at - CASE WHEN at > statement_timestamp() - interval '5 minutes' THEN %(days)s * interval '1 day'
        ELSE interval '0' END AS received_at,
        1 + width_bucket(of_place, %(place_edges)s::float8[]) AS place,
        1 + width_bucket(of_ending, %(ending_edges)s::float8[]) AS ending
    FROM (
        SELECT date_trunc('day', statement_timestamp(), 'UTC') - floor(random() * %(days)s) * interval '1 day'
            + (width_bucket(random(), %(hour_edges)s::float8[]) + random()) * interval '1 hour' AS at,
            random() AS of_place, random() AS of_ending
        FROM generate_series(1, %(leads)s)
    ) chances
) drawn
"""
ATTEMPTS: Final = f"""
INSERT INTO tracing_attempt (
    id, lead_id, number, trigger, source_workspace_id, destination_workspace_id, result, skip_reason, transient,
    received_at, due_at, started_at, finished_at, duration_ms, worker, first_lead_id,
    facts
)
SELECT {UUID7.format(at="started_at", seed="lead_id || '-' || number")}, lead_id, number,
    CASE number WHEN 1 THEN 'ingest' ELSE 'retry' END, workspace_id, destination_id, result, skip_reason,
    result = 'retry', received_at, due_at, started_at, started_at + took_ms * interval '1 ms', took_ms, 'worker-1',
    CASE result WHEN 'duplicate' THEN greatest(1, lead_id - 1000) END, '{{}}'
FROM (
    SELECT l.id AS lead_id, number, p.workspace_id, p.destination_id, l.received_at, due_at,
        CASE WHEN is_last THEN e.result WHEN l.id %% 8 = 0 THEN 'retry' ELSE 'deferred' END AS result,
        CASE WHEN is_last THEN e.skip_reason WHEN l.id %% 8 = 0 THEN 'tier_lock_contention'
            ELSE 'all_buyers_capped' END AS skip_reason,
        due_at + ({WAIT} + CASE WHEN l.id %% 3000 = 0 THEN 70 ELSE 0 END) * interval '1 second' AS started_at,
        5 + 20 * random() AS took_ms
    FROM month_lead l JOIN month_place p USING (place) JOIN month_ending e ON e.place = l.ending
    CROSS JOIN LATERAL (
        SELECT number, number = tries AS is_last, l.received_at + (number - 1) * interval '1 minute' AS due_at
        FROM (SELECT CASE WHEN l.id %% 4 = 0 THEN 2 ELSE 1 END AS tries) t, generate_series(1, tries) AS number
    ) n
) tried ORDER BY started_at
"""
# One in ten of the leads that wait is due. Some are paused.
LEAD: Final = {
    "id": "l.id",
    "workspace_id": "p.destination_id",
    "source_workspace_id": "p.workspace_id",
    "source_id": "p.source_id",
    "public_id": UUID7.format(at="l.received_at", seed="'lead ' || l.id"),
    "status": "e.status",
    "skip_reason": "e.skip_reason",
    "attempts": "CASE WHEN l.id %% 4 = 0 THEN 2 ELSE 1 END",
    "next_attempt_at": "CASE WHEN e.status = 'pending' THEN statement_timestamp() + CASE WHEN l.id %% 10 = 0"
    " THEN -random() * interval '5 minutes' ELSE random() * interval '1 day' END END",
    "paused_at": "CASE WHEN e.status = 'pending' AND l.id %% 97 = 0 THEN l.received_at END",
    "received_at": "l.received_at",
    "finished_at": "CASE WHEN e.status <> 'pending' THEN l.received_at + interval '2 minutes' END",
}
WAITING: Final = {
    "workspace_id": "p.destination_id",
    "source_workspace_id": "p.workspace_id",
    "source_id": "p.source_id",
    "status": "CASE WHEN n %% 10 = 0 THEN 'calling' ELSE 'pending' END",
    "next_attempt_at": "CASE WHEN n %% 10 > 0 THEN statement_timestamp() - random() * interval '5 minutes' END",
    "locked_by": "CASE WHEN n %% 10 = 0 THEN 'verifier' ELSE '' END",
    "locked_at": "CASE WHEN n %% 10 = 0 THEN statement_timestamp() - interval '1 day' END",
    "received_at": "statement_timestamp() - interval '5 minutes'",
}
OF_MONTH: Final = (
    "FROM month_lead l JOIN month_place p USING (place)"
    " JOIN month_ending e ON e.place = l.ending ORDER BY l.id"
)
OF_NOW: Final = (
    "FROM generate_series(1, %(waiting)s) n JOIN month_place p"
    " ON p.place = 1 + (n * n) %% (SELECT count(*) FROM month_place)"
)
BUSY_TABLES: Final = ("routing_lead", "tracing_attempt")


def fill_month(size: MonthSize, *, on_progress: Callable[[str], None]) -> None:
    """Fill an empty database. Attempts and leads are there entirely or not at all; then the product counts."""
    on_progress(f"{size.workspaces} workspaces")
    places = _build_places(size)
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(PLACES, places)
        cursor.execute(ENDS, _endings())
        cursor.execute(LEADS, _chances(size))
        cursor.execute("ANALYZE month_lead, month_place, month_ending")
        with _without_triggers(cursor):
            on_progress(f"{size.attempts:,} attempts")
            cursor.execute(ATTEMPTS, {})
            on_progress(f"{size.leads:,} leads")
            _insert_leads(cursor, LEAD, OF_MONTH, {})
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('routing_lead', 'id'), max(id)) FROM routing_lead"
            )
            _insert_leads(cursor, WAITING, OF_NOW, {"waiting": size.waiting})
    on_progress("VACUUM ANALYZE")
    vacuum()
    on_progress("the roll-up, by the product")
    count_all()
    _add_uncounted(places["workspaces"][0])


def is_filled(size: MonthSize) -> bool:
    """A month of an earlier run is used for an hour: its windows end now."""
    newest = Attempt.objects.order_by("-started_at").values_list("started_at", flat=True).first()
    if newest is None or newest < timezone.now() - timedelta(hours=1):
        return False
    return 0 <= Attempt.objects.count() - size.attempts <= UNCOUNTED and RollupState.objects.exists()


def count_all() -> None:
    """Run the reconciler until it has counted the history and the queue."""
    while (
        not RollupState.objects.filter(is_history_counted=True).exists() or UncountedAttempt.objects.exists()
    ):
        rollups.run(fix=True, limit=ROWS_A_RUN)


def _build_places(size: MonthSize) -> dict[str, list[int]]:
    """Workspaces with a source each. Leads of a partner are sold in the workspace before it."""
    workspaces: list[int] = []
    sources: list[int] = []
    destinations: list[int] = []
    for rank in range(size.workspaces):
        is_partner = rank % PARTNERS == PARTNERS - 1
        workspace = Workspace.objects.create(
            slug=f"{PREFIX}{rank}",
            name=f"Workspace {rank}",
            kind=WorkspaceKind.PARTNER if is_partner else WorkspaceKind.AGENCY,
            paused_at=timezone.now() if rank % PAUSED == PAUSED // 2 else None,
        )
        sources.append(Source.objects.create(workspace=workspace, name="form").pk)
        destinations.append(workspaces[-1] if is_partner else workspace.pk)
        workspaces.append(workspace.pk)
    return {"workspaces": workspaces, "sources": sources, "destinations": destinations}


def _endings() -> dict[str, list[str]]:
    return {
        "results": [each.result for each in ENDINGS],
        "reasons": [each.skip_reason for each in ENDINGS],
        "statuses": [each.status for each in ENDINGS],
    }


def _chances(size: MonthSize) -> dict[str, Any]:
    return {
        "days": DAYS,
        "leads": size.leads,
        "place_edges": list(_edges([1 / (rank + 3) for rank in range(size.workspaces)])),
        "ending_edges": list(_edges([each.share for each in ENDINGS])),
        "hour_edges": list(_edges(HOURS)),
    }


def _edges(weights: Sequence[float]) -> Iterator[float]:
    """Where each part of 0 to 1 ends, without the last."""
    for end in list(accumulate(weights))[:-1]:
        yield end / sum(weights)


@contextmanager
def _without_triggers(cursor: Any) -> Iterator[None]:
    """Without the queue of the roll-up, like attempts from before it existed. The product counts these as history."""
    for table in BUSY_TABLES:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in BUSY_TABLES:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _insert_leads(cursor: Any, changed: dict[str, str], source: str, parameters: dict[str, int]) -> None:
    values = {**USUAL, **changed}
    text = f"INSERT INTO routing_lead ({', '.join(values)}) SELECT {', '.join(values.values())} {source}"
    cursor.execute(text, parameters)


def _add_uncounted(workspace_id: int) -> None:
    for _ in range(UNCOUNTED):
        add_attempt(timezone.now(), workspace_id=workspace_id, due_seconds=0.1, received_seconds=0.2)
