"""Verifications that wait, lines and open calls, and what is overdue. Without tenants: figures of all workspaces."""

from typing import Final

from leadswitch.levels.call_limits import DIALER_ALIVE_SECONDS, NO_LINE_MINUTES
from leadswitch.levels.calls import CallsState, read_calls
from leadswitch.levels.exporter.collectors.limits import AT_MOST
from leadswitch.levels.exporter.series import CollectorRow, Series, Value, Values

DIALERS: Final = Series(
    "leadswitch_dialers",
    f"Dialers that sent a heartbeat to PostgreSQL in the last {DIALER_ALIVE_SECONDS} s.",
)
CHANNELS: Final = Series(
    "leadswitch_channels",
    (
        "Channels over which calls may go out: enabled, not flagged, of an account that is enabled and not stopped."
        " Without one, no dialer is needed."
    ),
)
FLAGGED: Final = Series(
    "leadswitch_channels_flagged", "Enabled channels whose number is flagged. No call goes out over them."
)
OVER_LINES: Final = Series(
    "leadswitch_channels_over_lines",
    "Channels with more open calls than lines. Normal: 0, or for minutes after somebody lowered the lines.",
)
LINES: Final = Series(
    "leadswitch_call_lines",
    "Lines by state: used (each open call), free (of channels over which calls may go out).",
    "state",
)
STOPPED: Final = Series(
    "leadswitch_carrier_accounts_stopped",
    "Enabled carrier accounts that were stopped because the carrier refused the account.",
)
CALLS: Final = Series(
    "leadswitch_calls_open",
    "Calls that have not ended, by state: created, dialing, queued, ringing, in_progress.",
    "state",
)
VERIFICATIONS: Final = Series(
    "leadswitch_verifications_open",
    f"Verifications that are open, by state: waiting, calling, person (an operator must decide). {AT_MOST}",
    "state",
)
DUE: Final = Series(
    "leadswitch_verifications_due",
    f"Verifications that are due for a call and wait for a line or the pace of the carrier. {AT_MOST}",
)
OLDEST_DUE: Final = Series(
    "leadswitch_verification_oldest_due_age_seconds",
    "How long the verification that waits longest has been due; 0: none is due. Paused workspaces are left out.",
)
OLDEST_CALLABLE: Final = Series(
    "leadswitch_verification_oldest_callable_age_seconds",
    "The same, of workspaces that have a free line within the hours of its channel.",
)
WITHOUT_LINE: Final = Series(
    "leadswitch_workspaces_without_line",
    (
        f"Workspaces that have no free line and a verification that has been due for over {NO_LINE_MINUTES} minutes."
        " Outside the hours of their channels they are left out."
    ),
)
LAST_DIAL: Final = Series(
    "leadswitch_last_dial_age_seconds", "Time since a call was last placed over any channel."
)
OVERDUE_CHECK: Final = Series(
    "leadswitch_call_overdue_check_age_seconds",
    "How long ago the carrier should have been asked about the open call that waits longest for it; 0: none waits.",
)
UNKNOWN: Final = Series(
    "leadswitch_dials_unknown", "Open calls of which it is not known whether the carrier placed them."
)
OLDEST_UNKNOWN: Final = Series(
    "leadswitch_dial_oldest_unknown_age_seconds", "Time since the oldest of them was dialed; 0: none."
)
NOTICES: Final = Series(
    "leadswitch_call_notices_waiting", f"Webhooks of carriers that are stored and not applied. {AT_MOST}"
)
OLDEST_NOTICE: Final = Series(
    "leadswitch_call_notice_oldest_age_seconds", "Age of the oldest of them; 0: none waits."
)


def read() -> Values:
    """The figures of `manage.py calls`."""
    state = read_calls()
    values: dict[Series, Value] = {**_read_now(state), **_read_ages(state)}
    return values if state.last_dial_seconds is None else {**values, LAST_DIAL: state.last_dial_seconds}


def _read_now(state: CallsState) -> dict[Series, Value]:
    return {
        DIALERS: state.dialers,
        CHANNELS: state.channels,
        FLAGGED: state.flagged,
        OVER_LINES: state.over_lines,
        LINES: {"used": state.lines_used, "free": state.lines_free},
        STOPPED: state.accounts_stopped,
        CALLS: state.calls,
        VERIFICATIONS: state.verifications,
        DUE: state.due,
        WITHOUT_LINE: state.workspaces_without_line,
        UNKNOWN: state.unknown,
        NOTICES: state.notices,
    }


def _read_ages(state: CallsState) -> dict[Series, Value]:
    return {
        OLDEST_DUE: state.oldest_due_seconds,
        OLDEST_CALLABLE: state.callable_seconds,
        OVERDUE_CHECK: state.overdue_check_seconds,
        OLDEST_UNKNOWN: state.oldest_unknown_seconds,
        OLDEST_NOTICE: state.oldest_notice_seconds,
    }


CALLS_ROW: Final = CollectorRow(
    "calls",
    (
        *(
            DIALERS,
            CHANNELS,
            FLAGGED,
            OVER_LINES,
            LINES,
            STOPPED,
            CALLS,
            VERIFICATIONS,
            DUE,
            WITHOUT_LINE,
            UNKNOWN,
            NOTICES,
        ),
        *(OLDEST_DUE, OLDEST_CALLABLE, OVERDUE_CHECK, OLDEST_UNKNOWN, OLDEST_NOTICE, LAST_DIAL),
    ),
    read,
)
