"""Calls: whether leads are called and verified, what carriers answer, and whether the ends of calls are heard."""

from typing import Final

from leadswitch.levels.alerts.alert import Dashboard
from leadswitch.levels.alerts.call_alerts import ANSWERED, DIALS, ENDED, RUNG, WEBHOOKS
from leadswitch.levels.call_limits import (
    CHECK_MINUTES,
    NO_LINE_MINUTES,
    NOTICE_SECONDS,
    POLLED_SHARE,
    UNKNOWN_MINUTES,
)
from leadswitch.levels.dashboards.board import Board, Panel, Query, Row, Threshold, Unit, View
from leadswitch.levels.dashboards.boards.queries import (
    gauge,
    gauge_by,
    increase,
    increase_by,
    is_one_of,
    percentiles,
)
from leadswitch.levels.dashboards.expressions import Increase, Match, Series, Share

HEARD: Final = is_one_of("by", "webhook", "poll")
OF_LEADS: Final = is_one_of("kind", "verification")


def _share(part: Match, whole: Match, legend: str, *where: Match) -> Query:
    return Query(
        Share(Increase(Series(ENDED, (*where, part))), Increase(Series(ENDED, (*where, whole)))), legend
    )


STATE: Final = Row(
    "Leads to call",
    (
        Panel(
            title="Dialers",
            description="Dialers with a recent heartbeat. Normal: as many as you run.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_dialers", "dialers"),),
            thresholds=(Threshold(0, is_error=True, is_below=True),),
            width=4,
        ),
        Panel(
            title="Open verifications",
            description="Leads that wait for a call (also for hours or another try), are being called, or wait for an"
            " operator.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(gauge_by("state", "leadswitch_verifications_open"),),
        ),
        Panel(
            title="Due for a call",
            description="Leads that are due and wait for a line or for the pace of the carrier, and workspaces without"
            f" a free line for {NO_LINE_MINUTES} minutes.",
            unit=Unit.COUNT,
            queries=(
                gauge("leadswitch_verifications_due", "due"),
                gauge("leadswitch_workspaces_without_line", "workspaces without a line"),
            ),
        ),
        Panel(
            title="Oldest due lead",
            description="How long the lead that waits longest has been due, and the same where a line is free. Normal:"
            " the second is under a second, or as long as the pace of the carrier asks.",
            unit=Unit.SECONDS,
            queries=(
                gauge("leadswitch_verification_oldest_due_age_seconds", "due"),
                gauge("leadswitch_verification_oldest_callable_age_seconds", "due, with a free line"),
            ),
        ),
        Panel(
            title="Verifications ended",
            description="By what they came to. `waits for an operator`: no further call. What the operator decides is"
            " its end.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(
                increase_by("end", "leadswitch_verifications_ended_total"),
                increase("leadswitch_verifications_to_person_total", "waits for an operator"),
            ),
        ),
        Panel(
            title="Time to verify",
            description="From the gate to verified. Retries and calling hours are in it.",
            unit=Unit.SECONDS,
            queries=percentiles("leadswitch_verified_seconds"),
        ),
    ),
)
LINES: Final = Row(
    "Lines",
    (
        Panel(
            title="Lines by state",
            description="Lines in use, and free ones of channels over which calls may go out.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(gauge_by("state", "leadswitch_call_lines"),),
        ),
        Panel(
            title="Channels and accounts",
            description="Channels that can be used, those that are flagged or have more calls than lines, and carrier"
            " accounts that were stopped. Normal: only the first is above 0.",
            unit=Unit.COUNT,
            queries=(
                gauge("leadswitch_channels", "usable"),
                gauge("leadswitch_channels_flagged", "flagged"),
                gauge("leadswitch_channels_over_lines", "over their lines"),
                gauge("leadswitch_carrier_accounts_stopped", "stopped accounts"),
            ),
        ),
        Panel(
            title="From line free to next call",
            description="Time from when a line was free and a lead was due until its call was written. Normal: p95"
            " under 50 ms.",
            unit=Unit.SECONDS,
            queries=percentiles("leadswitch_line_gap_seconds"),
            thresholds=(Threshold(0.5),),
        ),
        Panel(
            title="Missed wakes",
            description="Leads that only the slow pass of a dialer found, failed rounds of dialers, and second calls"
            " for one request. Normal: 0.",
            unit=Unit.COUNT,
            queries=(
                increase("leadswitch_missed_wakes_total", "missed wakes"),
                increase("leadswitch_dialer_failures_total", "failed rounds"),
                increase("leadswitch_second_calls_total", "second calls"),
            ),
        ),
    ),
)
CARRIER: Final = Row(
    "Carrier",
    (
        Panel(
            title="Dials",
            description="Requests to place a call, by outcome. After an unknown one the carrier is asked before"
            " anything else happens.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("outcome", DIALS),),
        ),
        Panel(
            title="Problems of dials",
            description="The same by problem. `invalid_phone` is the lead's; the others are yours or the carrier's.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("problem", DIALS),),
        ),
        Panel(
            title="Time of a dial",
            description="One request to place a call. The time since the last one is in seconds as well.",
            unit=Unit.SECONDS,
            queries=(
                *percentiles("leadswitch_dial_seconds"),
                gauge("leadswitch_last_dial_age_seconds", "since the last one"),
            ),
        ),
        Panel(
            title="Dials of which nothing is known",
            description="Open calls that the carrier may have placed, and the age of the oldest. Normal: 0, or for a"
            f" minute after a lost answer; an alert at {UNKNOWN_MINUTES} minutes.",
            unit=Unit.COUNT,
            queries=(
                gauge("leadswitch_dials_unknown", "unknown"),
                gauge("leadswitch_dial_oldest_unknown_age_seconds", "oldest, in seconds"),
            ),
        ),
        Panel(
            title="Questions to the carrier",
            description="Times that the carrier was asked about a call, by what it said.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("result", "leadswitch_call_checks_total"),),
        ),
    ),
)
ENDS: Final = Row(
    "Calls and webhooks",
    (
        Panel(
            title="Open calls",
            description="Calls that have not ended, by state. Each holds a line.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(gauge_by("state", "leadswitch_calls_open"),),
        ),
        Panel(
            title="Calls ended",
            description="By what they came to.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("outcome", ENDED),),
        ),
        Panel(
            title="Answer rate",
            description="Calls that a person answered, of those that rang, without test calls. A rate that halves means"
            " that the number is flagged as spam.",
            unit=Unit.SHARE,
            queries=(
                _share(is_one_of("outcome", *ANSWERED), is_one_of("outcome", *RUNG), "answered", OF_LEADS),
            ),
        ),
        Panel(
            title="Ends that the carrier had to be asked for",
            description="Of the calls that ended, those whose webhook did not come. Normal: under 2%.",
            unit=Unit.SHARE,
            queries=(_share(is_one_of("by", "poll"), HEARD, "asked for"),),
            thresholds=(Threshold(POLLED_SHARE),),
        ),
        Panel(
            title="Webhooks about calls by result",
            description="Normal: applied, some nothing_new or repeated; no bad_signature and no unknown_call.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("result", WEBHOOKS),),
        ),
        Panel(
            title="Webhooks about calls by kind",
            description="The same by kind: state, script, pressed key, recording.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("kind", WEBHOOKS),),
        ),
        Panel(
            title="Webhooks that are not applied",
            description=f"Normal: applied within a second; an alert at {NOTICE_SECONDS} s.",
            unit=Unit.COUNT,
            queries=(
                gauge("leadswitch_call_notices_waiting", "waiting"),
                gauge("leadswitch_call_notice_oldest_age_seconds", "oldest, in seconds"),
            ),
        ),
        Panel(
            title="Overdue questions",
            description="How long ago the carrier should have been asked about the open call that waits longest for it."
            f" Normal: seconds; an alert at {CHECK_MINUTES} minutes.",
            unit=Unit.SECONDS,
            queries=(gauge("leadswitch_call_overdue_check_age_seconds", "overdue"),),
            thresholds=(Threshold(CHECK_MINUTES * 60),),
        ),
    ),
)
CALLS: Final = Board(
    Dashboard.CALLS,
    "Calls",
    "Whether leads are called and verified, what carriers answer, and whether the ends of calls are heard.",
    (STATE, LINES, CARRIER, ENDS),
)
