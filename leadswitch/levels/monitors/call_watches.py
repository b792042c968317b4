"""The conditions of the alerts on verification calls."""

from typing import Final

from leadswitch.levels.alerts.call_alerts import ANSWERED, DIALS, ENDED, RUNG, UNANSWERED, WEBHOOKS
from leadswitch.levels.call_limits import (
    ANSWER_HOURS,
    CHECK_MINUTES,
    HALTED_MINUTES,
    LEAST_DIALS,
    LEAST_ENDED,
    LEAST_RUNG,
    LIMIT_REFUSALS,
    NOTICE_SECONDS,
    POLLED_SHARE,
    REFUSED_WEBHOOKS,
    UNANSWERED_SHARE,
    UNKNOWN_CALLS,
    UNKNOWN_MINUTES,
)
from leadswitch.levels.dashboards.boards.queries import is_one_of
from leadswitch.levels.dashboards.expressions import Gauge, Series, Share
from leadswitch.levels.monitors.condition import Compare, Condition, Watch, WindowAggregation
from leadswitch.levels.monitors.forms import above, at_least, increase, more, share

HALTED: Final = Watch(
    (
        Condition(
            part="oldest due",
            expression=Gauge(Series("leadswitch_verification_oldest_callable_age_seconds")),
            aggregation=WindowAggregation.MIN,
            window="1m",
            compare=Compare.ABOVE,
            limit=HALTED_MINUTES * 60,
            tells_no_data=True,
        ),
        Condition(
            part="last dial",
            expression=Gauge(Series("leadswitch_last_dial_age_seconds")),
            aggregation=WindowAggregation.MAX,
            window="1m",
            compare=Compare.ABOVE,
            limit=HALTED_MINUTES * 60,
        ),
        Condition(
            part="no dial",
            expression=increase(DIALS),
            aggregation=WindowAggregation.SUM,
            window=f"{HALTED_MINUTES}m",
            compare=Compare.EQUAL,
            limit=0,
            is_zero_without_data=True,
        ),
    )
)
UNREACHABLE: Final = Watch(
    (
        share(
            increase(DIALS, is_one_of("problem", *UNANSWERED)),
            increase(DIALS),
            "10m",
            Compare.ABOVE,
            UNANSWERED_SHARE,
        ),
        at_least(increase(DIALS, is_one_of("problem", *UNANSWERED)), "10m", LEAST_DIALS),
    )
)
LOST: Final = Watch(
    (
        share(
            increase(ENDED, is_one_of("by", "poll")),
            increase(ENDED, is_one_of("by", "webhook", "poll")),
            "30m",
            Compare.ABOVE,
            POLLED_SHARE,
        ),
        at_least(increase(ENDED, is_one_of("by", "webhook", "poll")), "30m", LEAST_ENDED),
    )
)
# Operators answer their test calls.
OF_LEADS: Final = is_one_of("kind", "verification")
HALVED: Final = Watch(
    (
        Condition(
            part="share",
            expression=Share(
                increase(ENDED, OF_LEADS, is_one_of("outcome", *ANSWERED)),
                increase(ENDED, OF_LEADS, is_one_of("outcome", *RUNG)),
            ),
            aggregation=WindowAggregation.SUM,
            window=f"{ANSWER_HOURS}h",
            compare=Compare.BELOW,
            limit=-50,
            compared_with="1w",
        ),
        at_least(increase(ENDED, OF_LEADS, is_one_of("outcome", *RUNG)), f"{ANSWER_HOURS}h", LEAST_RUNG),
    ),
    summary="How often people answer changed by {{value}} % within a week.",
)
CALL_WATCHES: Final[dict[str, Watch]] = {
    "LeadSwitchCallsHalted": HALTED,
    "LeadSwitchCarrierStopped": above("leadswitch_carrier_accounts_stopped", 0, "1m"),
    "LeadSwitchCarrierUnreachable": UNREACHABLE,
    "LeadSwitchCarrierLimit": Watch(
        (at_least(increase(DIALS, is_one_of("problem", "concurrency")), "30m", LIMIT_REFUSALS),)
    ),
    "LeadSwitchNoLine": above("leadswitch_workspaces_without_line", 0, "1m"),
    "LeadSwitchChannelsFlagged": above("leadswitch_channels_flagged", 0, "1m"),
    "LeadSwitchAnswerRateHalved": HALVED,
    "LeadSwitchMissedWakes": more(increase("leadswitch_missed_wakes_total"), "30m", 0),
    "LeadSwitchLineDrift": above("leadswitch_channels_over_lines", 0, "10m"),
    "LeadSwitchCallChecksLate": above("leadswitch_call_overdue_check_age_seconds", CHECK_MINUTES * 60, "1m"),
    "LeadSwitchDialsUnknown": above("leadswitch_dial_oldest_unknown_age_seconds", UNKNOWN_MINUTES * 60, "1m"),
    "LeadSwitchSecondCalls": more(increase("leadswitch_second_calls_total"), "15m", 0),
    "LeadSwitchCallWebhooksRefused": Watch(
        (at_least(increase(WEBHOOKS, is_one_of("result", "bad_signature")), "30m", REFUSED_WEBHOOKS),)
    ),
    "LeadSwitchCallWebhooksLost": LOST,
    "LeadSwitchUnknownCalls": Watch(
        (at_least(increase(WEBHOOKS, is_one_of("result", "unknown_call")), "30m", UNKNOWN_CALLS),)
    ),
    "LeadSwitchCallNoticesWaiting": above("leadswitch_call_notice_oldest_age_seconds", NOTICE_SECONDS, "2m"),
}
