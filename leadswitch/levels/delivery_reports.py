"""What `manage.py deliveries` and `manage.py returns` print: endpoints in trouble, and what waits for a person.

Reads only. Rows name workspaces, buyers, endpoints and leads by their ids; what was sent and answered is personal data
and is on the pages of the admin.
"""

from typing import Final

from leadswitch.levels.deliveries import OLDEST_UNKNOWN, DeliveryState
from leadswitch.levels.exporter.collectors.limits import COUNTED_TO
from leadswitch.levels.reports import Report, read_report

# Endpoints that are off count too: their messages wait.
ENDPOINTS: Final = """
SELECT w.slug AS workspace, coalesce(b.name, s.name, w.name) AS owner, e.name AS endpoint,
    CASE WHEN NOT e.active THEN 'off' WHEN e.disabled_at IS NOT NULL THEN e.disabled_reason ELSE 'on' END AS state,
    due.count AS due, unknown.count AS unknown, e.failing_since, coalesce(last.what, '') AS last_try
FROM distribution_endpoint e
JOIN routing_workspace w ON w.id = e.workspace_id
LEFT JOIN distribution_buyer b ON b.id = e.buyer_id
LEFT JOIN routing_source s ON s.id = e.source_id
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT FROM distribution_delivery d
        WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.next_try_at <= statement_timestamp() LIMIT %(most)s
    ) counted
) due
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT FROM distribution_delivery d WHERE d.endpoint_id = e.id AND d.state = 'unknown' LIMIT %(most)s
    ) counted
) unknown
LEFT JOIN LATERAL (
    SELECT coalesce(nullif(t.error, ''), t.outcome || ' ' || t.status_code, t.outcome) AS what
    FROM (
        SELECT d.id FROM distribution_delivery d WHERE d.endpoint_id = e.id ORDER BY d.id DESC LIMIT 20
    ) newest
    JOIN distribution_deliverytry t ON t.delivery_id = newest.id
    ORDER BY t.id DESC LIMIT 1
) last ON true
WHERE due.count > 0 OR unknown.count > 0 OR e.failing_since IS NOT NULL
ORDER BY due.count DESC, e.failing_since, w.slug, owner, e.name
LIMIT %(limit)s
"""
UNKNOWN: Final = """
SELECT w.slug AS workspace, b.name AS buyer, e.name AS endpoint, l.public_id AS lead, d.tries,
    last.finished_at AS since, d.end_reason AS error
FROM (
    SELECT * FROM distribution_delivery WHERE state = 'unknown' ORDER BY id LIMIT %(oldest)s
) d
JOIN distribution_endpoint e ON e.id = d.endpoint_id
JOIN distribution_buyer b ON b.id = e.buyer_id
JOIN routing_workspace w ON w.id = b.workspace_id
LEFT JOIN routing_lead l ON l.id = d.lead_id
LEFT JOIN LATERAL (
    SELECT max(t.finished_at) AS finished_at FROM distribution_deliverytry t WHERE t.delivery_id = d.id
) last ON true
ORDER BY last.finished_at, d.id
LIMIT %(limit)s
"""
HOLDS: Final = """
SELECT w.slug AS workspace, b.name AS buyer, l.public_id AS lead, a.price_cents AS cents, a.created_at AS held_since,
    coalesce(d.state, '') AS delivery
FROM distribution_assignment a
JOIN distribution_buyer b ON b.id = a.buyer_id
JOIN routing_workspace w ON w.id = b.workspace_id
JOIN routing_lead l ON l.id = a.lead_id
LEFT JOIN LATERAL (
    SELECT m.state FROM distribution_delivery m
    WHERE m.assignment_id = a.id AND m.is_direct_post ORDER BY m.id DESC LIMIT 1
) d ON true
WHERE a.state = 'held'
ORDER BY a.id
LIMIT %(limit)s
"""
RETURNS: Final = """
SELECT w.slug AS workspace, b.name AS buyer, r.reason, count(*) AS requests, min(r.requested_at) AS oldest_at
FROM distribution_returnrequest r
JOIN distribution_buyer b ON b.id = r.buyer_id
JOIN routing_workspace w ON w.id = b.workspace_id
WHERE r.state = 'requested'
GROUP BY w.slug, b.name, r.reason
ORDER BY oldest_at, w.slug, b.name, r.reason
LIMIT %(limit)s
"""


def report_deliveries(state: DeliveryState, *, limit: int) -> list[Report]:
    values = {"limit": limit, "most": COUNTED_TO, "oldest": OLDEST_UNKNOWN}
    return [
        _total(state),
        read_report(
            "Endpoints with due, unknown or failing messages", ENDPOINTS, values, empty="No endpoint has any."
        ),
        read_report(
            "Messages that wait for a person", UNKNOWN, values, empty="No message waits for a person."
        ),
        read_report("Oldest open holds", HOLDS, values, empty="No hold is open."),
    ]


def _total(state: DeliveryState) -> Report:
    columns = (
        "deliverers",
        "endpoints",
        "failing",
        "due",
        "oldest_due_seconds",
        "unknown",
        "holds",
        "returns",
    )
    row = (
        *(state.deliverers, state.endpoints, state.failing),
        *(state.due.count, int(state.due.oldest_seconds)),
        *(state.unknown.count, state.holds.count, state.returns.count),
    )
    return Report("Deliveries", columns, [row], empty="")


def report_returns(*, limit: int) -> Report:
    """Open return requests by buyer and reason, the oldest first."""
    return read_report(
        "Return requests that wait for review",
        RETURNS,
        {"limit": limit},
        empty="No return request waits for review.",
    )
