"""docker-compose.yml against the code: its database has the embedded one's settings, and its commands exist."""

import os
import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from leadswitch.embedded import ServerPrograms, start_services, stop_services
from leadswitch.embedded.paths import ServicePaths
from leadswitch.embedded.postgres import CONFIGURATION
from leadswitch.env import REPOSITORY
from leadswitch.up import (
    BEAT_OPTIONS,
    CELERY,
    DELIVERER,
    DIALER,
    DISPATCHER,
    EXPORTER,
    STREAMS,
    WEB,
    worker_arguments,
)
from tests.support import machine

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
CREATE_ROLE = REPOSITORY / "ops" / "postgres" / "create-role.sh"


def test_postgres_has_the_settings_of_the_embedded_one() -> None:
    command = COMPOSE["services"]["postgres"]["command"]
    settings = dict(re.findall(r"-c (\w+)=(\S+)", command))
    embedded = dict(re.findall(r"^(\w+) = '?([\w.]+)'?$", CONFIGURATION, re.MULTILINE))
    assert settings.pop("shared_buffers") == "256MB"
    assert set(settings) == {"max_connections", "random_page_cost", "max_wal_size", "timezone"}
    assert settings == {name: embedded[name] for name in settings}


def test_every_part_has_a_health_check_that_exists() -> None:
    parts = COMPOSE["services"]
    for name in (
        "web",
        "worker",
        "dispatcher",
        "deliverer",
        "dialer",
        "streams",
        "beat",
        "exporter",
        "postgres",
        "valkey",
    ):
        assert parts[name]["healthcheck"]["test"]
    for name in ("dispatcher", "deliverer", "dialer", "streams", "beat"):
        *_, option, module, process = parts[name]["healthcheck"]["test"]
        assert (option, process) == ("-m", name)
        assert find_spec(module) is not None


def test_every_variable_reaches_every_part_of_the_product() -> None:
    """.env is passed on as a whole. The file itself sets only what differs between services."""
    own = {
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "LEADSWITCH_IDENTITY_KEY",
        "LEADSWITCH_ENCRYPTION_KEY",
        "ALLOWED_HOSTS",
    }
    of_a_part = {
        *("LEADSWITCH_ROLE", "LEADSWITCH_TRUST_PROXY", "PROMETHEUS_MULTIPROC_DIR", "LEADSWITCH_METRICS_HOST"),
        *(
            f"LEADSWITCH_{each}_METRICS_PORT"
            for each in ("WORKER", "DISPATCHER", "DELIVERER", "DIALER", "STREAMS", "BEAT")
        ),
        "LEADSWITCH_EXPORTER_PORT",
    }
    for name in (
        "migrate",
        "web",
        "worker",
        "dispatcher",
        "deliverer",
        "dialer",
        "streams",
        "beat",
        "exporter",
    ):
        part = COMPOSE["services"][name]
        assert part["env_file"] == ".env"
        assert own <= set(part["environment"]) <= own | of_a_part


def test_each_part_has_a_metrics_port_or_page_of_its_own() -> None:
    """Containers must not share a directory of metrics: they use the same process ids."""
    parts = {
        name: COMPOSE["services"][name]
        for name in ("worker", "dispatcher", "deliverer", "dialer", "streams", "beat")
    }
    ports = {
        name: part["environment"][f"LEADSWITCH_{name.upper()}_METRICS_PORT"] for name, part in parts.items()
    }
    assert ports == {
        "worker": 9101,
        "dispatcher": 9102,
        "deliverer": 9105,
        "dialer": 9107,
        "streams": 9106,
        "beat": 9103,
    }
    for part in (COMPOSE["services"]["web"], parts["worker"]):  # those of several processes
        directory = part["environment"]["PROMETHEUS_MULTIPROC_DIR"]
        assert part["tmpfs"] == [f"{directory}:uid=10001"]


def test_required_variables_are_in_the_example() -> None:
    """`docker compose up` refuses to start without these, and says what to set."""
    required = set(re.findall(r"\$\{(\w+):\?", (REPOSITORY / "docker-compose.yml").read_text()))
    example = (REPOSITORY / ".env.example").read_text()
    assert required == {
        *(
            "POSTGRES_PASSWORD",
            "SECRET_KEY",
            "LEADSWITCH_IDENTITY_KEY",
            "LEADSWITCH_ENCRYPTION_KEY",
            "ALLOWED_HOSTS",
            "TLS_DIRECTORY",
        )
    }
    for name in required:
        assert re.search(rf"^#?{name}=", example, re.MULTILINE), name


def test_programs_start_like_those_of_make_up() -> None:
    commands = {name: COMPOSE["services"][name]["command"].split() for name in ("web", "worker", "beat")}
    assert commands == {
        "web": [*WEB, "--bind", "0.0.0.0:8000"],
        "worker": [*CELERY, *worker_arguments(concurrency=2)],
        "beat": [*CELERY, "beat", "--schedule", "/tmp/celerybeat-schedule", *BEAT_OPTIONS],
    }
    assert COMPOSE["services"]["dispatcher"]["command"].split() == ["python", *DISPATCHER]
    assert COMPOSE["services"]["deliverer"]["command"].split() == ["python", *DELIVERER]
    assert COMPOSE["services"]["dialer"]["command"].split() == ["python", *DIALER]
    streams = COMPOSE["services"]["streams"]["command"].split()
    assert streams[:3] == ["python", *STREAMS]
    assert streams[-2:] == ["--port", "8010"]
    assert COMPOSE["services"]["proxy"]["environment"]["STREAMS"] == "streams:8010"
    assert COMPOSE["services"]["exporter"]["command"].split() == ["python", *EXPORTER]


@pytest.fixture
def empty_cluster(tmp_path: Path) -> Iterator[ServicePaths]:
    """A cluster as the image creates it: a superuser and nothing of the product."""
    programs = ServerPrograms(postgres_dir=str(machine.oldest_postgres()))
    start_services(tmp_path / "var", durable=False, programs=programs)
    paths = ServicePaths.of(tmp_path / "var")
    with psycopg.connect(host=str(paths.postgres_sockets), user="postgres", autocommit=True) as server:
        server.execute("DROP DATABASE leadswitch")
        server.execute("DROP ROLE leadswitch")
    yield paths
    stop_services(tmp_path / "var")


def test_first_start_gives_the_product_a_plain_role(empty_cluster: ServicePaths) -> None:
    environment = {
        **os.environ,
        "PGHOST": str(empty_cluster.postgres_sockets),
        "POSTGRES_PASSWORD": "it's a secret",
    }
    subprocess.run([CREATE_ROLE], env=environment, check=True)

    with psycopg.connect(host=environment["PGHOST"], user="postgres", autocommit=True) as server:
        roles = server.execute(
            "SELECT rolname, rolsuper, rolcreatedb, rolpassword IS NOT NULL FROM pg_authid"
            " WHERE rolname IN ('postgres', 'leadswitch') ORDER BY 1"
        ).fetchall()
        owner = server.execute(
            "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'leadswitch'"
        ).fetchone()
    assert roles == [("leadswitch", False, False, True), ("postgres", True, True, False)]
    assert owner == ("leadswitch",)
