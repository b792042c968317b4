"""Alerts on verification calls: whether they go out, and whether their ends are heard.

Carriers, channels and accounts have no labels: `manage.py calls` names them.
"""

from typing import Any, Final

from leadswitch.levels.alerts.alert import COUNT, Alert, Dashboard, Job, Severity
from leadswitch.levels.call_limits import (
    ANSWER_HOURS,
    CHECK_MINUTES,
    HALTED_MINUTES,
    LEAST_DIALS,
    LEAST_ENDED,
    LEAST_RUNG,
    LIMIT_REFUSALS,
    NO_LINE_MINUTES,
    NOTICE_SECONDS,
    POLLED_SHARE,
    REFUSED_WEBHOOKS,
    UNANSWERED_SHARE,
    UNKNOWN_CALLS,
    UNKNOWN_MINUTES,
)

# No channel can be used: no dialer is expected. Without the series one is.
NO_CHANNELS: Final = "max(leadswitch_channels) == 0"
ENDED: Final = "leadswitch_calls_ended_total"
DIALS: Final = "leadswitch_dials_total"
WEBHOOKS: Final = "leadswitch_call_webhooks_total"
UNANSWERED: Final = ("unreachable", "no_answer", "carrier_failed", "bad_answer")
# A person answered, or the phone rang.
ANSWERED: Final = ("confirmed", "declined", "opted_out", "no_input")
RUNG: Final = (*ANSWERED, "voicemail", "busy", "no_answer")
ANSWER_RATE: Final = f"calls:answered:ratio_increase{ANSWER_HOURS}h"
CALLS_RUNG: Final = f"calls:rung:increase{ANSWER_HOURS}h"
DURATION: Final = "{{ $value | humanizeDuration }}"
SHARE: Final = "{{ $value | humanizePercentage }}"


def make_call_recordings() -> list[dict[str, Any]]:
    """How many phones rang, and how many of them a person answered. No series without calls.

    Operators answer their test calls.
    """
    answered, rung = (
        f'sum(increase({ENDED}{{kind="verification",outcome=~"{"|".join(each)}"}}[{ANSWER_HOURS}h]))'
        for each in (ANSWERED, RUNG)
    )
    return [
        {"record": CALLS_RUNG, "expr": rung},
        {"record": ANSWER_RATE, "expr": f"{answered}\n/ ({rung} > 0)"},
    ]


def _count(name: str, minutes: int, **labels: str) -> str:
    where = ",".join(f'{label}=~"{value}"' for label, value in labels.items())
    return f"sum(increase({name}{{{where}}}[{minutes}m]))" if where else f"sum(increase({name}[{minutes}m]))"


