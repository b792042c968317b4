"""Part of invariant 10: a lead that was sold while a price was promised earned its source at least that price."""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import count, search
from distribution.verify.slices import Slice, in_leads
from routing.models.ping import PROMISE_LASTS

_SOLD: Final = f"""
FROM routing_lead l
JOIN routing_ping p ON p.id = l.ping_id
WHERE {in_leads("l.id")} AND NOT l.is_test AND EXISTS (
    SELECT FROM distribution_assignment a
    WHERE a.lead_id = l.id AND a.state IN ('sold', 'returned')
        AND a.created_at < l.received_at + {PROMISE_LASTS}
)
"""
CHECKED: Final = f"SELECT count(*) {_SOLD}"
BROKEN: Final = f"""
SELECT 'lead ' || lead_id AS subject,
    format('its source was promised %%s cents, and its sales earned %%s', promised, earned) AS message
FROM (
    SELECT l.id AS lead_id, p.price_cents AS promised, (
        SELECT COALESCE(SUM(e.amount_cents), 0) FROM distribution_payableentry e
        WHERE e.lead_id = l.id AND e.kind = 'earned'
    ) AS earned
    {_SOLD}
) sold
WHERE earned < promised
"""  # noqa: S608 - as above


def check(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    search(findings, BROKEN, part)
