"""Invariant 6: every enrolled buyer is selected, shown the offer or skipped once, and exactly the selected ones bought.

The attempt of a claim looks at its claimant alone.
"""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import count, counted, no_nested_loops, search
from distribution.verify.slices import Slice, in_attempts, in_leads

CHECKED: Final = f"""
SELECT count(*) FROM tracing_leaddistributionevent
WHERE event = 'buyer_pool_composed' AND {in_attempts("attempt_id", "lead_id")}
"""  # noqa: S608 - only conditions are put in

# Whether an attempt `a` only ends a lead that a buyer has: it expired, or its person declined. It decides nothing.
ENDS_AS_SOLD: Final = """EXISTS (
    SELECT FROM tracing_leaddistributionevent e
    WHERE e.attempt_id = a.id AND e.event = 'distributed' AND e.data ? 'ended_by'
)"""

EACH_BUYER_ONCE: Final = f"""
WITH used AS MATERIALIZED (
    SELECT a.id, a.lead_id, a.campaign_id, a.config_version, a.result, a.trigger FROM tracing_attempt a
    WHERE {in_attempts("a.id", "a.lead_id")}
), enrolled AS MATERIALIZED (
    SELECT s.campaign_id, s.config_version, ARRAY(
        SELECT (each ->> 'buyer_id')::bigint FROM jsonb_array_elements(s.config -> 'enrollments') AS each ORDER BY 1
    ) AS buyers
    FROM distribution_campaignsnapshot s
    WHERE (s.campaign_id, s.config_version) IN (SELECT campaign_id, config_version FROM used)
), each_buyer AS (
    SELECT e.attempt_id, e.event, e.buyer_id
    FROM tracing_leaddistributionevent e
    WHERE {in_attempts("e.attempt_id", "e.lead_id")}
        AND e.event IN ('buyer_pool_composed', 'buyer_skipped', 'buyer_selected')
    UNION ALL
    SELECT e.attempt_id, e.event, (shown.each ->> 'buyer_id')::bigint
    FROM tracing_leaddistributionevent e, jsonb_array_elements(e.data -> 'shown') AS shown(each)
    WHERE {in_attempts("e.attempt_id", "e.lead_id")} AND e.event IN ('ping_post_opened', 'auction_opened')
), traced AS (
    SELECT e.attempt_id,
        array_agg(e.buyer_id ORDER BY e.buyer_id) FILTER (WHERE e.event <> 'buyer_pool_composed') AS buyers,
        count(*) FILTER (WHERE e.event = 'buyer_pool_composed') AS pools
    FROM each_buyer e
    GROUP BY e.attempt_id
), judged AS (
    SELECT a.id, CASE
        WHEN t.pools IS NULL AND a.result = 'success' AND a.trigger <> 'offer_closed' AND NOT EXISTS (
            SELECT FROM distribution_assignment d
            WHERE d.lead_id = a.lead_id AND d.state IN ('sold', 'returned') AND d.settled_at IS NOT NULL
        ) AND NOT {ENDS_AS_SOLD} THEN 'sold the lead without composing a pool'
        WHEN t.pools IS NULL THEN NULL
        WHEN t.pools <> 1 THEN format('composed %%s pools', t.pools)
        WHEN n.buyers IS NULL
            THEN format('used version %%s of campaign %%s, which has no snapshot', a.config_version, a.campaign_id)
        WHEN a.trigger = 'claim' AND cardinality(t.buyers) = 1 AND t.buyers <@ n.buyers THEN NULL
        WHEN COALESCE(t.buyers, '{{}}') <> n.buyers THEN format(
            '%%s enrolled, but the trace has %%s (%%s missing)', {counted("cardinality(n.buyers)", "buyer")},
            cardinality(COALESCE(t.buyers, '{{}}')),
            (SELECT count(*) FROM unnest(n.buyers) AS b(id) WHERE NOT b.id = ANY(COALESCE(t.buyers, '{{}}'))))
    END AS message
    FROM used a
    LEFT JOIN traced t ON t.attempt_id = a.id
    LEFT JOIN enrolled n ON n.campaign_id = a.campaign_id AND n.config_version = a.config_version
)
SELECT 'attempt ' || id AS subject, message FROM judged WHERE message IS NOT NULL
"""  # noqa: S608 - only conditions are put in

# Assignments are read by lead, which has an index, and events by attempt.
SELECTED_IS_SOLD: Final = f"""
SELECT 'attempt ' || e.attempt_id AS subject, CASE
    WHEN s.buyer_id IS NULL THEN format('selected buyer %%s, but the attempt has no assignment to it', e.buyer_id)
    ELSE format('selected buyer %%s at %%s cents and sold at %%s', e.buyer_id, e.cost_cents, s.price_cents)
END AS message
FROM tracing_leaddistributionevent e
LEFT JOIN (
    SELECT d.lead_id, d.attempt_id, d.buyer_id, d.price_cents + COALESCE((
        SELECT SUM(c.released_cents) FROM distribution_ledgerentry c WHERE c.assignment_id = d.id AND c.kind = 'capture'
    ), 0) AS price_cents
    FROM distribution_assignment d JOIN tracing_attempt a ON a.id = d.attempt_id
) s ON s.lead_id = e.lead_id AND s.attempt_id = e.attempt_id AND s.buyer_id = e.buyer_id
WHERE e.event = 'buyer_selected' AND {in_attempts("e.attempt_id", "e.lead_id")}
    AND (s.buyer_id IS NULL OR e.cost_cents IS DISTINCT FROM s.price_cents)
"""  # noqa: S608 - only a condition is put in

SOLD_WAS_SELECTED: Final = f"""
SELECT 'attempt ' || d.attempt_id AS subject,
    format('sold to buyer %%s, which it did not select', d.buyer_id) AS message
FROM distribution_assignment d JOIN tracing_attempt a ON a.id = d.attempt_id
WHERE {in_leads("d.lead_id")} AND NOT EXISTS (
    SELECT 1 FROM tracing_leaddistributionevent e
    WHERE e.attempt_id = d.attempt_id AND e.event = 'buyer_selected' AND e.buyer_id = d.buyer_id
)
"""  # noqa: S608 - only a condition is put in


def check_attempts(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    with no_nested_loops():
        search(findings, EACH_BUYER_ONCE, part)
    search(findings, SELECTED_IS_SOLD, part)


def check_sales(part: Slice, findings: Findings) -> None:
    search(findings, SOLD_WAS_SELECTED, part)
