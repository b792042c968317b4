"""The index of workspaces in shadow mode: written like the schedule, compared at each pick, never used for claims.

Raises redis.RedisError.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from routing.dispatch.schedule import TIMEOUT_SECONDS, Due, to_ms
from routing.metrics.dispatch import SHADOW_COMPARED
from routing.queries import DueTime, read_due_times
from routing.redis.client import get_client
from routing.redis.keys import shadow_of

LEADS_PER_PAGE: Final = 1_000
# The pick-up starts a lead well before this, unless it has a backlog.
LATE_MS: Final = 60_000


def write(leads: Mapping[tuple[int, int], datetime | None]) -> None:
    """(lead, workspace) -> when it is due; None: the lead no longer waits."""
    with get_client(TIMEOUT_SECONDS).pipeline(transaction=False) as pipeline:
        for (lead_id, workspace_id), due_at in leads.items():
            if due_at is None:
                pipeline.zrem(shadow_of(workspace_id), lead_id)
            else:
                pipeline.zadd(shadow_of(workspace_id), {str(lead_id): to_ms(due_at)})
        pipeline.execute()


def compare(lead: Due) -> str:
    """Count whether the index had a picked lead at the same time as PostgreSQL, and remove it."""
    with get_client(TIMEOUT_SECONDS).pipeline() as pipeline:
        pipeline.zscore(shadow_of(lead.workspace_id), str(lead.lead_id))
        pipeline.zrem(shadow_of(lead.workspace_id), lead.lead_id)
        known, _ = pipeline.execute()
    due_ms = to_ms(lead.due_at)
    result = _compare(known, due_ms)
    SHADOW_COMPARED.labels(result=result).inc()
    return result


def _compare(known_ms: float | None, due_ms: int) -> str:
    if known_ms is None:
        return "missing"
    if known_ms == due_ms:
        return "same"
    return "earlier" if known_ms < due_ms else "later"


def find_missing(leads: Sequence[Due]) -> set[int]:
    """Return those of the leads that the index does not have at their time."""
    with get_client(TIMEOUT_SECONDS).pipeline(transaction=False) as pipeline:
        for lead in leads:
            pipeline.zscore(shadow_of(lead.workspace_id), str(lead.lead_id))
        known = pipeline.execute()
    return {lead.lead_id for lead, score in zip(leads, known, strict=True) if score != to_ms(lead.due_at)}


def remove_extra(workspace_id: int) -> int:
    """Count entries that became due a while ago although no lead waits for that time, and remove them."""
    key, client = shadow_of(workspace_id), get_client(TIMEOUT_SECONDS)
    now_ms = int(client.time()[0]) * 1000
    members = client.zrangebyscore(key, "-inf", now_ms - LATE_MS, 0, LEADS_PER_PAGE)
    overdue = [int(str(member)) for member in members]
    rows = {each.lead_id: each for each in read_due_times(overdue)}
    extra = [lead_id for lead_id in overdue if not _is_waiting(rows.get(lead_id), workspace_id)]
    if extra:
        client.zrem(key, *extra)
        SHADOW_COMPARED.labels(result="extra").inc(len(extra))
    return len(extra)


def _is_waiting(row: DueTime | None, workspace_id: int) -> bool:
    return row is not None and row.due_at is not None and row.workspace_id == workspace_id


def count_workspace(workspace_id: int) -> int:
    return int(get_client(TIMEOUT_SECONDS).zcard(shadow_of(workspace_id)))
