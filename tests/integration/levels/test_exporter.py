"""The exporter as a process: it serves while PostgreSQL is frozen or restarted and while Redis is gone."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from leadswitch.embedded import start_services
from leadswitch.embedded.paths import ServicePaths
from leadswitch.embedded.processes import leaders, processes_in
from leadswitch.levels.exporter.collectors.registry import COLLECTORS
from leadswitch.up import EXPORTER
from tests.support.exporter_programs import Exporter, exporter, find_value, frozen, own_services, urls_of
from tests.support.processes import started
from tests.support.scrapes import scrape
from tests.support.waiting import wait_until

SUCCESS = "leadswitch_exporter_collector_success"
AGE = "leadswitch_exporter_collector_age_seconds"
LIMIT = "leadswitch_postgres_connections_limit"
MEMORY = "leadswitch_redis_memory_bytes"


@pytest.fixture(scope="module")
def var_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Servers of its own, with an empty database: the collectors postgres, tables and redis need no table."""
    directory = tmp_path_factory.mktemp("exporter") / "var"
    with own_services(directory):
        yield directory


@pytest.fixture(scope="module")
def running(var_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    services = start_services(var_dir, durable=False)
    with exporter(tmp_path_factory.mktemp("log"), **urls_of(services)) as program:
        yield program


@pytest.fixture
def healthy(running: Exporter) -> Exporter:
    running.wait_for("leadswitch_up", 1)
    running.wait_for("leadswitch_redis_up", 1)
    return running


def test_scrapes_are_served_while_postgres_is_frozen(var_dir: Path, healthy: Exporter) -> None:
    with frozen(var_dir) as postmaster:
        healthy.wait_for("leadswitch_up", 0)
        healthy.wait_for(SUCCESS, 0, collector="tables")
        healthy.wait_for(LIMIT, None)  # it is too old
        shown = scrape(healthy.port)
        assert postmaster.status() == psutil.STATUS_STOPPED

    assert find_value(shown, "leadswitch_up") == 0
    assert find_value(shown, SUCCESS, collector="postgres") == 0
    age = find_value(shown, AGE, collector="postgres")
    assert age is not None
    assert age > 3
    assert find_value(shown, "leadswitch_redis_up") == 1
    assert find_value(shown, MEMORY) is not None
    healthy.wait_for("leadswitch_up", 1)
    healthy.wait_until_shown(LIMIT)


def test_exporter_recovers_from_a_restart_of_postgres(var_dir: Path, healthy: Exporter) -> None:
    earlier = len(healthy.log.read_text())
    for each in leaders(processes_in(ServicePaths.of(var_dir).postgres_data, names=["postgres"])):
        os.kill(each.pid, signal.SIGKILL)
    healthy.wait_for("leadswitch_up", 0)
    start_services(var_dir, durable=False)
    healthy.wait_for("leadswitch_up", 1)
    healthy.wait_until_shown(LIMIT)
    wait_until(
        lambda: "exporter.collector_recovered" in healthy.log.read_text()[earlier:],
        what="a recovery in the log",
    )


def test_exporter_shows_that_redis_is_gone(var_dir: Path, healthy: Exporter) -> None:
    url = start_services(var_dir, durable=False).redis_url
    with redis.Redis.from_url(url) as client:
        client.shutdown(nosave=True)
    healthy.wait_for("leadswitch_redis_up", 0)
    healthy.wait_for(MEMORY, None)
    assert healthy.read("leadswitch_up") == 1
    start_services(var_dir, durable=False)
    healthy.wait_for("leadswitch_redis_up", 1)
    healthy.wait_until_shown(MEMORY)


@pytest.mark.usefixtures("committed_db", "redis_client")
def test_every_collector_succeeds_and_sigterm_ends_the_exporter(tmp_path: Path) -> None:
    with exporter(tmp_path) as program:
        for row in COLLECTORS:
            program.wait_for(SUCCESS, 1, collector=row.name)
        shown = scrape(program.port)
        assert find_value(shown, "leadswitch_retries_due") == 0
        assert find_value(shown, "leadswitch_process_open_files", kind="exporter") is not None
        # Nothing that only another process counts.
        assert not [name for name in shown.families if name.startswith("leadswitch_attempts")]
        program.process.terminate()
        assert program.process.wait(timeout=30) == 0
    assert "Traceback" not in program.log.read_text()


@pytest.mark.usefixtures("committed_db")
def test_port_that_is_taken_ends_the_exporter_with_a_sentence(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with socket.socket() as other, log.open("w") as output:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with started(*EXPORTER, "--port", str(port), output=output, LEADSWITCH_ROLE="exporter") as process:
            assert process.wait(timeout=60) == 2
    text = log.read_text()
    assert f"The exporter cannot listen on 127.0.0.1, port {port}" in text
    assert "Set LEADSWITCH_EXPORTER_PORT to a free port, and LEADSWITCH_METRICS_HOST" in text
    assert "Traceback" not in text
