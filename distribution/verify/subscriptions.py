"""Invariant 13: every event has its deliveries, and each goes to a subscription that may have it.

All events are read, also in an incremental run: they exist only where somebody subscribed.
"""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import count, search
from distribution.verify.slices import Slice

CHECKED: Final = "SELECT count(*) FROM distribution_event"

HAS_A_DELIVERY: Final = """
SELECT 'event ' || e.id AS subject, e.kind || ' has no delivery' AS message
FROM distribution_event e
WHERE NOT EXISTS (SELECT FROM distribution_delivery d WHERE d.event_id = e.id)
"""

GOES_TO_ITS_OWNER: Final = """
SELECT 'event ' || e.id AS subject, format('%%s goes to endpoint %%s of another owner', e.kind, t.id) AS message
FROM distribution_event e
JOIN distribution_delivery d ON d.event_id = e.id
JOIN distribution_endpoint t ON t.id = d.endpoint_id
WHERE t.events = '{}' OR CASE
    WHEN t.buyer_id IS NOT NULL THEN t.buyer_id IS DISTINCT FROM e.buyer_id
    WHEN t.source_id IS NOT NULL THEN t.source_id IS DISTINCT FROM e.source_id
    ELSE t.workspace_id IS DISTINCT FROM e.workspace_id
END
"""


def check(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    search(findings, HAS_A_DELIVERY, part)
    search(findings, GOES_TO_ITS_OWNER, part)
