"""Part of invariant 2: a lead whose campaign asked for a verification was not sold without one.

What the campaign asked is in the snapshot of the version that decided. A claim of an offer, and a bid, follow the
attempt that passed the gate: the one that opened the offer. A sale without a trace has no version, and is not judged.
"""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import search
from distribution.verify.slices import Slice, in_leads

# The recorded end of calls that reached nobody. The lead says it, or its verification if a person verified it later.
_WAS_GIVEN_UP: Final = """(l.verification = 'unverified' OR EXISTS (
    SELECT FROM distribution_verification v WHERE v.lead_id = l.id AND v.state = 'unverified'
))"""
# One that was verified may have declined after a sale.
_WAS_VERIFIED: Final = """(l.verification IN ('call', 'hand') OR EXISTS (
    SELECT FROM distribution_verification v JOIN distribution_callevent e ON e.verification_id = v.id
    WHERE v.lead_id = l.id AND e.code = 'verified'
))"""
_TERMS: Final = """
    s.config #>> '{campaign,verification}' AS needed, s.config #>> '{campaign,consent_kind}' AS consent_kind,
    s.config #>> '{campaign,unverified_end}' AS unverified_end
"""


def _lets_pass(terms: str) -> str:
    """The condition on a lead `l` that has not been verified. `terms`: what the campaign asked."""
    return f"""(
        COALESCE({terms}.needed, 'none') = 'none'
        OR {terms}.needed = 'unless_consent' AND l.consent ? {terms}.consent_kind
        OR {terms}.unverified_end = 'sell' AND {_WAS_GIVEN_UP}
    )"""


# Snapshots may be large, so each is read once for a slice. Facts are larger still: they are read of those sales alone
# whose lead was not verified.
SOLD_UNVERIFIED: Final = f"""
WITH sold AS MATERIALIZED (
    SELECT d.id, d.lead_id, d.attempt_id, a.campaign_id, a.config_version
    FROM distribution_assignment d JOIN tracing_attempt a ON a.id = d.attempt_id
    WHERE d.state IN ('sold', 'held', 'returned') AND {in_leads("d.lead_id")}
), asking AS MATERIALIZED (
    SELECT s.campaign_id, s.config_version, {_TERMS}
    FROM distribution_campaignsnapshot s
    WHERE (s.campaign_id, s.config_version) IN (SELECT campaign_id, config_version FROM sold)
        AND s.config #>> '{{campaign,verification}}' <> 'none'
), doubtful AS MATERIALIZED (
    SELECT s.id, s.lead_id, s.attempt_id, s.campaign_id
    FROM sold s
    JOIN asking k ON k.campaign_id = s.campaign_id AND k.config_version = s.config_version
    JOIN routing_lead l ON l.id = s.lead_id
    WHERE NOT l.is_test AND NOT {_WAS_VERIFIED} AND NOT {_lets_pass("k")}
)
SELECT 'lead ' || s.lead_id AS subject,
    format('was sold by attempt %%s without the verification that its campaign asked for', s.attempt_id) AS message
FROM doubtful s
JOIN tracing_attempt a ON a.id = s.attempt_id
JOIN routing_lead l ON l.id = s.lead_id
WHERE NOT EXISTS (
    SELECT FROM tracing_leaddistributionevent e
    WHERE e.attempt_id = s.attempt_id AND e.event = 'buyer_selected'
        AND e.data -> 'overridden' ?| '{{verification_required,not_verified}}'
) AND NOT (a.facts #>> '{{verification,0}}' = 'begun' AND EXISTS (
    SELECT FROM distribution_assignment earlier
    WHERE earlier.lead_id = s.lead_id AND earlier.id < s.id AND earlier.attempt_id <> s.attempt_id
)) AND NOT (a.facts ->> 'phase' IN ('claim', 'bids') AND EXISTS (
    SELECT FROM (
        SELECT o.attempt_id FROM distribution_offer o
        WHERE o.lead_id = s.lead_id AND o.campaign_id = s.campaign_id AND o.opened_at <= a.finished_at
        ORDER BY o.id DESC LIMIT 1
    ) offer
    LEFT JOIN tracing_attempt opener ON opener.id = offer.attempt_id
    LEFT JOIN LATERAL (
        SELECT {_TERMS} FROM distribution_campaignsnapshot s
        WHERE s.campaign_id = opener.campaign_id AND s.config_version = opener.config_version
    ) asked ON TRUE
    WHERE {_lets_pass("asked")}
))
"""  # noqa: S608 - only conditions are put in


def check(part: Slice, findings: Findings) -> None:
    search(findings, SOLD_UNVERIFIED, part)
