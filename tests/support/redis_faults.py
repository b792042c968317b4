"""A Redis that responds but does not do its work, each case on a real server."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError, ResponseError

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

NEVER_ENDS: Final = "while true do end"


@contextmanager
def refusing_writes(client: "redis.Redis[str]") -> Iterator[None]:
    """No memory is left: every command that needs some is refused. Others, such as renewing a lease, are not."""
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)


@contextmanager
def demoted(client: "redis.Redis[str]") -> Iterator[None]:
    """A replica refuses writes. Its master is away: it keeps its data."""
    client.replicaof("127.0.0.1", 1)
    try:
        yield
    finally:
        client.replicaof("NO", "ONE")


@contextmanager
def unable_to_save(client: "redis.Redis[str]") -> Iterator[None]:
    """Saving failed: Redis refuses writes, because they would not be persisted."""
    blocker = Path(client.config_get("dir")["dir"]) / "dump.rdb"
    blocker.mkdir()
    client.config_set("save", "3600 1")
    with suppress(ResponseError):
        client.bgsave()
    wait_until(
        lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", what="a save that fails"
    )
    try:
        yield
    finally:
        client.config_set("save", "")
        client.config_set("stop-writes-on-bgsave-error", "no")
        client.config_set("stop-writes-on-bgsave-error", "yes")
        blocker.rmdir()


@contextmanager
def busy(client: "redis.Redis[str]") -> Iterator[None]:
    """A script does not end: other clients get BUSY."""
    client.config_set("lua-time-limit", 50)

    def run() -> None:
        with suppress(RedisError):
            client.eval(NEVER_ENDS, 0)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: not answers(client), what="a script that runs")
    try:
        yield
    finally:
        client.script_kill()
        thread.join()


@contextmanager
def slow(client: "redis.Redis[str]") -> Iterator[None]:
    """Every write waits, as on a machine that swaps."""
    client.client_pause(60_000, all=False)
    try:
        yield
    finally:
        client.client_unpause()


def answers(client: "redis.Redis[str]") -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


FAULTS: Final[Mapping[str, Callable[["redis.Redis[str]"], AbstractContextManager[None]]]] = {
    "full": refusing_writes,
    "read-only": demoted,
    "cannot save": unable_to_save,
    "busy": busy,
    "slow": slow,
}
