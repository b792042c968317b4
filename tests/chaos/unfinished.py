"""Leads that have neither ended nor wait for a time that the periods explain, and what is known about each."""

from typing import TYPE_CHECKING, Any, Final

from django.db import connection

from routing.redis.keys import claimed_key, inflight_key, leases_key, puts_key, schedule_of

if TYPE_CHECKING:
    import redis

# No lead is due, and no lead will be due because of a lock or a failure of the product.
UNFINISHED: Final = """
SELECT id, workspace_id, status, attempts, conflicts, errors, skip_reason, due_reason, locked_by,
    round(extract(epoch FROM next_attempt_at - clock_timestamp())::numeric, 1) AS due_in,
    (SELECT concat_ws(' ', worker, result, skip_reason) FROM tracing_attempt a
        WHERE a.lead_id = l.id ORDER BY number DESC LIMIT 1) AS last_attempt
FROM routing_lead l
WHERE status NOT IN ('distributed', 'duplicate', 'failed', 'expired', 'cancelled')
    AND (status <> 'pending' OR attempts = 0 OR conflicts > 0 OR errors > 0 OR next_attempt_at <= clock_timestamp())
ORDER BY next_attempt_at NULLS FIRST
"""


def count_unfinished() -> int:
    return len(_read_rows())


def describe_unfinished(client: "redis.Redis[str]") -> list[str]:
    """Return each with its row, its last attempt, and its places in Redis. Times are seconds from now.

    `lease` ends with "!" if a worker has started the lead. Raises redis.RedisError.
    """
    seconds, micros = client.time()
    now = seconds + micros / 1e6
    described = []
    for row in _read_rows():
        lead, workspace_id = str(row.pop("id")), row.pop("workspace_id")
        scores = {
            "scheduled_in": client.zscore(schedule_of(workspace_id), lead),
            "lease_ends_in": client.zscore(inflight_key(), lead),
            "put_unconfirmed_for": client.zscore(puts_key(), lead),
            "claimed_in": client.zscore(claimed_key(), lead),
        }
        row |= {name: round(score / 1000 - now, 1) for name, score in scores.items() if score is not None}
        row["lease"] = client.hget(leases_key(), lead)
        known = ", ".join(f"{name} {value}" for name, value in row.items() if value not in ("", None))
        described.append(f"lead {lead}: {known}")
    return described


def _read_rows() -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(UNFINISHED)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
