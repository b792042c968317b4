"""Long histories in which a few rows are unlike the others, and the lists of the admin that look for those."""

from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Model
from django.test import Client

from routing.models import Workspace
from tests.support.admin_pages import page
from tests.support.factories import SourceFactory, WorkspaceFactory
from tests.support.filling import FILL_EVENTS, ROWS, fill_leads
from tests.support.planting import plant
from tests.support.row_counter import RowCounter

PAGE: Final = 50
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
# One attempt a minute, whose id contains its time. The very first attempt is the one that failed.
FILL_ATTEMPTS: Final = f"""
INSERT INTO tracing_attempt (
    id, lead_id, number, trigger, source_workspace_id, destination_workspace_id, campaign_id, config_version, result,
    skip_reason, transient, started_at, finished_at, duration_ms, worker, facts
)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
    n, 1, 'ingest', 1, CASE WHEN n %% 2 = 0 THEN %(one)s ELSE %(other)s END, NULL, 1,
    CASE WHEN n = 1 THEN 'failed' ELSE 'unsold' END, CASE WHEN n = 1 THEN 'internal_error' ELSE '' END, false,
    at, at, 1, '', '{{}}'
FROM (SELECT n, '2026-01-01'::timestamptz + n * interval '1 minute' AS at FROM generate_series(1, {ROWS}) n) numbered
"""
LEADS: Final = 40_000
RECEIVED: Final = f"now() - ({LEADS} - n) * interval '5 minutes'"


def fill_history() -> list[Workspace]:
    """Two workspaces with attempts and events in turns. The first attempt and its events are rare ones."""
    one, other = WorkspaceFactory.create_batch(2)
    plant(FILL_ATTEMPTS, {"one": one.pk, "other": other.pk})
    plant(FILL_EVENTS)
    plant(
        "UPDATE tracing_leaddistributionevent SET skip_reason = 'locked', event = 'buyer_selected', created_at = %s"
        " WHERE lead_id = 1",
        [START],
    )
    analyze()
    return [one, other]


def fill_waiting_leads() -> Workspace:
    """288 a day. Some wait with a reason, a few are paused or ended rarely, the last was received long ago."""
    source = SourceFactory()
    fill_leads(
        source,
        count=LEADS,
        public_id=(
            f"(lpad(to_hex((extract(epoch FROM {RECEIVED}) * 1000)::bigint), 12, '0') || '70008000'"
            " || lpad(to_hex(n), 12, '0'))::uuid"
        ),
        received_at=f"CASE WHEN n = {LEADS} THEN now() - interval '100 days' ELSE {RECEIVED} END",
        attempts="1",
        skip_reason="CASE WHEN n % 4 > 0 THEN '' WHEN n = 4 THEN 'internal_error' ELSE 'all_buyers_capped' END",
        paused_at="CASE WHEN n = 8 THEN now() END",
        status="CASE WHEN n % 4 = 0 THEN 'pending' WHEN n = 5 THEN 'gated' ELSE 'distributed' END",
        next_attempt_at="CASE WHEN n % 4 = 0 THEN now() + n * interval '1 minute' END",
        finished_at="CASE WHEN n % 4 > 0 AND n <> 5 THEN now() END",
    )
    found: Workspace = source.workspace
    return found


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def ask(client: Client, model: type[Model], **filters: object) -> tuple[Any, int]:
    """The list, and the number of rows that its statements read from growing tables."""
    counter = RowCounter()
    with connection.execute_wrapper(counter):
        answer = client.get(page(model, "changelist"), {name: str(value) for name, value in filters.items()})
    assert answer.status_code == 200
    return answer, counter.rows
