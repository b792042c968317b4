"""The checks without slices: each is one statement over all rows. An oracle for the findings of verify."""

from typing import Any, Final

from django.db import connection

from distribution.verify.reading import counted
from routing.models import UNFINISHED
from tracing.vocabulary import RESULTS_OF_TERMINAL, TERMINAL_EVENTS

BALANCE_IS_SUM: Final = """
SELECT 'wallet ' || w.id AS subject,
    format('balance is %%s cents, but its entries sum to %%s', w.balance_cents, COALESCE(e.total, 0)) AS message
FROM distribution_wallet w
LEFT JOIN (
    SELECT wallet_id, SUM(amount_cents) AS total FROM distribution_ledgerentry
    WHERE kind NOT IN ('hold', 'release') GROUP BY wallet_id
) e ON e.wallet_id = w.id
WHERE w.balance_cents <> COALESCE(e.total, 0)
"""

RUNNING_SUM: Final = """
SELECT 'ledger entry ' || id AS subject,
    format('balance after it is %%s cents, but entries up to it sum to %%s', balance_after_cents, running) AS message
FROM (
    SELECT id, balance_after_cents,
        SUM(CASE WHEN kind IN ('hold', 'release') THEN 0 ELSE amount_cents END)
            OVER (PARTITION BY wallet_id ORDER BY id) AS running
    FROM distribution_ledgerentry
) summed
WHERE balance_after_cents <> running
"""

NOT_BELOW_LIMIT: Final = """
SELECT 'wallet ' || id AS subject,
    format('balance %%s minus held %%s is below the limit of -%%s cents', balance_cents, held_cents, credit_limit_cents)
        AS message
FROM distribution_wallet
WHERE balance_cents - held_cents < -credit_limit_cents OR held_cents < 0
"""

ONE_WALLET_EACH: Final = """
SELECT 'buyer ' || b.id AS subject, 'has no wallet' AS message
FROM distribution_buyer b
WHERE NOT EXISTS (SELECT 1 FROM distribution_wallet w WHERE w.buyer_id = b.id)
"""

KEYS_ONCE: Final = """
SELECT 'ledger entry ' || min(id) AS subject, format('its cause is recorded %%s times', count(*)) AS message
FROM distribution_ledgerentry GROUP BY idempotency_key HAVING count(*) > 1
"""

REFUNDS_WITHIN_CHARGE: Final = """
SELECT 'assignment ' || assignment_id AS subject,
    format('%%s cents were charged, but %%s were refunded', charged, refunded) AS message
FROM (
    SELECT assignment_id,
        COALESCE(SUM(-amount_cents) FILTER (WHERE kind IN ('charge', 'capture')), 0) AS charged,
        COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'refund'), 0) AS refunded
    FROM distribution_ledgerentry
    WHERE assignment_id IS NOT NULL
    GROUP BY assignment_id
) sums
WHERE refunded > charged
"""

WITHIN_MAX_BUYERS: Final = """
WITH highest AS (
    SELECT c.id AS campaign_id, GREATEST(c.max_buyers, MAX((s.config #>> '{campaign,max_buyers}')::int)) AS max_buyers
    FROM distribution_campaign c LEFT JOIN distribution_campaignsnapshot s ON s.campaign_id = c.id
    GROUP BY c.id
), live AS (
    SELECT d.lead_id,
        COALESCE((s.config #>> '{campaign,max_buyers}')::int, h.max_buyers) AS max_buyers
    FROM distribution_assignment d
    JOIN highest h ON h.campaign_id = d.campaign_id
    LEFT JOIN tracing_attempt a ON a.id = d.attempt_id
    LEFT JOIN distribution_campaignsnapshot s
        ON s.campaign_id = a.campaign_id AND s.config_version = a.config_version
    WHERE d.state = 'sold' AND d.lead_id >= %(from_lead)s
)
SELECT 'lead ' || lead_id AS subject,
    format('sold to %%s buyers, but at most %%s were allowed', count(*), MAX(max_buyers)) AS message
FROM live GROUP BY lead_id HAVING count(*) > MAX(max_buyers)
"""

ONE_LIVE_EACH: Final = """
SELECT 'lead ' || lead_id AS subject, format('sold %%s times to buyer %%s', count(*), buyer_id) AS message
FROM distribution_assignment
WHERE state = 'sold' AND lead_id >= %(from_lead)s
GROUP BY lead_id, buyer_id HAVING count(*) > 1
"""

