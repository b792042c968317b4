"""The product behind PgBouncer in transaction mode: limits by role, no prepared statements, no session state."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest
from django.conf import settings

from leadswitch.embedded.paths import ServicePaths
from leadswitch.embedded.privileges import give_to_server, unprivileged_prefix
from leadswitch.embedded.processes import wait_until
from leadswitch.embedded.roles import ROLE
from leadswitch.env import REPOSITORY
from tests.conftest import VAR_DIR, WORKER
from tests.support import machine
from tests.support.pooled_day import LEADS
from tests.support.ports import free_port
from tests.support.superuser import superuser_url
from tests.support.warm.started import run_python

HOST = "127.0.0.1"
DATABASE = f"pooled_{WORKER}"
# Commands migrate, so they run as the role that owns everything. The others are members of it.
ROLES = {"command": ROLE, "web": f"{DATABASE}_web", "worker": f"{DATABASE}_worker"}
DUPLICATE_PREPARED_STATEMENT = "42P05"
KEEPS_PREPARED = (1, 21)  # of clients, for each server connection; switched off here
CONFIGURATION = """\
[databases]
* = host={server}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {directory}/users
pool_mode = transaction
default_pool_size = 3
logfile = {directory}/log
"""


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """An empty database on the test server, with a role for each kind of process."""
    with psycopg.connect(superuser_url(ServicePaths.of(VAR_DIR)), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
        members = [name for name in ROLES.values() if name != ROLE]
        for name in members:
            server.execute(f"DROP ROLE IF EXISTS {name}")
            server.execute(f"CREATE ROLE {name} LOGIN IN ROLE {ROLE}")
        yield DATABASE
        server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        for name in members:
            server.execute(f"DROP ROLE {name}")


@pytest.fixture(scope="module")
def pooler(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a PgBouncer in front of the database."""
    program = machine.pgbouncer()
    directory = tmp_path_factory.mktemp("pgbouncer")
    port = free_port()
    server = ServicePaths.of(VAR_DIR).postgres_sockets
    file = directory / "pgbouncer.ini"
    text = CONFIGURATION.format(server=server, host=HOST, port=port, directory=directory)
    if version_of(program) >= KEEPS_PREPARED:
        text += "max_prepared_statements = 0\n"
    file.write_text(text)
    (directory / "users").write_text("".join(f'"{name}" ""\n' for name in ROLES.values()))
    for path in (directory, *directory.iterdir()):
        give_to_server(path)
    process = subprocess.Popen([*unprivileged_prefix(), program, "--quiet", str(file)], cwd="/")
    try:
        assert wait_until(lambda: answers(port), timeout_seconds=60), (directory / "log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)
    assert database


def version_of(program: str) -> tuple[int, ...]:
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in text.split()[1].split("."))


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def run(port: int, kind: str, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "leadswitch.settings",
        "DATABASE_URL": f"postgres://{ROLES[kind]}@{HOST}:{port}/{DATABASE}",
        "REDIS_URL": settings.REDIS_URL,
        "LEADSWITCH_REDIS_PREFIX": DATABASE,
        "LEADSWITCH_ROLE": kind,
        "LEADSWITCH_PGBOUNCER": "true",
        **variables,
    }
    return run_python(*command, cwd=REPOSITORY, env=environment)


def part(port: int, kind: str, *arguments: str, **variables: str) -> Mapping[str, Any]:
    done = run(port, kind, "-m", "tests.support.pooled_day", *arguments, **variables)
    assert done.returncode == 0, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def limited(pooler: int) -> int:
    """The port, after each role has the limits of its kind."""
    for kind in ROLES:
        done = run(pooler, kind, "manage.py", "set_role_limits")
        assert done.returncode == 0, done.stderr
        assert f"{ROLES[kind]} has the limits of a {kind} process" in done.stdout
    with psycopg.connect(superuser_url(ServicePaths.of(VAR_DIR)), autocommit=True) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [DATABASE]
        )
    return pooler


def test_start_is_refused_until_the_role_has_its_limits(pooler: int) -> None:
    """Runs first, because the fixture of the others sets them."""
    done = run(pooler, "worker", "manage.py", "dispatcher")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(
        f"Sessions of {ROLES['worker']} do not have the limits of a worker process: lock_timeout is 0"
    )
    assert "LEADSWITCH_ROLE=worker manage.py set_role_limits" in line


def test_start_up_options_that_the_pooler_refuses_are_explained(pooler: int) -> None:
    done = run(pooler, "worker", "manage.py", "dispatcher", LEADSWITCH_PGBOUNCER="false")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "set LEADSWITCH_PGBOUNCER=true" in line


@pytest.fixture(scope="module")
def key(limited: int) -> str:
    return str(part(limited, "command", "build")["key"])


def test_a_day_runs_through_the_pooler(limited: int, key: str) -> None:
    assert part(limited, "web", "intake", key, "first")["statuses"] == [201] * LEADS
    worked = part(limited, "worker", "work")
    assert worked["results"] == ["success"] * LEADS
    assert worked["limits"] == ["15s", "off"]
    verified = run(limited, "command", "manage.py", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.usefixtures("key")
def test_clients_must_prepare_no_statements(limited: int) -> None:
    """In the control, the second client meets the first one's prepared statement."""
    assert part(limited, "web", "take_turns")["failures"] == ["", ""]
    failures = part(limited, "web", "take_turns", LEADSWITCH_PREPARE="true")["failures"]
    assert failures == ["", DUPLICATE_PREPARED_STATEMENT]
