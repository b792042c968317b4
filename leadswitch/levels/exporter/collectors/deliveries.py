"""Messages to buyers that are due or wait for a person, failing endpoints, open holds and return requests."""

from typing import Final

from leadswitch.levels.deliveries import read_deliveries
from leadswitch.levels.delivery_limits import DELIVERER_ALIVE_SECONDS, FAILED_MESSAGES, FAILING_MINUTES
from leadswitch.levels.exporter.collectors.limits import AT_MOST
from leadswitch.levels.exporter.series import CollectorRow, Series, Value, Values

DELIVERERS: Final = Series(
    "leadswitch_deliverers",
    f"Deliverers that sent a heartbeat to PostgreSQL in the last {DELIVERER_ALIVE_SECONDS} s.",
)
ENDPOINTS: Final = Series(
    "leadswitch_endpoints", "Endpoints of buyers that are on. Without one, no deliverer is needed."
)
FAILING: Final = Series(
    "leadswitch_endpoints_failing",
    (
        f"Endpoints that are on and had no success for {FAILING_MINUTES} minutes, while {FAILED_MESSAGES} messages or"
        " more failed."
    ),
)
DUE: Final = Series(
    "leadswitch_deliveries_due",
    f"Messages that are due at endpoints that are on, and not being sent. {AT_MOST}",
)
OLDEST_DUE: Final = Series(
    "leadswitch_delivery_oldest_due_age_seconds",
    "How long the message that waits longest has been due at an endpoint that is on; 0: none is due.",
)
LAST_TRY: Final = Series(
    "leadswitch_delivery_last_try_age_seconds", "Time since a deliverer last began to send a message."
)
UNKNOWN: Final = Series(
    "leadswitch_deliveries_unknown",
    f"Messages of which nobody knows whether the buyer has them. A person must decide. {AT_MOST}",
)
OLDEST_UNKNOWN: Final = Series(
    "leadswitch_delivery_oldest_unknown_age_seconds",
    "How long the oldest of them has waited for a person, since its last try; 0: none waits.",
)
HOLDS: Final = Series(
    "leadswitch_holds_open", f"Sales whose price is held until the buyer's system answers. {AT_MOST}"
)
OLDEST_HOLD: Final = Series(
    "leadswitch_hold_oldest_age_seconds", "How long the oldest open hold has been held; 0: none is open."
)
RETURNS: Final = Series("leadswitch_return_requests_open", f"Return requests that wait for review. {AT_MOST}")
OLDEST_RETURN: Final = Series(
    "leadswitch_return_request_oldest_age_seconds",
    "How long the oldest return request has waited for review; 0: none waits.",
)


def read() -> Values:
    """The figures of `manage.py deliveries`."""
    state = read_deliveries()
    values: dict[Series, Value] = {
        DELIVERERS: state.deliverers,
        ENDPOINTS: state.endpoints,
        FAILING: state.failing,
        DUE: state.due.count,
        OLDEST_DUE: state.due.oldest_seconds,
        UNKNOWN: state.unknown.count,
        OLDEST_UNKNOWN: state.unknown.oldest_seconds,
        HOLDS: state.holds.count,
        OLDEST_HOLD: state.holds.oldest_seconds,
        RETURNS: state.returns.count,
        OLDEST_RETURN: state.returns.oldest_seconds,
    }
    return values if state.last_try_seconds is None else {**values, LAST_TRY: state.last_try_seconds}


DELIVERIES: Final = CollectorRow(
    "deliveries",
    (
        *(DELIVERERS, ENDPOINTS, FAILING, DUE, OLDEST_DUE, LAST_TRY),
        *(UNKNOWN, OLDEST_UNKNOWN, HOLDS, OLDEST_HOLD, RETURNS, OLDEST_RETURN),
    ),
    read,
)
