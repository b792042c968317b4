"""How verification calls are doing: what the exporter, the alerts and `manage.py calls` show.

Reads only, through indexes of what is open or waiting: ended calls and verifications cost nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from distribution.calls.queue_waits import read_queue_waits
from distribution.models import OPEN_VERIFICATIONS, CallState
from leadswitch.levels.call_limits import (
    CHECK_MINUTES,
    DIALER_ALIVE_SECONDS,
    HALTED_MINUTES,
    NO_LINE_MINUTES,
    NOTICE_SECONDS,
    UNKNOWN_MINUTES,
)
from leadswitch.levels.exporter.collectors.limits import COUNTED_TO
from leadswitch.levels.rows import fetch_row, fetch_rows

# `usable`: calls may go out over it, as far as a person or the carrier decides that.
CHANNELS: Final = """
channels AS MATERIALIZED (
    SELECT c.workspace_id, c.lines, c.flagged_at IS NOT NULL AND c.is_enabled AS flagged,
        c.is_enabled AND c.flagged_at IS NULL AND a.is_enabled AND a.stopped_at IS NULL AS usable,
        (SELECT count(*) FROM distribution_call o WHERE o.channel_id = c.id AND o.ended_at IS NULL) AS used
    FROM distribution_channel c JOIN distribution_carrieraccount a ON a.id = c.account_id
)
"""
COUNT_CHANNELS: Final = f"""
WITH {CHANNELS}
SELECT count(*) FILTER (WHERE usable), count(*) FILTER (WHERE flagged), count(*) FILTER (WHERE used > lines),
    coalesce(sum(used), 0)::int, coalesce(sum(greatest(lines - used, 0)) FILTER (WHERE usable), 0)::int
FROM channels
"""  # noqa: S608 - only constants are put in
COUNT_DIALERS: Final = """
SELECT count(*), count(*) FILTER (WHERE has_address) FROM distribution_dialer
WHERE seen_at > statement_timestamp() - make_interval(secs => %(alive)s)
"""
COUNT_STOPPED: Final = (
    "SELECT count(*) FROM distribution_carrieraccount WHERE is_enabled AND stopped_at IS NOT NULL"
)
COUNT_CALLS: Final = "SELECT state, count(*) FROM distribution_call WHERE ended_at IS NULL GROUP BY state"
# One probe of the queue's index for each workspace. What waits for hours, a policy or a person is not due.
FIND_DUE: Final = """
SELECT w.id, extract(epoch FROM statement_timestamp() - greatest(oldest.due_at, w.resumed_at))::float
FROM routing_workspace w
CROSS JOIN LATERAL (
    SELECT v.due_at FROM distribution_verification v WHERE v.workspace_id = w.id AND v.state = 'waiting'
    ORDER BY v.due_at, v.id LIMIT 1
) oldest
WHERE w.paused_at IS NULL AND oldest.due_at <= statement_timestamp()
    AND NOT EXISTS (SELECT FROM routing_dispatchcontrol WHERE id = 1 AND paused_at IS NOT NULL)
"""
# What holds the due leads of a workspace back while a line of it is free.
WITH_LINE: Final = ("", "paced")
# Outside the hours of its channels a workspace has no line, and needs none: it is called by itself when they begin.
WITHOUT_LINE: Final = ("no_line", "no_channel", "account_stopped")
COUNT_VERIFICATIONS: Final = """
SELECT counted.state, count(*), count(*) FILTER (WHERE counted.due_at <= statement_timestamp()) FROM (
    SELECT state, due_at FROM distribution_verification WHERE ended_at IS NULL LIMIT %(limit)s
) counted GROUP BY counted.state
"""
READ_OPEN: Final = """
SELECT
    coalesce(extract(epoch FROM statement_timestamp() - min(next_check_at)), 0)::float,
    count(*) FILTER (WHERE dial = 'unknown'),
    coalesce(extract(epoch FROM statement_timestamp() - min(dialed_at) FILTER (WHERE dial = 'unknown')), 0)::float