EACH_CHARGED_ONCE: Final = """
SELECT 'assignment ' || d.id AS subject,
    CASE WHEN count(e.id) = 0 THEN 'was never charged'
        WHEN count(e.id) > 1 THEN format('was charged %%s times', count(e.id))
        WHEN MIN(w.buyer_id) <> d.buyer_id THEN format(
            'was sold to buyer %%s, but buyer %%s was charged', d.buyer_id, MIN(w.buyer_id))
        ELSE format('costs %%s cents, but %%s were charged', d.price_cents, MIN(-e.amount_cents)) END AS message
FROM distribution_assignment d
LEFT JOIN distribution_ledgerentry e ON e.assignment_id = d.id AND e.kind IN ('charge', 'capture')
LEFT JOIN distribution_wallet w ON w.id = e.wallet_id
WHERE d.lead_id >= %(from_lead)s
GROUP BY d.id
HAVING count(e.id) <> 1 OR MIN(-e.amount_cents) <> d.price_cents OR MIN(w.buyer_id) <> d.buyer_id
"""

EACH_CHARGE_ASSIGNED: Final = """
SELECT 'ledger entry ' || e.id AS subject, 'is a charge without an assignment' AS message
FROM distribution_ledgerentry e
LEFT JOIN distribution_assignment d ON d.id = e.assignment_id
WHERE e.kind IN ('charge', 'capture') AND d.id IS NULL
"""

RETURNED_IS_REFUNDED: Final = """
SELECT 'assignment ' || d.id AS subject,
    format('was returned, but %%s of %%s cents were refunded', COALESCE(SUM(e.amount_cents), 0), d.price_cents)
        AS message
FROM distribution_assignment d
LEFT JOIN distribution_ledgerentry e ON e.assignment_id = d.id AND e.kind = 'refund'
WHERE d.state = 'returned' AND d.lead_id >= %(from_lead)s
GROUP BY d.id
HAVING COALESCE(SUM(e.amount_cents), 0) <> d.price_cents
"""

REFUND_TO_BUYER_OF_SALE: Final = """
SELECT 'ledger entry ' || e.id AS subject, format('refunds buyer %%s, who did not buy the lead', w.buyer_id) AS message
FROM distribution_ledgerentry e
JOIN distribution_wallet w ON w.id = e.wallet_id
LEFT JOIN distribution_assignment d ON d.id = e.assignment_id
WHERE e.kind = 'refund' AND w.buyer_id IS DISTINCT FROM d.buyer_id
"""

UNFINISHED_IS_DUE_OR_CLAIMED: Final = """
SELECT 'lead ' || id AS subject, format('is %%s, but has no due time and no claim', status) AS message
FROM routing_lead
WHERE id >= %(from_lead)s AND status = ANY(%(unfinished)s) AND next_attempt_at IS NULL
    AND (status <> 'calling' OR locked_at IS NULL OR locked_by = '')
"""

FINISHED_IS_NOT_DUE: Final = """
SELECT 'lead ' || id AS subject, format('is %%s, but has a due time', status) AS message
FROM routing_lead
WHERE id >= %(from_lead)s AND status <> ALL(%(unfinished)s) AND next_attempt_at IS NOT NULL
"""

STATUS_FITS_ASSIGNMENTS: Final = f"""
SELECT 'lead ' || l.id AS subject,
    CASE WHEN sold.ever IS NULL THEN format('is %%s, but was never sold', l.status)
        WHEN l.status = 'distributed' THEN 'is distributed, but every sale was returned'
        ELSE format('is %%s, but has %%s', l.status, {counted("sold.live", "live sale")}) END AS message
FROM routing_lead l
LEFT JOIN (
    SELECT lead_id, count(*) AS ever, count(*) FILTER (WHERE state = 'sold') AS live
    FROM distribution_assignment WHERE lead_id >= %(from_lead)s GROUP BY lead_id
) sold ON sold.lead_id = l.id
WHERE l.id >= %(from_lead)s AND (
    (l.status IN ('distributed', 'returned') AND sold.ever IS NULL)
    OR (l.status = 'distributed' AND sold.live = 0) OR (l.status <> 'distributed' AND sold.live > 0)
)
"""

