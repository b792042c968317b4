"""Invariant 5: the trace of each attempt has no gap and one terminal event, which matches the result."""

from typing import Final

from distribution.verify.findings import Findings, Note
from distribution.verify.reading import count, counted, no_nested_loops, search
from distribution.verify.slices import Slice, in_attempts, in_leads
from tracing.vocabulary import RESULTS_OF_TERMINAL, TERMINAL_EVENTS

CHECKED: Final = f"SELECT count(*) FROM tracing_attempt WHERE {in_attempts('id', 'lead_id')}"  # noqa: S608 - only a condition is put in

COMPLETE_TRACE: Final = f"""
WITH fits AS (
    SELECT * FROM unnest(%(terminal_events)s::text[], %(terminal_results)s::text[]) AS fits(event, result)
), traced AS (
    SELECT e.attempt_id, count(*) AS events, MIN(e.seq) AS first_seq, MAX(e.seq) AS last_seq,
        count(*) FILTER (WHERE e.event = 'distribution_started') AS starts,
        MIN(e.event) FILTER (WHERE e.seq = 1) AS first_event,
        count(*) FILTER (WHERE e.event = ANY(%(terminal)s)) AS ends,
        MAX(e.event) FILTER (WHERE e.event = ANY(%(terminal)s)) AS terminal,
        MAX(e.seq) FILTER (WHERE e.event = ANY(%(terminal)s)) AS terminal_seq,
        MAX(e.skip_reason) FILTER (WHERE e.event = ANY(%(terminal)s)) AS reason,
        MAX(e.outcome) FILTER (WHERE e.event = ANY(%(terminal)s)) AS outcome,
        count(DISTINCT e.seq) AS places, MIN(e.lead_id) AS first_lead, MAX(e.lead_id) AS last_lead
    FROM tracing_leaddistributionevent e WHERE {in_attempts("e.attempt_id", "e.lead_id")} GROUP BY e.attempt_id
), judged AS (
    SELECT a.id, CASE
        WHEN t.events IS NULL THEN 'has no events'
        WHEN t.first_seq <> 1 OR t.last_seq <> t.events OR t.places <> t.events
            THEN format('has %%s, numbered %%s to %%s', {counted("t.events", "event")}, t.first_seq, t.last_seq)
        WHEN t.starts <> 1 OR t.first_event <> 'distribution_started' THEN 'does not start with distribution_started'
        WHEN t.ends <> 1 THEN format('has %%s terminal events', t.ends)
        WHEN t.terminal_seq <> t.last_seq THEN format('continues after its terminal event %%s', t.terminal)
        WHEN NOT EXISTS (SELECT 1 FROM fits WHERE fits.event = t.terminal AND fits.result = a.result)
            OR t.outcome <> a.result
            THEN format('has result %%s, but terminal event %%s with outcome %%s', a.result, t.terminal, t.outcome)
        WHEN t.reason <> a.skip_reason
            THEN format('has skip reason %%s, but its terminal event has %%s', a.skip_reason, t.reason)
        WHEN t.first_lead <> a.lead_id OR t.last_lead <> a.lead_id THEN 'has events of another lead'
    END AS message
    FROM tracing_attempt a LEFT JOIN traced t ON t.attempt_id = a.id
    WHERE {in_attempts("a.id", "a.lead_id")}
)
SELECT 'attempt ' || id AS subject, message FROM judged WHERE message IS NOT NULL
"""  # noqa: S608 - only conditions are put in

NO_EVENT_WITHOUT_ATTEMPT: Final = f"""
SELECT 'attempt ' || e.attempt_id AS subject,
    format('does not exist but has %%s', {counted("count(*)", "event")}) AS message
FROM tracing_leaddistributionevent e
WHERE {in_attempts("e.attempt_id", "e.lead_id")}
    AND NOT EXISTS (SELECT 1 FROM tracing_attempt a WHERE a.id = e.attempt_id)
GROUP BY e.attempt_id
"""  # noqa: S608 - only conditions are put in

NOT_MORE_THAN_COUNTED: Final = f"""
SELECT 'lead ' || l.id AS subject,
    format('counts %%s, but its trace has %%s, up to number %%s',
        {counted("l.attempts", "attempt")}, count(*), MAX(a.number)) AS message
FROM routing_lead l JOIN tracing_attempt a ON a.lead_id = l.id
WHERE {in_leads("l.id")}
GROUP BY l.id HAVING count(*) > l.attempts OR MAX(a.number) > l.attempts
"""  # noqa: S608 - only conditions are put in

# An attempt continues if its trace cannot be written, so a missing trace is counted and is not a breach.
UNTRACED: Final = f"""
SELECT COALESCE(SUM(l.attempts - COALESCE(a.traced, 0)), 0)
FROM routing_lead l
LEFT JOIN (SELECT lead_id, count(*) AS traced FROM tracing_attempt WHERE {in_leads("lead_id")} GROUP BY lead_id) a
    ON a.lead_id = l.id
WHERE {in_leads("l.id")} AND l.attempts > COALESCE(a.traced, 0)
"""  # noqa: S608 - only conditions are put in


UNTRACED_NOTE: Final = Note(
    "attempt has no trace, because it could not be written",
    "attempts have no trace, because it could not be written",
)


def check_attempts(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    pairs = [(event.value, result) for event, results in RESULTS_OF_TERMINAL.items() for result in results]
    with no_nested_loops():
        search(
            findings,
            COMPLETE_TRACE,
            part,
            terminal=[event.value for event in TERMINAL_EVENTS],
            terminal_events=[event for event, _ in pairs],
            terminal_results=[result for _, result in pairs],
        )
    search(findings, NO_EVENT_WITHOUT_ATTEMPT, part)


def check_leads(part: Slice, findings: Findings) -> None:
    search(findings, NOT_MORE_THAN_COUNTED, part)
    with no_nested_loops():
        findings.noted[UNTRACED_NOTE] += count(UNTRACED, part)