GOING_OUT: Final = (
    Alert(
        name="LeadSwitchCallsHalted",
        severity=Severity.PAGE,
        kind="calls",
        reads=Job.EXPORTER,
        # Two signs that something moves: a dialer may be unable to show its counters.
        expression=(
            f"max(leadswitch_verification_oldest_callable_age_seconds) > {HALTED_MINUTES * 60}\n"
            f"unless (max(leadswitch_last_dial_age_seconds) <= {HALTED_MINUTES * 60}"
            f" or {_count(DIALS, HALTED_MINUTES)} > 0)"
        ),
        holds_for="1m",
        keep_firing_for="2m",
        summary=(
            f"A lead has been due for a call for {DURATION} while a line is free, and no call was placed for"
            f" {HALTED_MINUTES} minutes."
        ),
        normal="a due lead is called within a second while a line is free",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchCarrierStopped",
        severity=Severity.PAGE,
        kind="carrier-stopped",
        reads=Job.EXPORTER,
        expression="max(leadswitch_carrier_accounts_stopped) > 0",
        holds_for="1m",
        summary=f"Carrier accounts that refuse every call and were stopped: {COUNT}.",
        normal="0; an account is stopped when the carrier refuses its token, or has a day of calls in its queue",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchCarrierUnreachable",
        severity=Severity.WARNING,
        kind="carrier",
        reads=Job.DIALER,
        expression=(
            f"{_count(DIALS, 10, problem='|'.join(UNANSWERED))} / {_count(DIALS, 10)} > {UNANSWERED_SHARE:g}\n"
            f"and {_count(DIALS, 10, problem='|'.join(UNANSWERED))} >= {LEAST_DIALS}"
        ),
        holds_for="2m",
        keep_firing_for="5m",
        summary=f"{SHARE} of the requests to place a call in 10 minutes had no answer from the carrier.",
        normal="under 1%",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchCarrierLimit",
        severity=Severity.WARNING,
        kind="carrier-limit",
        reads=Job.DIALER,
        expression=f"{_count(DIALS, 30, problem='concurrency')} >= {LIMIT_REFUSALS}",
        keep_firing_for="5m",
        summary=f"Calls that a carrier refused in 30 minutes because an account had as many as it may: {COUNT}.",
        normal="0",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchNoLine",
        severity=Severity.WARNING,
        kind="lines",
        reads=Job.EXPORTER,
        expression="max(leadswitch_workspaces_without_line) > 0",
        holds_for="1m",
        keep_firing_for="5m",
        summary=f"Workspaces with leads due for {NO_LINE_MINUTES} minutes and no free line: {COUNT}.",
        normal="0; a burst of leads shows here",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchChannelsFlagged",
        severity=Severity.WARNING,
        kind="channels-flagged",
        reads=Job.EXPORTER,
        expression="max(leadswitch_channels_flagged) > 0",
        holds_for="1m",
        summary=f"Channels that place no calls because their number is flagged: {COUNT}.",
        normal="0",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchAnswerRateHalved",
        severity=Severity.WARNING,
        kind="answers",
        expression=(
            f"{ANSWER_RATE} / ({ANSWER_RATE} offset 1w) < 0.5\n"
            f"and {CALLS_RUNG} >= {LEAST_RUNG} and {CALLS_RUNG} offset 1w >= {LEAST_RUNG}"
        ),
        holds_for="15m",
        keep_firing_for="15m",
        summary=f"In {ANSWER_HOURS} hours people answered {SHARE} as often as a week before.",
        normal="80% to 120% of the week before",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchMissedWakes",
        severity=Severity.WARNING,
        kind="missed-wakes",
        reads=Job.DIALER,
        expression=f"{_count('leadswitch_missed_wakes_total', 30)} > 0",
        keep_firing_for="5m",
        summary=f"Leads that only the slow pass of a dialer found in 30 minutes: {COUNT}.",
        normal="0",
        dashboard=Dashboard.CALLS,
    ),
)
HEARD: Final = (
    Alert(
        name="LeadSwitchLineDrift",
        severity=Severity.WARNING,
        kind="line-drift",
        reads=Job.EXPORTER,
        expression="max(leadswitch_channels_over_lines) > 0",
        holds_for="10m",
        summary=f"Channels that have had more open calls than lines for 10 minutes: {COUNT}.",
        normal="0; minutes after somebody lowered the lines",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchCallChecksLate",
        severity=Severity.WARNING,
        kind="call-checks",
        reads=Job.EXPORTER,
        expression=f"max(leadswitch_call_overdue_check_age_seconds) > {CHECK_MINUTES * 60}",
        holds_for="1m",
        summary=f"The carrier should have been asked about an open call {DURATION} ago. Its line is taken.",
        normal="seconds",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchDialsUnknown",
        severity=Severity.WARNING,
        kind="unknown-dials",
        reads=Job.EXPORTER,
        expression=f"max(leadswitch_dial_oldest_unknown_age_seconds) > {UNKNOWN_MINUTES * 60}",
        holds_for="1m",
        summary=f"For {DURATION} it has not been known whether the carrier placed a call.",
        normal="0; a minute or two after an answer was lost",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchSecondCalls",
        severity=Severity.WARNING,
        kind="second-calls",
        expression=f"{_count('leadswitch_second_calls_total', 15)} > 0",
        keep_firing_for="15m",
        summary=f"Second calls, and calls that came after they were given up, in 15 minutes: {COUNT}.",
        normal="0 such calls",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchCallWebhooksRefused",
        severity=Severity.WARNING,
        kind="call-signatures",
        reads=Job.WEB,
        # Only the carrier knows the address of a call. Anybody can send to another one, which is unknown_address.
        expression=f"{_count(WEBHOOKS, 30, result='bad_signature')} >= {REFUSED_WEBHOOKS}",
        holds_for="5m",
        summary=f"Webhooks about calls with a wrong signature in 30 minutes: {COUNT}.",
        normal="0 refused",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchCallWebhooksLost",
        severity=Severity.WARNING,
        kind="call-webhooks",
        expression=(
            f"{_count(ENDED, 30, by='poll')} / {_count(ENDED, 30, by='webhook|poll')} > {POLLED_SHARE:g}\n"
            f"and {_count(ENDED, 30, by='webhook|poll')} >= {LEAST_ENDED}"
        ),
        holds_for="5m",
        keep_firing_for="5m",
        summary=f"Of {SHARE} of the calls that ended in 30 minutes, the carrier had to be asked.",
        normal="under 2%",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchUnknownCalls",
        severity=Severity.WARNING,
        kind="unknown-calls",
        reads=Job.WEB,
        expression=f"{_count(WEBHOOKS, 30, result='unknown_call')} >= {UNKNOWN_CALLS}",
        holds_for="5m",
        summary=f"Webhooks about calls that LeadSwitch does not have, in 30 minutes: {COUNT}.",
        normal="0 such webhooks",
        dashboard=Dashboard.CALLS,
    ),
    Alert(
        name="LeadSwitchCallNoticesWaiting",
        severity=Severity.WARNING,
        kind="call-notices",
        reads=Job.EXPORTER,
        expression=f"max(leadswitch_call_notice_oldest_age_seconds) > {NOTICE_SECONDS}",
        holds_for="2m",
        keep_firing_for="2m",
        summary=f"A webhook about a call has not been applied for {DURATION}.",
        normal="applied within a second",
        dashboard=Dashboard.CALLS,
    ),
)
CALL_ALERTS: Final = (*GOING_OUT, *HEARD)