COMPLETE_TRACE: Final = f"""
WITH fits AS (
    SELECT * FROM unnest(%(terminal_events)s::text[], %(terminal_results)s::text[]) AS fits(event, result)
), traced AS (
    SELECT e.attempt_id, count(*) AS events, MIN(e.seq) AS first_seq, MAX(e.seq) AS last_seq,
        count(*) FILTER (WHERE e.event = 'distribution_started') AS starts,
        MIN(e.event) FILTER (WHERE e.seq = 1) AS first_event,
        count(*) FILTER (WHERE e.event = ANY(%(terminal)s)) AS ends,
        MAX(e.event) FILTER (WHERE e.event = ANY(%(terminal)s)) AS terminal,
        MAX(e.seq) FILTER (WHERE e.event = ANY(%(terminal)s)) AS terminal_seq,
        MAX(e.skip_reason) FILTER (WHERE e.event = ANY(%(terminal)s)) AS reason,
        MAX(e.outcome) FILTER (WHERE e.event = ANY(%(terminal)s)) AS outcome,
        count(DISTINCT e.seq) AS places, MIN(e.lead_id) AS first_lead, MAX(e.lead_id) AS last_lead
    FROM tracing_leaddistributionevent e WHERE e.lead_id >= %(from_lead)s GROUP BY e.attempt_id
), judged AS (
    SELECT a.id, CASE
        WHEN t.events IS NULL THEN 'has no events'
        WHEN t.first_seq <> 1 OR t.last_seq <> t.events OR t.places <> t.events
            THEN format('has %%s, numbered %%s to %%s', {counted("t.events", "event")}, t.first_seq, t.last_seq)
        WHEN t.starts <> 1 OR t.first_event <> 'distribution_started' THEN 'does not start with distribution_started'
        WHEN t.ends <> 1 THEN format('has %%s terminal events', t.ends)
        WHEN t.terminal_seq <> t.last_seq THEN format('continues after its terminal event %%s', t.terminal)
        WHEN NOT EXISTS (SELECT 1 FROM fits WHERE fits.event = t.terminal AND fits.result = a.result)
            OR t.outcome <> a.result
            THEN format('has result %%s, but terminal event %%s with outcome %%s', a.result, t.terminal, t.outcome)
        WHEN t.reason <> a.skip_reason
            THEN format('has skip reason %%s, but its terminal event has %%s', a.skip_reason, t.reason)
        WHEN t.first_lead <> a.lead_id OR t.last_lead <> a.lead_id THEN 'has events of another lead'
    END AS message
    FROM tracing_attempt a LEFT JOIN traced t ON t.attempt_id = a.id
    WHERE a.lead_id >= %(from_lead)s
)
SELECT 'attempt ' || id AS subject, message FROM judged WHERE message IS NOT NULL
"""

NO_EVENT_WITHOUT_ATTEMPT: Final = f"""
SELECT 'attempt ' || e.attempt_id AS subject,
    format('does not exist but has %%s', {counted("count(*)", "event")}) AS message
FROM tracing_leaddistributionevent e
WHERE e.lead_id >= %(from_lead)s AND NOT EXISTS (SELECT 1 FROM tracing_attempt a WHERE a.id = e.attempt_id)
GROUP BY e.attempt_id
"""

NOT_MORE_THAN_COUNTED: Final = f"""
SELECT 'lead ' || l.id AS subject,
    format('counts %%s, but its trace has %%s, up to number %%s',
        {counted("l.attempts", "attempt")}, count(*), MAX(a.number)) AS message
FROM routing_lead l JOIN tracing_attempt a ON a.lead_id = l.id
WHERE l.id >= %(from_lead)s
GROUP BY l.id HAVING count(*) > l.attempts OR MAX(a.number) > l.attempts
"""

