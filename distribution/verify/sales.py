"""Invariant 2: no lead is sold to more buyers than its campaign allowed, or twice to one buyer.

A hold counts as a sale: the buyer's system may accept the lead at any moment.
"""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import count, search
from distribution.verify.slices import Slice, in_leads

CHECKED: Final = (
    f"SELECT count(*) FROM distribution_assignment WHERE state IN ('sold', 'held') AND {in_leads('lead_id')}"  # noqa: S608 - only a condition is put in
)

# The limit is that of the version that sold the lead; it may have been lowered since. A sale without a trace has no
# version, so the highest limit that its campaign ever had applies. Snapshots may be large, so each is read once for a
# slice and not for each sale.
WITHIN_MAX_BUYERS: Final = f"""
WITH live AS MATERIALIZED (
    SELECT d.lead_id, d.campaign_id, a.campaign_id AS traced_id, a.config_version
    FROM distribution_assignment d LEFT JOIN tracing_attempt a ON a.id = d.attempt_id
    WHERE d.state IN ('sold', 'held') AND {in_leads("d.lead_id")}
), allowed AS MATERIALIZED (
    SELECT s.campaign_id, s.config_version, (s.config #>> '{{campaign,max_buyers}}')::int AS max_buyers
    FROM distribution_campaignsnapshot s
    WHERE (s.campaign_id, s.config_version) IN (SELECT traced_id, config_version FROM live)
), highest AS MATERIALIZED (
    SELECT c.id AS campaign_id, GREATEST(c.max_buyers, MAX((s.config #>> '{{campaign,max_buyers}}')::int)) AS max_buyers
    FROM distribution_campaign c LEFT JOIN distribution_campaignsnapshot s ON s.campaign_id = c.id
    WHERE c.id IN (
        SELECT l.campaign_id FROM live l
        LEFT JOIN allowed w ON w.campaign_id = l.traced_id AND w.config_version = l.config_version
        WHERE w.max_buyers IS NULL
    )
    GROUP BY c.id
), judged AS (
    SELECT l.lead_id, count(*) AS buyers, MAX(COALESCE(w.max_buyers, h.max_buyers)) AS max_buyers
    FROM live l
    LEFT JOIN allowed w ON w.campaign_id = l.traced_id AND w.config_version = l.config_version
    LEFT JOIN highest h ON h.campaign_id = l.campaign_id
    GROUP BY l.lead_id
)
SELECT 'lead ' || lead_id AS subject,
    format('sold to %%s buyers, but at most %%s were allowed', buyers, max_buyers) AS message
FROM judged WHERE buyers > max_buyers
"""  # noqa: S608 - only conditions are put in

ONE_LIVE_EACH: Final = f"""
SELECT 'lead ' || lead_id AS subject, format('sold %%s times to buyer %%s', count(*), buyer_id) AS message
FROM distribution_assignment
WHERE state IN ('sold', 'held') AND {in_leads("lead_id")}
GROUP BY lead_id, buyer_id HAVING count(*) > 1
"""  # noqa: S608 - only a condition is put in


# Two buyers' systems that are asked at once could both accept the lead.
ONE_HOLD_EACH: Final = f"""
SELECT 'lead ' || lead_id AS subject, format('is held for %%s buyers at once', count(*)) AS message
FROM distribution_assignment
WHERE state = 'held' AND {in_leads("lead_id")}
GROUP BY lead_id HAVING count(*) > 1
"""  # noqa: S608 - only a condition is put in


def check(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    search(findings, WITHIN_MAX_BUYERS, part)
    search(findings, ONE_LIVE_EACH, part)
    search(findings, ONE_HOLD_EACH, part)
