"""PostgreSQL or a pooler accepts connections and never answers: every pass of the exporter ends, and has failed."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadswitch.levels.exporter.collector import DURATION, SUCCESS
from leadswitch.levels.exporter.collectors.redis import REDIS
from leadswitch.levels.exporter.collectors.registry import COLLECTORS
from leadswitch.levels.exporter.refresher import PASS_SECONDS
from tests.support.exporter_programs import exporter, find_value
from tests.support.scrapes import scrape

OF_POSTGRES = [row.name for row in COLLECTORS if row is not REDIS]


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server for which the kernel accepts connections, and which never reads. It asks for more time."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        port = server.getsockname()[1]
        yield f"postgres://leadswitch:secret@127.0.0.1:{port}/leadswitch?connect_timeout=600"


@pytest.mark.parametrize("is_pgbouncer", ["false", "true"])
@pytest.mark.usefixtures("redis_client")
def test_pass_that_cannot_connect_ends_in_its_time(silent: str, is_pgbouncer: str, tmp_path: Path) -> None:
    with exporter(tmp_path, DATABASE_URL=silent, LEADSWITCH_PGBOUNCER=is_pgbouncer) as program:
        for name in OF_POSTGRES:
            program.wait_until_shown(DURATION.name, collector=name)
        shown = scrape(program.port)

    for name in OF_POSTGRES:
        assert find_value(shown, SUCCESS.name, collector=name) == 0
        duration = find_value(shown, DURATION.name, collector=name)
        assert duration is not None
        assert duration <= PASS_SECONDS
    assert find_value(shown, "leadswitch_up") == 0
    assert find_value(shown, SUCCESS.name, collector=REDIS.name) == 1
    log = program.log.read_text()
    assert "database.not_checked" in log
    assert "redis.not_checked" not in log
    assert "Traceback" not in log
