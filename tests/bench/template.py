"""What the product wrote for one sold lead: the baselines write rows with the same content."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from tests.bench.dataset import Pool

ATTEMPT: Final = """
SELECT id, campaign_id, config_version, worker, facts::text FROM tracing_attempt
WHERE campaign_id = %s AND result = 'success' ORDER BY started_at DESC LIMIT 1
"""
EVENTS: Final = """
SELECT seq, event, buyer_id, cost_cents, outcome, skip_reason, duration_ms, data::text
FROM tracing_leaddistributionevent WHERE attempt_id = %s ORDER BY seq
"""


@dataclass(frozen=True, slots=True)
class EventRow:
    seq: int
    event: str
    buyer_id: int | None
    cost_cents: int | None
    outcome: str
    skip_reason: str
    duration_ms: float | None
    data_text: str

    @property
    def data(self) -> Mapping[str, Any]:
        data: Mapping[str, Any] = json.loads(self.data_text)
        return data


@dataclass(frozen=True, slots=True)
class Template:
    """`eligible_buyer_ids` passed every gate. The JSON is also text, so that a baseline need not serialize it."""

    campaign_id: int
    config_version: int
    worker: str
    facts_text: str
    events: tuple[EventRow, ...]
    eligible_buyer_ids: frozenset[int]

    @property
    def facts(self) -> Mapping[str, Any]:
        facts: Mapping[str, Any] = json.loads(self.facts_text)
        return facts


def read_template(pool: Pool) -> Template:
    """Read the newest trace of a pool's campaign. At least one of its leads must have been sold."""
    with connection.cursor() as cursor:
        cursor.execute(ATTEMPT, [pool.campaign_id])
        attempt_id, campaign_id, config_version, worker, facts_text = cursor.fetchone()
        cursor.execute(EVENTS, [attempt_id])
        events = tuple(EventRow(*row) for row in cursor.fetchall())
    eligible = {
        event.buyer_id
        for event in events
        if event.buyer_id is not None
        and (event.event == "buyer_selected" or event.skip_reason in {"outranked", "locked"})
    }
    return Template(campaign_id, config_version, worker, facts_text, events, frozenset(eligible))
