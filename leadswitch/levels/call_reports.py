"""What `manage.py calls` prints: channels, accounts, calls of which nothing is known, and leads that wait for a line.

Reads only. Rows name workspaces, channels and calls. Numbers of leads are personal data and are not read.
"""

from dataclasses import replace
from typing import Final

from distribution.calls.queue_waits import read_queue_waits
from leadswitch.levels.alerts.call_alerts import ANSWERED, RUNG
from leadswitch.levels.calls import CallsState
from leadswitch.levels.reports import Report, read_report

# Rates are in percent: of the phones that rang in the last day, and in the week before, how many a person answered.
# They are read for the channels that are shown alone: up to 5,000 calls of each.
CHANNELS: Final = """
WITH shown AS MATERIALIZED (
    SELECT row_number() OVER (
            ORDER BY used.lines > c.lines DESC, c.flagged_at IS NULL, a.stopped_at IS NULL, w.slug, c.name
        ) AS place,
        c.id, w.slug AS workspace, c.name AS channel,
        CASE WHEN NOT c.is_enabled THEN 'off' WHEN c.flagged_at IS NOT NULL THEN 'flagged'
            WHEN NOT a.is_enabled THEN 'account off' WHEN a.stopped_at IS NOT NULL THEN 'account stopped'
            ELSE 'on' END AS state,
        c.lines, used.lines AS used, c.last_dialed_at
    FROM distribution_channel c
    JOIN distribution_carrieraccount a ON a.id = c.account_id
    JOIN routing_workspace w ON w.id = c.workspace_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS lines FROM distribution_call o WHERE o.channel_id = c.id AND o.ended_at IS NULL
    ) used
    ORDER BY place LIMIT %(limit)s
)
SELECT shown.workspace, shown.channel, shown.state, shown.lines, shown.used,
    calls.rung, calls.answered_percent, calls.week_before_percent, shown.last_dialed_at AS last_call
FROM shown
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE is_new) AS rung,
        (100 * count(*) FILTER (WHERE is_new AND is_answered) / nullif(count(*) FILTER (WHERE is_new), 0))::int
            AS answered_percent,
        (100 * count(*) FILTER (WHERE NOT is_new AND is_answered) / nullif(count(*) FILTER (WHERE NOT is_new), 0))::int
            AS week_before_percent
    FROM (
        SELECT o.outcome = ANY(%(answered)s) AS is_answered, o.outcome, o.dialed_at,
            o.dialed_at > now() - interval '1 day' AS is_new
        FROM distribution_call o WHERE o.channel_id = shown.id ORDER BY o.id DESC LIMIT %(searched)s
    ) latest
    WHERE latest.outcome = ANY(%(rung)s) AND latest.dialed_at > now() - interval '8 days'
) calls
ORDER BY shown.place
"""
STOPPED: Final = """
SELECT w.slug AS workspace, a.name AS account, a.stop_code AS why, a.stopped_at AS since
FROM distribution_carrieraccount a JOIN routing_workspace w ON w.id = a.workspace_id
WHERE a.stopped_at IS NOT NULL ORDER BY a.stopped_at LIMIT %(limit)s
"""
# Open calls that the carrier should have been asked about, or of which it is not known whether it has them.
DOUBTFUL: Final = """
SELECT w.slug AS workspace, c.name AS channel, l.public_id AS lead, o.public_id AS call, o.state, o.dial,
    o.dial_problem AS problem, o.dialed_at, o.next_check_at AS next_question, o.checks AS questions
FROM distribution_call o
JOIN distribution_channel c ON c.id = o.channel_id
JOIN routing_workspace w ON w.id = o.workspace_id
LEFT JOIN routing_lead l ON l.id = o.lead_id
WHERE o.ended_at IS NULL AND (o.dial = 'unknown' OR o.next_check_at < now())
ORDER BY o.next_check_at LIMIT %(limit)s
"""
# What is due has waited for its own reason already: why it is not called is derived for its workspace.
WAITING: Final = """
SELECT w.slug AS workspace, CASE WHEN v.due_at > now() THEN v.reason ELSE '' END AS waits_because, count(*) AS leads,
    count(*) FILTER (WHERE v.due_at <= now()) AS due, min(v.due_at) AS earliest, w.id AS workspace_id
FROM distribution_verification v JOIN routing_workspace w ON w.id = v.workspace_id
WHERE v.state = 'waiting'
GROUP BY w.id, v.due_at <= now(), 2 ORDER BY due DESC, leads DESC, w.slug, 2 LIMIT %(limit)s
"""
ENDED: Final = """
SELECT outcome, ended_by AS told_by, count(*) AS calls, max(ended_at) AS latest
FROM distribution_call WHERE id > (SELECT coalesce(max(id), 0) FROM distribution_call) - %(searched)s
    AND ended_at > now() - interval '30 minutes'
GROUP BY outcome, ended_by ORDER BY calls DESC, outcome, ended_by LIMIT %(limit)s
"""
WEBHOOKS: Final = """
SELECT kind, CASE WHEN applied_at IS NULL THEN 'waits' ELSE result END AS result, count(*) AS webhooks,
    max(received_at) AS latest
FROM distribution_callnotice WHERE id > (SELECT coalesce(max(id), 0) FROM distribution_callnotice) - %(searched)s
    AND received_at > now() - interval '30 minutes'
GROUP BY 1, 2 ORDER BY webhooks DESC, kind, result LIMIT %(limit)s
"""
# Of each channel, or of all together: the latest ones.
SEARCHED: Final = 5_000


def report_calls(state: CallsState, *, limit: int) -> list[Report]:
    values = {"limit": limit, "searched": SEARCHED, "answered": list(ANSWERED), "rung": list(RUNG)}
    return [
        _total(state),
        read_report("Channels", CHANNELS, values, empty="There is no channel."),
        read_report("Stopped carrier accounts", STOPPED, values, empty="No carrier account is stopped."),
        read_report("Calls in doubt", DOUBTFUL, values, empty="No call is in doubt."),
        _name_waits(
            read_report("Leads that wait for a call", WAITING, values, empty="No lead waits for a call.")
        ),
        read_report(
            "Calls ended in 30 minutes", ENDED, values, empty="No call ended in the last 30 minutes."
        ),
        read_report(
            "Webhooks in 30 minutes", WEBHOOKS, values, empty="No webhook was stored in the last 30 minutes."
        ),
    ]


def _name_waits(report: Report) -> Report:
    """With what holds the due leads of each workspace back, and without the ids."""
    waits = read_queue_waits({row[-1] for row in report.rows if row[3]})
    rows = [
        (slug, waits[workspace].cause if due else reason, leads, due, earliest)
        for slug, reason, leads, due, earliest, workspace in report.rows
    ]
    return replace(report, columns=report.columns[:-1], rows=rows)


def _total(state: CallsState) -> Report:
    columns = (
        "dialers",
        "channels",
        "lines_used",
        "lines_free",
        "due",
        "oldest_due_seconds",
        "in_doubt",
        "webhooks_waiting",
    )
    row = (
        state.dialers,
        *(state.channels, state.lines_used, state.lines_free, state.due, int(state.oldest_due_seconds)),
        *(state.unknown, state.notices),
    )
    return Report("Calls", columns, [row], empty="")