EACH_BUYER_ONCE: Final = f"""
WITH enrolled AS MATERIALIZED (
    SELECT s.campaign_id, s.config_version, ARRAY(
        SELECT (each ->> 'buyer_id')::bigint FROM jsonb_array_elements(s.config -> 'enrollments') AS each ORDER BY 1
    ) AS buyers
    FROM distribution_campaignsnapshot s
), traced AS (
    SELECT e.attempt_id,
        array_agg(e.buyer_id ORDER BY e.buyer_id) FILTER (WHERE e.event <> 'buyer_pool_composed') AS buyers,
        count(*) FILTER (WHERE e.event = 'buyer_pool_composed') AS pools
    FROM tracing_leaddistributionevent e
    WHERE e.lead_id >= %(from_lead)s AND e.event IN ('buyer_pool_composed', 'buyer_skipped', 'buyer_selected')
    GROUP BY e.attempt_id
), judged AS (
    SELECT a.id, CASE
        WHEN t.pools IS NULL AND a.result = 'success' THEN 'sold the lead without composing a pool'
        WHEN t.pools IS NULL THEN NULL
        WHEN t.pools <> 1 THEN format('composed %%s pools', t.pools)
        WHEN n.buyers IS NULL
            THEN format('used version %%s of campaign %%s, which has no snapshot', a.config_version, a.campaign_id)
        WHEN COALESCE(t.buyers, '{{}}') <> n.buyers THEN format(
            '%%s enrolled, but the trace has %%s (%%s missing)', {counted("cardinality(n.buyers)", "buyer")},
            cardinality(COALESCE(t.buyers, '{{}}')),
            (SELECT count(*) FROM unnest(n.buyers) AS b(id) WHERE NOT b.id = ANY(COALESCE(t.buyers, '{{}}'))))
    END AS message
    FROM tracing_attempt a
    LEFT JOIN traced t ON t.attempt_id = a.id
    LEFT JOIN enrolled n ON n.campaign_id = a.campaign_id AND n.config_version = a.config_version
    WHERE a.lead_id >= %(from_lead)s
)
SELECT 'attempt ' || id AS subject, message FROM judged WHERE message IS NOT NULL
"""

SELECTED_IS_SOLD: Final = """
WITH chosen AS (
    SELECT attempt_id, buyer_id, cost_cents FROM tracing_leaddistributionevent
    WHERE event = 'buyer_selected' AND lead_id >= %(from_lead)s
), sold AS (
    SELECT d.attempt_id, d.buyer_id, d.price_cents
    FROM distribution_assignment d JOIN tracing_attempt a ON a.id = d.attempt_id
    WHERE d.lead_id >= %(from_lead)s
)
SELECT 'attempt ' || COALESCE(c.attempt_id, s.attempt_id) AS subject, CASE
    WHEN s.buyer_id IS NULL THEN format('selected buyer %%s, but the attempt has no assignment to it', c.buyer_id)
    WHEN c.buyer_id IS NULL THEN format('sold to buyer %%s, which it did not select', s.buyer_id)
    ELSE format('selected buyer %%s at %%s cents and sold at %%s', c.buyer_id, c.cost_cents, s.price_cents)
END AS message
FROM chosen c FULL JOIN sold s ON s.attempt_id = c.attempt_id AND s.buyer_id = c.buyer_id
WHERE s.buyer_id IS NULL OR c.buyer_id IS NULL OR c.cost_cents IS DISTINCT FROM s.price_cents
"""

STATEMENTS: Final = {
    1: (
        BALANCE_IS_SUM,
        RUNNING_SUM,
        NOT_BELOW_LIMIT,
        ONE_WALLET_EACH,
        KEYS_ONCE,
        REFUNDS_WITHIN_CHARGE,
    ),
    2: (
        WITHIN_MAX_BUYERS,
        ONE_LIVE_EACH,
    ),
    3: (
        EACH_CHARGED_ONCE,
        EACH_CHARGE_ASSIGNED,
        RETURNED_IS_REFUNDED,
        REFUND_TO_BUYER_OF_SALE,
    ),
    4: (
        UNFINISHED_IS_DUE_OR_CLAIMED,
        FINISHED_IS_NOT_DUE,
        STATUS_FITS_ASSIGNMENTS,
    ),
    5: (
        COMPLETE_TRACE,
        NO_EVENT_WITHOUT_ATTEMPT,
        NOT_MORE_THAN_COUNTED,
    ),
    6: (
        EACH_BUYER_ONCE,
        SELECTED_IS_SOLD,
    ),
}


def judge() -> dict[int, list[str]]:
    """The expected findings by invariant, from 1 to 6."""
    found = {number: sorted(_run(*statements)) for number, statements in STATEMENTS.items()}
    return {number: messages for number, messages in found.items() if messages}


def _run(*statements: str) -> list[str]:
    messages: list[str] = []
    for sql in statements:
        with connection.cursor() as cursor:
            cursor.execute(sql, _parameters())
            messages += [f"{subject}: {message}" for subject, message in cursor.fetchall()]
    return messages


def _parameters() -> dict[str, Any]:
    pairs = [(event.value, result) for event, results in RESULTS_OF_TERMINAL.items() for result in results]
    return {
        "from_lead": 0,
        "unfinished": [status.value for status in UNFINISHED],
        "terminal": [event.value for event in TERMINAL_EVENTS],
        "terminal_events": [event for event, _ in pairs],
        "terminal_results": [result for _, result in pairs],
    }
