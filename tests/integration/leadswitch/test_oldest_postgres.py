"""Plans on the oldest PostgreSQL: below version 18 a full table read costs 1e10, which starts JIT."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings

from leadswitch.database.limits import session_limits
from leadswitch.embedded import ServerPrograms, start_services, stop_services
from leadswitch.embedded.paths import ServicePaths
from leadswitch.env import REPOSITORY
from tests.support import machine
from tests.support.plans import walk
from tests.support.superuser import superuser_url

# The cost of a full table read there.
DISABLED = 1e10
# The hourly comparison of all wallets with all entries reads both tables in full, as intended.
READ_WHOLE = {"distribution_wallet", "distribution_ledgerentry"}


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServicePaths]:
    var_dir = tmp_path_factory.mktemp("oldest") / "var"
    programs = ServerPrograms(postgres_dir=str(machine.oldest_postgres()))
    start_services(var_dir, durable=False, programs=programs)
    yield ServicePaths.of(var_dir)
    stop_services(var_dir)


@pytest.fixture(scope="module")
def plans(oldest: ServicePaths) -> list[dict[str, Any]]:
    """Every statement in a day of a worker, a dispatcher and beat."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "leadswitch.settings",
        "LEADSWITCH_VAR_DIR": str(oldest.var_dir),
        "LEADSWITCH_ROLE": "worker",
        "LEADSWITCH_ALLOW_SUPERUSER": "true",
        "DATABASE_URL": superuser_url(oldest),
        "REDIS_URL": settings.REDIS_URL,
        "LEADSWITCH_REDIS_PREFIX": f"{settings.LEADSWITCH_REDIS_PREFIX}-oldest",
    }
    command = [sys.executable, "-m", "tests.support.worker_plans"]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def tables(plan: dict[str, Any]) -> set[str]:
    return {node["Relation Name"] for node in walk(plan["Plan"]) if "Relation Name" in node}


def test_plans_cover_every_part(plans: list[dict[str, Any]]) -> None:
    read = set().union(*map(tables, plans))
    assert {"routing_lead", "routing_dispatchcontrol", "distribution_enrollment", "tracing_attempt"} <= read
    assert len(plans) > 100


def test_every_statement_of_a_worker_has_an_index(plans: list[dict[str, Any]]) -> None:
    """Every statement uses an index, or reads a table in full as intended. Otherwise its cost would hide others."""
    whole = [
        (node["Relation Name"], plan["Query Text"])
        for plan in plans
        for node in walk(plan["Plan"])
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in READ_WHOLE
    ]
    assert not whole
    costly = [plan["Query Text"] for plan in plans if plan["Plan"]["Total Cost"] >= DISABLED]
    assert all(any(table in text for table in READ_WHOLE) for text in costly)


def test_no_session_compiles_its_plans(oldest: ServicePaths) -> None:
    """The control: without that one limit every plan of this cost is compiled."""
    statement = "EXPLAIN (ANALYZE, FORMAT JSON) SELECT count(*) FROM pg_description WHERE description > ''"
    limits = session_limits("worker")
    with_jit = " ".join(f"-c {name}={value}" for name, value in limits.items() if name != "jit")
    for options, is_compiled in ((with_jit, True), (f"{with_jit} -c jit={limits['jit']}", False)):
        # From 18 on no plan costs this much, and Debian has the compiler in a separate package.
        with psycopg.connect(superuser_url(oldest), options=f"{options} -c jit_above_cost=0") as connection:
            [(can_compile,)] = connection.execute("SELECT pg_jit_available()").fetchall()
            [[[plan]]] = connection.execute(statement).fetchall()
        assert can_compile is is_compiled or connection.info.server_version >= 18_00_00
        assert ("JIT" in plan) is can_compile
