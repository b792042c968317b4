"""Invariant 2: no lead is sold to more buyers than its campaign allowed, and to no buyer twice."""

from typing import Final

from distribution.verify.findings import Findings, Scope
from distribution.verify.reading import count, search

CHECKED: Final = (
    "SELECT count(*) FROM distribution_assignment WHERE state = 'sold' AND lead_id >= %(from_lead)s"
)

# The limit in force is that of the version which sold it; it may have been lowered since. A sale whose trace could
# not be written names no version: then the highest limit that its campaign ever had counts.
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
    format('sold to %%s buyers, at most %%s were allowed', count(*), MAX(max_buyers)) AS message
FROM live GROUP BY lead_id HAVING count(*) > MAX(max_buyers)
"""

ONE_LIVE_EACH: Final = """
SELECT 'lead ' || lead_id AS subject, format('sold %%s times to buyer %%s', count(*), buyer_id) AS message
FROM distribution_assignment
WHERE state = 'sold' AND lead_id >= %(from_lead)s
GROUP BY lead_id, buyer_id HAVING count(*) > 1
"""


def check(scope: Scope, findings: Findings) -> None:
    findings.checked = count(CHECKED, scope)
    search(findings, WITHIN_MAX_BUYERS, scope)
    search(findings, ONE_LIVE_EACH, scope)
