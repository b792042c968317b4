"""Who leads, how many workers are alive, what is paused or late, and how workspaces find their due leads."""

from typing import Final

from redis.exceptions import RedisError

from leadswitch.levels.exporter.series import CollectorRow, Series, Value, Values
from leadswitch.levels.rows import fetch_row, fetch_rows
from routing.dispatch import workers
from routing.dispatch.canary import read_canary
from routing.dispatch.control import find_leaders, read_control
from routing.dispatch.schedule import TIMEOUT_SECONDS
from routing.last_runs import LATE_AFTER_PERIODS, read_runs
from routing.models import DispatchMode
from routing.redis.client import get_client
from routing.redis.keys import dispatcher_key
from tracing.reconciling import LONGEST_RUN_SECONDS

LEADERS: Final = Series(
    "leadswitch_leaders",
    "Dispatchers that lead: by a recent heartbeat in PostgreSQL, or by the lease in Redis. 1 is normal.",
)
WORKERS: Final = Series(
    "leadswitch_workers", "Workers with a recent heartbeat in Redis. Not shown while Redis does not respond."
)
PAUSED: Final = Series(
    "leadswitch_paused",
    "Pauses by scope. product: 1 while the product is paused; workspaces: how many are paused.",
    "scope",
)
WORKSPACES: Final = Series(
    "leadswitch_workspaces",
    "Workspaces by dispatch mode: poll, shadow, event. Only event needs a dispatcher.",
    "mode",
)
CANARY_LATE: Final = Series(
    "leadswitch_canary_late_seconds",
    "How long a canary has been out, if that is longer than LEADSWITCH_CANARY_LATE_SECONDS; 0: none is late.",
)
RECONCILER_LATE: Final = Series(
    "leadswitch_reconciler_late",
    f"1 if a reconciler has not completed for {LATE_AFTER_PERIODS} periods and {LONGEST_RUN_SECONDS:g} s.",
    "reconciler",
)

COUNT_MODES: Final = "SELECT dispatch_mode, count(*) FROM routing_workspace GROUP BY dispatch_mode"
COUNT_PAUSED: Final = "SELECT count(*) FROM routing_workspace WHERE paused_at IS NOT NULL"


def read() -> Values:
    """Without Redis, the dispatcher that runs leads itself is still a leader."""
    control = read_control()
    (paused,) = fetch_row(COUNT_PAUSED)
    modes = dict.fromkeys(DispatchMode.values, 0.0) | {
        mode: float(count) for mode, count in fetch_rows(COUNT_MODES)
    }
    values: dict[Series, Value] = {
        PAUSED: {"product": float(control.paused_at is not None), "workspaces": paused},
        WORKSPACES: modes,
        CANARY_LATE: _read_late_canary(),
        RECONCILER_LATE: {each.name: float(each.is_late) for each in read_runs()},
    }
    try:
        values[WORKERS] = workers.count_alive()
        holder = str(get_client(TIMEOUT_SECONDS).get(dispatcher_key()) or "")
    except RedisError:
        holder = ""
    return {**values, LEADERS: len(find_leaders(control, holder=holder))}


def _read_late_canary() -> float:
    state = read_canary()
    return state.out_seconds or 0.0 if state.is_late else 0.0


DISPATCH: Final = CollectorRow(
    "dispatch", (LEADERS, WORKERS, PAUSED, WORKSPACES, CANARY_LATE, RECONCILER_LATE), read
)
