"""Invariant 6: every enrolled buyer is once selected or once skipped, and exactly the selected ones were sold to."""

from typing import Final

from distribution.verify.findings import Findings, Scope
from distribution.verify.reading import count, search

CHECKED: Final = """
SELECT count(*) FROM tracing_leaddistributionevent
WHERE event = 'buyer_pool_composed' AND lead_id >= %(from_lead)s
"""

EACH_BUYER_ONCE: Final = """
WITH enrolled AS MATERIALIZED (
    SELECT s.campaign_id, s.config_version, ARRAY(
        SELECT (each ->> 'buyer_id')::bigint FROM jsonb_array_elements(s.config -> 'enrollments') AS each ORDER BY 1
    ) AS buyers
    FROM distribution_campaignsnapshot s
), told AS (
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
        WHEN COALESCE(t.buyers, '{}') <> n.buyers THEN format(
            '%%s buyers were enrolled, the trace tells of %%s (%%s missing)', cardinality(n.buyers),
            cardinality(COALESCE(t.buyers, '{}')),
            (SELECT count(*) FROM unnest(n.buyers) AS b(id) WHERE NOT b.id = ANY(COALESCE(t.buyers, '{}'))))
    END AS message
    FROM tracing_attempt a
    LEFT JOIN told t ON t.attempt_id = a.id
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
    WHEN s.buyer_id IS NULL THEN format('selected buyer %%s, who has no assignment from it', c.buyer_id)
    WHEN c.buyer_id IS NULL THEN format('sold to buyer %%s, whom it did not select', s.buyer_id)
    ELSE format('selected buyer %%s at %%s cents and sold at %%s', c.buyer_id, c.cost_cents, s.price_cents)
END AS message
FROM chosen c FULL JOIN sold s ON s.attempt_id = c.attempt_id AND s.buyer_id = c.buyer_id
WHERE s.buyer_id IS NULL OR c.buyer_id IS NULL OR c.cost_cents IS DISTINCT FROM s.price_cents
"""


def check(scope: Scope, findings: Findings) -> None:
    findings.checked = count(CHECKED, scope)
    search(findings, EACH_BUYER_ONCE, scope)
    search(findings, SELECTED_IS_SOLD, scope)