FROM distribution_call WHERE ended_at IS NULL
"""
READ_NOTICES: Final = """
SELECT count(*), coalesce(extract(epoch FROM statement_timestamp() - min(received_at)), 0)::float
FROM (
    SELECT received_at FROM distribution_callnotice
    WHERE applied_at IS NULL AND result = '' ORDER BY id LIMIT %(limit)s
) waiting
"""
LAST_DIAL: Final = """
SELECT extract(epoch FROM statement_timestamp() - max(last_dialed_at))::float FROM distribution_channel
HAVING max(last_dialed_at) IS NOT NULL
"""
NO_ADDRESS: Final = (
    "Leads are due, and no dialer has a LEADSWITCH_BASE_URL: no carrier can call LeadSwitch back, so nobody is called. "
    "Set it to the public address, and restart the dialers."
)
VALUES: Final = {"alive": DIALER_ALIVE_SECONDS, "limit": COUNTED_TO}
OPEN_STATES: Final = tuple(state.value for state in CallState if state is not CallState.ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsState:
    """Ages are 0 if there is nothing of the kind. `last_dial_seconds` None: no call was ever placed.

    `callable_seconds`: how long the oldest lead has been due in a workspace that has a free line in its hours.
    """

    dialers: int
    dialers_with_address: int
    channels: int
    flagged: int
    over_lines: int
    lines_used: int
    lines_free: int
    accounts_stopped: int
    calls: Mapping[str, int]
    verifications: Mapping[str, int]
    due: int
    oldest_due_seconds: float
    callable_seconds: float
    workspaces_without_line: int
    overdue_check_seconds: float
    unknown: int
    oldest_unknown_seconds: float
    notices: int
    oldest_notice_seconds: float
    last_dial_seconds: float | None

    @property
    def is_dialer_missing(self) -> bool:
        """Calls that are out need one too: nobody else hears of their ends within seconds."""
        return not self.dialers and bool(self.channels or self.lines_used)

    @property
    def is_halted(self) -> bool:
        limit = HALTED_MINUTES * 60
        is_quiet = self.last_dial_seconds is None or self.last_dial_seconds > limit
        return self.callable_seconds > limit and is_quiet


@dataclass(frozen=True, slots=True)
class DueQueue:
    """A workspace with due leads. `wait`: what they wait for, as dialers judge it. "": nothing."""

    seconds: float
    wait: str


def _read_due() -> list[DueQueue]:
    """The channels are read of workspaces with a due lead alone. A missing address is a problem of its own."""
    oldest = dict(fetch_rows(FIND_DUE))
    waits = read_queue_waits(oldest, with_address=False)
    return [DueQueue(seconds, waits[key].reason) for key, seconds in oldest.items() if key in waits]


def read_calls() -> CallsState:
    channels, flagged, over_lines, used, free = fetch_row(COUNT_CHANNELS)
    (dialers, with_address), (stopped,) = fetch_row(COUNT_DIALERS, VALUES), fetch_row(COUNT_STOPPED)
    due = _read_due()
    rows = fetch_rows(COUNT_VERIFICATIONS, VALUES)
    overdue, unknown, oldest_unknown = fetch_row(READ_OPEN)
    notices, oldest_notice = fetch_row(READ_NOTICES, VALUES)
    return CallsState(
        dialers=dialers,
        dialers_with_address=with_address,
        channels=channels,
        flagged=flagged,
        over_lines=over_lines,
        lines_used=used,
        lines_free=free,
        accounts_stopped=stopped,
        calls={**dict.fromkeys(OPEN_STATES, 0), **dict(fetch_rows(COUNT_CALLS))},
        verifications={
            **dict.fromkeys(OPEN_VERIFICATIONS, 0),
            **{state: number for state, number, _ in rows},
        },
        due=sum(due for *_, due in rows),
        oldest_due_seconds=max((each.seconds for each in due), default=0.0),
        callable_seconds=max((each.seconds for each in due if each.wait in WITH_LINE), default=0.0),
        workspaces_without_line=sum(
            each.wait in WITHOUT_LINE and each.seconds > NO_LINE_MINUTES * 60 for each in due
        ),
        overdue_check_seconds=max(0.0, overdue),
        unknown=unknown,
        oldest_unknown_seconds=oldest_unknown,
        notices=notices,
        oldest_notice_seconds=oldest_notice,
        last_dial_seconds=next((seconds for (seconds,) in fetch_rows(LAST_DIAL)), None),
    )


def find_call_problems(state: CallsState) -> Iterator[str]:
    """What `manage.py calls` reports, at the limits of the alerts."""
    if state.is_dialer_missing:
        yield f"No dialer has sent a heartbeat in the last {DIALER_ALIVE_SECONDS} s. Start one."
    yield from _find_halt(state)
    if state.accounts_stopped:
        yield f"Carrier accounts that are stopped: {state.accounts_stopped:,}. Find the cause, then start them again."
    if state.workspaces_without_line:
        without = f"{state.workspaces_without_line:,}"
        yield f"Workspaces with leads due for {NO_LINE_MINUTES} minutes and no free line: {without}."
    if state.flagged:
        yield f"Channels that are flagged: {state.flagged:,}. No call goes out over them."
    if state.over_lines:
        yield f"Channels with more calls than lines: {state.over_lines:,}."
    for what, count, seconds, limit in (
        (
            "Calls that may have been placed",
            state.unknown,
            state.oldest_unknown_seconds,
            UNKNOWN_MINUTES * 60,
        ),
        ("Webhooks that are not applied", state.notices, state.oldest_notice_seconds, NOTICE_SECONDS),
    ):
        if seconds > limit:
            yield f"{what}: {count:,}. The oldest is {int(seconds):,} seconds old."
    if state.overdue_check_seconds > CHECK_MINUTES * 60:
        yield f"The carrier should have been asked about a call {int(state.overdue_check_seconds):,} seconds ago."


def _find_halt(state: CallsState) -> Iterator[str]:
    if state.due and state.dialers and not state.dialers_with_address:
        yield NO_ADDRESS
    elif state.is_halted:
        yield f"Leads are due and lines are free, and no call was placed for {HALTED_MINUTES} minutes."
