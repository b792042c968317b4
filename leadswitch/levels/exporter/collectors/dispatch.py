"""Who leads, how many workers are alive, and what is paused."""

from typing import Final

from redis.exceptions import RedisError

from leadswitch.levels.exporter.series import CollectorRow, Series, Value, Values
from leadswitch.levels.rows import fetch_row
from routing.dispatch import workers
from routing.dispatch.control import find_leaders, read_control
from routing.dispatch.schedule import TIMEOUT_SECONDS
from routing.redis.client import get_client
from routing.redis.keys import dispatcher_key

LEADERS: Final = Series(
    "leadswitch_leaders",
    "Dispatchers that lead: by a recent heartbeat in PostgreSQL, or by the lease in Redis. 1 is normal.",
)
WORKERS: Final = Series(
    "leadswitch_workers", "Workers with a recent heartbeat in Redis. Not shown while Redis does not answer."
)
PAUSED: Final = Series(
    "leadswitch_paused",
    "Pauses by scope. product: 1 while the product is paused; workspaces: how many are paused.",
    "scope",
)

COUNT_PAUSED: Final = "SELECT count(*) FROM routing_workspace WHERE paused_at IS NOT NULL"


def read() -> Values:
    """Without Redis, the dispatcher that runs leads itself is still a leader."""
    control = read_control()
    (paused,) = fetch_row(COUNT_PAUSED)
    values: dict[Series, Value] = {
        PAUSED: {"product": float(control.paused_at is not None), "workspaces": paused}
    }
    try:
        values[WORKERS] = workers.count_alive()
        holder = str(get_client(TIMEOUT_SECONDS).get(dispatcher_key()) or "")
    except RedisError:
        holder = ""
    return {**values, LEADERS: len(find_leaders(control, holder=holder))}


DISPATCH: Final = CollectorRow("dispatch", (LEADERS, WORKERS, PAUSED), read)
