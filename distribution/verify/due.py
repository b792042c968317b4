"""Invariant 4: each unfinished lead has a due time or a claim, and each distributed lead has a buyer.

A lead that waits for a buyer's system has exactly one open hold instead, and a gated one its verification (calls.py).
"""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import count, counted, no_nested_loops, search
from distribution.verify.slices import Slice, in_leads
from routing.models import UNFINISHED

CHECKED: Final = f"SELECT count(*) FROM routing_lead WHERE {in_leads('id')}"  # noqa: S608 - only a condition is put in

UNFINISHED_IS_DUE_OR_CLAIMED: Final = f"""
SELECT 'lead ' || id AS subject, format('is %%s, but has no due time and no claim', status) AS message
FROM routing_lead
WHERE {in_leads("id")} AND status = ANY(%(unfinished)s) AND next_attempt_at IS NULL
    AND (status <> 'calling' OR locked_at IS NULL OR locked_by = '') AND status NOT IN ('posting', 'gated')
"""  # noqa: S608 - only conditions are put in

FINISHED_IS_NOT_DUE: Final = f"""
SELECT 'lead ' || id AS subject, format('is %%s, but has a due time', status) AS message
FROM routing_lead
WHERE {in_leads("id")} AND status <> ALL(%(unfinished)s) AND next_attempt_at IS NOT NULL
"""  # noqa: S608 - only conditions are put in

STATUS_FITS_ASSIGNMENTS: Final = f"""
SELECT 'lead ' || l.id AS subject,
    CASE WHEN sold.ever IS NULL AND l.status IN ('distributed', 'returned')
            THEN format('is %%s, but was never sold', l.status)
        WHEN l.status = 'distributed' AND sold.live = 0 THEN 'is distributed, but every sale was returned'
        WHEN l.status = 'posting' AND COALESCE(sold.held, 0) <> 1
            THEN format('is posting, but has %%s open holds', COALESCE(sold.held, 0))
        WHEN sold.held > 0 AND l.status <> 'posting' THEN format('is %%s, but has an open hold', l.status)
        WHEN l.is_partly_sold AND COALESCE(sold.live, 0) = 0 THEN 'is partly sold, but has no live sale'
        ELSE format('is %%s, but has %%s', l.status, {counted("sold.live", "live sale")}) END AS message
FROM routing_lead l
LEFT JOIN (
    SELECT lead_id, NULLIF(count(*) FILTER (WHERE state IN ('sold', 'returned')), 0) AS ever,
        count(*) FILTER (WHERE state = 'sold') AS live, count(*) FILTER (WHERE state = 'held') AS held
    FROM distribution_assignment WHERE {in_leads("lead_id")} GROUP BY lead_id
) sold ON sold.lead_id = l.id
WHERE {in_leads("l.id")} AND (
    (l.status IN ('distributed', 'returned') AND sold.ever IS NULL)
    OR (l.status = 'distributed' AND sold.live = 0)
    OR (l.status <> 'distributed' AND NOT l.is_partly_sold AND sold.live > 0)
    OR (l.is_partly_sold AND COALESCE(sold.live, 0) = 0)
    OR (l.status = 'posting') <> (COALESCE(sold.held, 0) = 1) OR sold.held > 1
)
"""  # noqa: S608 - only conditions are put in


def check(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    unfinished = [status.value for status in UNFINISHED]
    for sql in (UNFINISHED_IS_DUE_OR_CLAIMED, FINISHED_IS_NOT_DUE):
        search(findings, sql, part, unfinished=unfinished)
    with no_nested_loops():
        search(findings, STATUS_FITS_ASSIGNMENTS, part)
