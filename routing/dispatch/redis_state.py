"""What Redis reports about the dispatch, for its page and command. Waits for a Redis that is down every 5 s at most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from redis.exceptions import RedisError

from routing.dispatch import workers
from routing.dispatch.backlog_counts import Backlog
from routing.dispatch.control import Control
from routing.dispatch.pauses import find_unmirrored
from routing.dispatch.schedule import TIMEOUT_SECONDS
from routing.dispatch.sizes import Sizes, read_sizes
from routing.models import DispatchMode, Workspace
from routing.redis.breaker import Breaker
from routing.redis.client import get_client, prove_writable
from routing.redis.keys import dispatcher_key, schedule_of

# The page refreshes every two seconds. Without this, each refresh would wait for a Redis that does not respond. This is
# not the breaker of intakes and attempts: a page that only reads must not cut them off from Redis.
BREAKER: Final = Breaker(lambda: 5.0)


@dataclass(frozen=True, slots=True)
class RedisState:
    """`holder`: the dispatcher that has the leader's lease. `sizes` None: this user may not see them."""

    holder: str
    sizes: Sizes | None
    workers_alive: int
    unmirrored: frozenset[int | None]
    backlogs: Mapping[int, Backlog]

    @property
    def started(self) -> int:
        """Leads in flight that a worker has started."""
        return 0 if self.sizes is None else max(0, self.sizes.inflight - self.sizes.ready)


def find_refusal() -> str:
    """The error with which Redis refuses writes; "" if it accepts them."""
    try:
        prove_writable(TIMEOUT_SECONDS)
    except RedisError as error:
        return type(error).__name__
    return ""


def ask_redis(
    workspaces: Sequence[Workspace], *, control: Control, is_whole: bool
) -> tuple[RedisState | None, str]:
    if BREAKER.is_open:
        return None, "it did not respond a moment ago"
    try:
        return _read_redis(workspaces, control=control, is_whole=is_whole), ""
    except RedisError as error:
        BREAKER.trip()
        return None, type(error).__name__


def _read_redis(workspaces: Sequence[Workspace], *, control: Control, is_whole: bool) -> RedisState:
    client = get_client(TIMEOUT_SECONDS)
    seconds, microseconds = client.time()
    now_ms = int(seconds) * 1000 + int(microseconds) // 1000
    scheduled = [each.pk for each in workspaces if each.dispatch_mode == DispatchMode.EVENT]
    with client.pipeline(transaction=False) as pipeline:
        pipeline.get(dispatcher_key())
        for pk in scheduled:
            pipeline.zcard(schedule_of(pk))
            pipeline.zcount(schedule_of(pk), "-inf", now_ms)
        holder, *numbers = pipeline.execute()
    truth: dict[int | None, bool] = {each.pk: each.paused_at is not None for each in workspaces}
    truth[None] = control.paused_at is not None
    return RedisState(
        holder=holder or "",
        sizes=read_sizes() if is_whole else None,
        workers_alive=workers.count_alive(),
        unmirrored=frozenset(find_unmirrored(truth)),
        backlogs={
            pk: Backlog(*pair)
            for pk, pair in zip(scheduled, zip(numbers[::2], numbers[1::2], strict=True), strict=True)
        },
    )
