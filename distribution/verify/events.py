"""Invariant 5: every attempt is told from start to end: no hole, one terminal event, a result that fits it."""

from typing import Final

from distribution.verify.findings import Findings, Scope
from distribution.verify.reading import count, search
from tracing.vocabulary import RESULTS_OF_TERMINAL, TERMINAL_EVENTS

CHECKED: Final = "SELECT count(*) FROM tracing_attempt WHERE lead_id >= %(from_lead)s"

TOLD_TO_THE_END: Final = """
WITH fits AS (
    SELECT * FROM unnest(%(terminal_events)s::text[], %(terminal_results)s::text[]) AS fits(event, result)
), told AS (
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
            THEN format('%%s events are numbered %%s to %%s', t.events, t.first_seq, t.last_seq)
        WHEN t.starts <> 1 OR t.first_event <> 'distribution_started' THEN 'does not start with distribution_started'
        WHEN t.ends <> 1 THEN format('has %%s terminal events', t.ends)
        WHEN t.terminal_seq <> t.last_seq THEN format('goes on after its terminal event %%s', t.terminal)
        WHEN NOT EXISTS (SELECT 1 FROM fits WHERE fits.event = t.terminal AND fits.result = a.result)
            OR t.outcome <> a.result
            THEN format('result %%s, terminal event %%s with outcome %%s', a.result, t.terminal, t.outcome)
        WHEN t.reason <> a.skip_reason
            THEN format('skip reason %%s, terminal event says %%s', a.skip_reason, t.reason)
        WHEN t.first_lead <> a.lead_id OR t.last_lead <> a.lead_id THEN 'has events of another lead'
    END AS message
    FROM tracing_attempt a LEFT JOIN told t ON t.attempt_id = a.id
    WHERE a.lead_id >= %(from_lead)s
)
SELECT 'attempt ' || id AS subject, message FROM judged WHERE message IS NOT NULL
"""

NO_EVENT_WITHOUT_ATTEMPT: Final = """
SELECT 'attempt ' || e.attempt_id AS subject, format('does not exist but has %%s events', count(*)) AS message
FROM tracing_leaddistributionevent e
WHERE e.lead_id >= %(from_lead)s AND NOT EXISTS (SELECT 1 FROM tracing_attempt a WHERE a.id = e.attempt_id)
GROUP BY e.attempt_id
"""

NOT_MORE_THAN_COUNTED: Final = """
SELECT 'lead ' || l.id AS subject,
    format('counts %%s attempts, its trace has %%s up to number %%s', l.attempts, count(*), MAX(a.number)) AS message
FROM routing_lead l JOIN tracing_attempt a ON a.lead_id = l.id
WHERE l.id >= %(from_lead)s
GROUP BY l.id HAVING count(*) > l.attempts OR MAX(a.number) > l.attempts
"""

# A trace that cannot be written never stops a lead, so a missing one is no breach; it is counted when it happens.
UNTRACED: Final = """
SELECT COALESCE(SUM(l.attempts - COALESCE(a.traced, 0)), 0)
FROM routing_lead l
LEFT JOIN (SELECT lead_id, count(*) AS traced FROM tracing_attempt WHERE lead_id >= %(from_lead)s GROUP BY lead_id) a
    ON a.lead_id = l.id
WHERE l.id >= %(from_lead)s AND l.attempts > COALESCE(a.traced, 0)
"""


def check(scope: Scope, findings: Findings) -> None:
    findings.checked = count(CHECKED, scope)
    pairs = [(event.value, result) for event, results in RESULTS_OF_TERMINAL.items() for result in results]
    search(
        findings,
        TOLD_TO_THE_END,
        scope,
        terminal=[event.value for event in TERMINAL_EVENTS],
        terminal_events=[event for event, _ in pairs],
        terminal_results=[result for _, result in pairs],
    )
    search(findings, NO_EVENT_WITHOUT_ATTEMPT, scope)
    search(findings, NOT_MORE_THAN_COUNTED, scope)
    untraced = count(UNTRACED, scope)
    if untraced:
        findings.notes.append(f"{untraced} attempts have no trace: it could not be written when they ran")
