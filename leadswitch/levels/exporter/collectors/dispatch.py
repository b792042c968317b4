"""Who leads, how many workers are alive, what is paused, and how workspaces find their due leads."""

from typing import Final

from redis.exceptions import RedisError

from leadswitch.levels.exporter.series import CollectorRow, Series, Value, Values
from leadswitch.levels.rows import fetch_row, fetch_rows
from routing.dispatch import workers
from routing.dispatch.control import find_leaders, read_control
from routing.dispatch.schedule import TIMEOUT_SECONDS
from routing.models import DispatchMode
from routing.redis.client import get_client
from routing.redis.keys import dispatcher_key

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
    }
    try:
        values[WORKERS] = workers.count_alive()
        holder = str(get_client(TIMEOUT_SECONDS).get(dispatcher_key()) or "")
    except RedisError:
        holder = ""
    return {**values, LEADERS: len(find_leaders(control, holder=holder))}


DISPATCH: Final = CollectorRow("dispatch", (LEADERS, WORKERS, PAUSED, WORKSPACES), read)
