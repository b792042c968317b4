"""Outages that last for a while, each as a block. The server works again at the end of the block."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from django.db import connection

from leadswitch.embedded import redis as embedded_redis
from tests.chaos.evidence import CUT, REPAIRED
from tests.chaos.stage import Stage, go_on
from tests.support.redis_faults import refusing_writes
from tests.support.waiting import fetch_value

END_OTHERS: Final = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


@contextmanager
def redis_away(stage: Stage) -> Iterator[None]:
    embedded_redis.stop(stage.services)
    try:
        yield
    finally:
        embedded_redis.start(stage.services)


@contextmanager
def redis_silent(stage: Stage) -> Iterator[None]:
    """It accepts connections and never answers. It runs the commands that it received later."""
    pid = stage.redis_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        go_on(pid)


@contextmanager
def redis_full(stage: Stage) -> Iterator[None]:
    """It answers and renews leases, but refuses every command that needs memory."""
    with refusing_writes(stage.client):
        yield


@contextmanager
def postgres_read_only(stage: Stage) -> Iterator[None]:
    """As after a demotion. Connections opened from now on refuse writes, even after the end of the block.

    The suite's own session was opened before, so it can still write.
    """
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    end_sessions(stage)
    try:
        yield
    finally:
        execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


def end_sessions(stage: Stage) -> None:
    """Cut all sessions except the suite's own."""
    stage.witness.say(CUT)
    fetch_value(END_OTHERS)
    stage.witness.say(REPAIRED)


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


OUTAGES: Final[Mapping[str, Callable[[Stage], AbstractContextManager[None]]]] = {
    "redis-away": redis_away,
    "redis-black-hole": redis_silent,
    "redis-full": redis_full,
    "postgres-read-only": postgres_read_only,
}
