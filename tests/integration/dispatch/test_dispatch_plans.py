"""The dispatch page's queries, every two seconds, use indexes and read no more than the page shows."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from routing.dispatch.backlog_counts import BACKLOG
from routing.dispatch.pauses import READ_PAUSES
from tests.support.factories import SourceFactory
from tests.support.filling import fill_leads
from tests.support.plans import nodes
from tests.support.planting import plant

pytestmark = pytest.mark.usefixtures("committed_db")

LOOKED_AT = 500
FILL_AUDIT = """
INSERT INTO tracing_auditentry (at, actor, action, model, object_id, object_label, workspace_id, reason, before, after)
SELECT now(), 'ann', 'changed', 'routing.workspace', (n % 400)::text, '', n % 400, '', '{}', '{"paused_at": null}'
FROM generate_series(1, 20000) n
"""


def test_number_of_leads_read_is_bounded() -> None:
    """Once for overdue leads, once for all waiting ones, and the earliest of each workspace."""
    fill_leads(SourceFactory(), count=20_000, next_attempt_at="now() + (n - 10000) * interval '1 second'")
    fill_leads(
        SourceFactory(workspace__paused_at=datetime(2026, 1, 31, 12, tzinfo=UTC)),
        count=20_000,
        next_attempt_at="now() - interval '1 day'",
    )

    found = nodes(BACKLOG, {"visible": None, "limit": LOOKED_AT}, options="ANALYZE, FORMAT JSON")

    reads = [node for node in found if node.get("Relation Name") == "routing_lead"]
    assert {node["Index Name"] for node in reads} == {"lead_workspace_due"}
    read = [
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in reads
    ]
    assert sorted(read) == [2, LOOKED_AT, LOOKED_AT]


def test_author_of_a_pause_is_read_from_its_audit_entry() -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    plant(FILL_AUDIT)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tracing_auditentry")

    found = nodes(READ_PAUSES, [["routing.workspace"], ["7"], [at]], options="ANALYZE, FORMAT JSON")

    [reads] = [node for node in found if node.get("Relation Name") == "tracing_auditentry"]
    assert {node["Index Name"] for node in found if "Index Name" in node} == {"audit_object_newest"}
    assert reads["Node Type"] != "Seq Scan"
    assert reads["Actual Rows"] + reads["Rows Removed by Filter"] == 50
