"""Invariants 4, 5 and 8 for verification calls.

A lead that is gated or called has one open verification. One that is called has one open call, which owns its claim.
Each verification was opened by an attempt that says so. The calls that are out fit the lines of their channels, and no
phone is called twice at once.
"""

from typing import Final

from distribution.verify.findings import Findings, Note
from distribution.verify.reading import count, counted, no_nested_loops, search
from distribution.verify.slices import Slice, in_leads

# Claims of other work than a call have no verification.
_IS_UNVERIFIED: Final = "(l.status = 'gated' OR l.status = 'calling' AND l.locked_by LIKE 'call:%%')"

LEAD_FITS_VERIFICATION: Final = f"""
SELECT 'lead ' || l.id AS subject, CASE
    WHEN v.open IS NULL THEN format('is %%s, but has no open verification', l.status)
    WHEN NOT {_IS_UNVERIFIED} THEN format('is %%s, but has an open verification', l.status)
    WHEN v.open > 1 THEN format('has %%s', {counted("v.open", "open verification")})
    ELSE format('is %%s, but the state of its verification is %%s', l.status, v.state) END AS message
FROM routing_lead l
LEFT JOIN (
    SELECT lead_id, count(*) AS open, MIN(state) AS state FROM distribution_verification
    WHERE ended_at IS NULL AND {in_leads("lead_id")} GROUP BY lead_id
) v ON v.lead_id = l.id
WHERE {in_leads("l.id")} AND (
    {_IS_UNVERIFIED} <> (v.open IS NOT NULL) OR v.open > 1 OR (l.status = 'calling') <> (v.state = 'calling')
)
"""  # noqa: S608 - only conditions are put in

CALLED_LEAD_HAS_CALL: Final = f"""
SELECT 'lead ' || l.id AS subject, CASE
    WHEN c.open IS NULL THEN 'is calling, but has no open call'
    WHEN c.open > 1 THEN format('has %%s', {counted("c.open", "open call")})
    WHEN l.locked_by <> 'call:' || c.public_id THEN 'is claimed by another call than its open one'
    ELSE 'has an open call of another verification' END AS message
FROM routing_lead l
LEFT JOIN (
    SELECT lead_id, count(*) AS open, MIN(public_id::text) AS public_id, MIN(verification_id) AS verification_id
    FROM distribution_call WHERE ended_at IS NULL AND {in_leads("lead_id")} GROUP BY lead_id
) c ON c.lead_id = l.id
WHERE {in_leads("l.id")} AND l.status = 'calling' AND l.locked_by LIKE 'call:%%' AND (
    c.open IS NULL OR c.open > 1 OR l.locked_by <> 'call:' || c.public_id OR NOT EXISTS (
        SELECT FROM distribution_verification v WHERE v.id = c.verification_id AND v.lead_id = l.id
            AND v.ended_at IS NULL
    )
)
"""  # noqa: S608 - only conditions are put in

# Attempts that were removed say nothing.
OPENED_BY_ITS_ATTEMPT: Final = f"""
SELECT 'attempt ' || a.id AS subject, format('opened a verification, but its result is %%s', a.result) AS message
FROM distribution_verification v JOIN tracing_attempt a ON a.id = v.attempt_id
WHERE {in_leads("v.lead_id")} AND (a.result <> 'gated' OR a.lead_id <> v.lead_id)
"""  # noqa: S608 - only a condition is put in

GATE_OPENED_VERIFICATION: Final = f"""
SELECT 'attempt ' || a.id AS subject, 'is gated, but opened no verification' AS message
FROM tracing_attempt a
WHERE {in_leads("a.lead_id")} AND a.result = 'gated' AND NOT EXISTS (
    SELECT FROM distribution_verification v WHERE v.attempt_id = a.id AND v.lead_id = a.lead_id
)
"""  # noqa: S608 - only a condition is put in

OPEN_CALLS: Final = "SELECT count(*) FROM distribution_call WHERE ended_at IS NULL"

# A call is counted and written under its channel's lock, so more calls than lines were begun only if there were as many
# lines then. The entry of the change may have been begun shortly before the last of these calls.
_CROWDED: Final = """
FROM (
    SELECT c.channel_id, count(*) AS used, MAX(c.created_at) AS newest FROM distribution_call c
    WHERE c.ended_at IS NULL GROUP BY c.channel_id
) c
JOIN distribution_channel h ON h.id = c.channel_id
LEFT JOIN LATERAL (
    SELECT MAX((e.before ->> 'lines')::int) AS lines FROM tracing_auditentry e
    WHERE e.object_id = h.id::text AND e.model = 'distribution.channel' AND e.before ? 'lines'
        AND e.at > c.newest - interval '1 minute'
) earlier ON true
WHERE c.used > h.lines
"""
MORE_CALLS_THAN_LINES: Final = f"""
SELECT 'channel ' || h.id AS subject,
    format('has %%s out, but %%s', {counted("c.used", "call")}, {counted("h.lines", "line")}) AS message
{_CROWDED} AND c.used > COALESCE(earlier.lines, 0)
"""
FEWER_LINES_SINCE: Final = f"SELECT count(*) {_CROWDED} AND c.used <= earlier.lines"
FEWER_LINES_NOTE: Final = Note(
    "channel has more calls out than lines, because its lines were lowered",
    "channels have more calls out than lines, because their lines were lowered",
)

PHONE_CALLED_TWICE: Final = f"""
SELECT 'call ' || MAX(id) AS subject,
    format('calls a phone with %%s out', {counted("count(*)", "call")}) AS message
FROM distribution_call WHERE ended_at IS NULL AND phone_hash IS NOT NULL
GROUP BY phone_hash HAVING count(*) > 1
"""  # noqa: S608 - only a constant is put in

ENDED_HAS_OUTCOME: Final = f"""
SELECT 'call ' || id AS subject,
    CASE WHEN ended_at IS NULL THEN format('is %%s and has an outcome, but no end', state)
        ELSE 'has ended without an outcome' END AS message
FROM distribution_call WHERE {in_leads("lead_id")} AND (ended_at IS NULL) <> (outcome = '')
"""  # noqa: S608 - only a condition is put in


def check_due(part: Slice, findings: Findings) -> None:
    with no_nested_loops():
        search(findings, LEAD_FITS_VERIFICATION, part)
    search(findings, CALLED_LEAD_HAS_CALL, part)
    search(findings, ENDED_HAS_OUTCOME, part)


def check_events(part: Slice, findings: Findings) -> None:
    for sql in (OPENED_BY_ITS_ATTEMPT, GATE_OPENED_VERIFICATION):
        search(findings, sql, part)


def check_lines(part: Slice, findings: Findings) -> None:
    """Every call that is out, whatever the slice: they are few."""
    findings.checked = count(OPEN_CALLS, part)
    for sql in (MORE_CALLS_THAN_LINES, PHONE_CALLED_TWICE):
        search(findings, sql, part)
    findings.noted[FEWER_LINES_NOTE] += count(FEWER_LINES_SINCE, part)
