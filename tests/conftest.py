"""Test servers, databases and fixtures. Loaded before the settings, and sets the variables that they read."""

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import uuid6
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import DjangoDbBlocker

from tests.support.scheduling import WaitBesideOthers

pytest_plugins = ("tests.carrier.fixtures", "tests.receivers.fixtures", "tests.support.buyer_system")

REPOSITORY = Path(__file__).resolve().parent.parent
# `make test-debian` runs tests on other servers, and with the worker's settings.
VAR_DIR = REPOSITORY / os.environ.get("TEST_VAR_DIR", "var/test")
ROLE_OF_TESTS = os.environ.get("TEST_ROLE", "web")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")

if "leadswitch.settings" in sys.modules:
    raise pytest.UsageError("unset DJANGO_SETTINGS_MODULE: the tests choose their own servers first")

os.environ.update(
    DJANGO_SETTINGS_MODULE="leadswitch.settings",
    LEADSWITCH_VAR_DIR=str(VAR_DIR),
    LEADSWITCH_ENV_FILE="",  # a developer's .env may name a database that is not for tests
    LEADSWITCH_EMBEDDED_FSYNC="false",
    LEADSWITCH_REDIS_PREFIX=f"{WORKER}-test",
    LEADSWITCH_HTTPS="false",
    LEADSWITCH_LOG_LEVEL="WARNING",
    LEADSWITCH_ROLE=ROLE_OF_TESTS,
    SECRET_KEY="not-a-secret-but-long-enough-to-be-accepted",
    LEADSWITCH_IDENTITY_KEY="not-a-secret-but-long-enough-to-be-accepted",
    LEADSWITCH_ENCRYPTION_KEY="not-a-secret-but-long-enough-to-be-accepted",
    ALLOWED_HOSTS="testserver",
    DEBUG="false",
)

from leadswitch.embedded import (  # noqa: E402 - after the environment is set
    ensure_named_redis,
    service_states,
    stop_named_redis,
    stop_services,
)
from leadswitch.embedded.paths import ServicePaths, exclusive_lock  # noqa: E402
from leadswitch.embedded.roles import ROLE, ensure_database  # noqa: E402
from leadswitch.env import read_locations  # noqa: E402
from tests.support.superuser import superuser_url  # noqa: E402

HAD_SERVICES = set(service_states(VAR_DIR).values()) != {"stopped"}

# A test may change a whole Redis (no memory left, scripts flushed, a pause). Each worker has its own, named in a
# variable so that processes that tests start use it too. A caller's own server takes precedence.
LOCATIONS = read_locations()
if WORKER != "main" and not LOCATIONS.redis_url:
    os.environ["REDIS_URL"] = ensure_named_redis(VAR_DIR, name=WORKER, program=LOCATIONS.programs.redis)

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.test.utils import teardown_databases  # noqa: E402

from tests.support.migrated_template import set_up_databases  # noqa: E402
from tests.support.static_files import read_static_files_once  # noqa: E402

# Loads the settings, and with them the servers: pytest-django sets Django up only if they are loaded.
assert settings.ROOT_URLCONF


# Examples are not timed: a busy machine takes long for any of them.
hypothesis_settings.register_profile(
    "untimed", hypothesis_settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# Property tests that know it make many more examples: --hypothesis-profile=thorough.
hypothesis_settings.register_profile("thorough", hypothesis_settings.get_profile("untimed"))
hypothesis_settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Runs before xdist starts its workers: with this variable they would import the settings before this file."""
    if session.config.getoption("numprocesses", None):
        del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_itemcollected(item: pytest.Item) -> None:
    """pytest leaves the operation of the API out of the ids of schemathesis, and xdist runs one test of each id."""
    if isinstance(item, pytest.Function) and item.id.params is None and item.name != item.originalname:
        item._id = item.id.with_params(item.name.removeprefix(item.originalname)[1:-1])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    repeated = [nodeid for nodeid, count in Counter(item.nodeid for item in items).items() if count > 1]
    if repeated:
        raise pytest.UsageError(f"xdist would run only one test of each of these ids: {', '.join(repeated)}")


def pytest_collection_finish() -> None:
    """What is loaded lives until the end: later garbage collections need not visit it. That is a tenth of the CPU."""
    gc.collect()
    gc.freeze()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WaitBesideOthers:
    return WaitBesideOthers(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The session that started the servers stops them, including those of crashed workers. Workers stop none."""
    if hasattr(config, "workerinput"):
        return
    if not HAD_SERVICES:
        stop_services(VAR_DIR)
    elif config.getoption("numprocesses", None):
        stop_named_redis(VAR_DIR)


@pytest.fixture(scope="session", autouse=True)
def static_files_are_read_once() -> Iterator[None]:
    """Each `Client` builds the middleware anew."""
    with read_static_files_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def series_are_declared() -> Iterator[None]:
    """Every series that a test produced exists from the start of a process (tracing/series.py)."""
    yield
    from tests.support.declared_series import find_undeclared  # after the settings are loaded

    assert find_undeclared() == {}


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,  # noqa: ARG001
    django_db_modify_db_settings: None,  # noqa: ARG001
    django_db_blocker: DjangoDbBlocker,
    django_db_keepdb: bool,  # noqa: FBT001
    django_db_createdb: bool,  # noqa: FBT001
) -> Iterator[None]:
    """The test database of this worker, for both aliases.

    In place of pytest-django's fixture of this name, which looks only at `django_db` marks to see which
    aliases are used, and so leaves `verdict` (and with `committed_db` alone both) on the real database.
    """
    keep = django_db_keepdb and not django_db_createdb
    verbosity = request.config.option.verbose
    allow_damage()
    with django_db_blocker.unblock():
        databases = set_up_databases(VAR_DIR, verbosity=verbosity, keepdb=keep)
    yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            connections.close_all()
            teardown_databases(databases, verbosity=verbosity)


def allow_damage() -> None:
    """Allow the role to bypass triggers and to set its deadlock_timeout, as on no other server.

    One test worker at a time: two that grant the same at once would collide.
    """
    paths = ServicePaths.of(VAR_DIR)
    with exclusive_lock(paths):
        ensure_database(paths.postgres_sockets)  # the servers may have been running since an earlier version
        with psycopg.connect(superuser_url(paths), autocommit=True) as server:
            for name in ("session_replication_role", "deadlock_timeout"):
                server.execute(f"GRANT SET ON PARAMETER {name} TO {ROLE}")


@pytest.fixture(autouse=True)
def empty_enqueue_buffer() -> Iterator[None]:
    """Clears the leads that one test's outage left to the background thread."""
    yield
    if handon := sys.modules.get("routing.dispatch.enqueue"):
        handon.ENQUEUER._buffer.clear()


@pytest.fixture(autouse=True)
def ids_follow_the_clock() -> None:
    """Forget the last id: none is below the one before it, which a test may have made in a later time of its own."""
    uuid6._last_v7_timestamp = None


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:  # noqa: ARG001
    """The database with real commits, for tests with several connections or threads.

    Replaces pytest-django's `transactional_db`, whose clean-up the append-only triggers refuse. Empties
    every table afterwards. Sequences are not reset, so a process never uses an id twice.
    """
    with committing(django_db_blocker):
        yield


@contextmanager
def committing(blocker: DjangoDbBlocker) -> Iterator[None]:
    with blocker.unblock():
        try:
            yield
        finally:
            from tests.support.emptying import empty_all_tables  # after the settings are loaded

            empty_all_tables()


@pytest.fixture(scope="module")
def committing_once(
    django_db_setup: None,  # noqa: ARG001
    django_db_blocker: DjangoDbBlocker,
) -> Callable[[], AbstractContextManager[None]]:
    """For a fixture of a module that only keeps what it has read: a block like `committed_db`."""
    return partial(committing, django_db_blocker)


@pytest.fixture(autouse=True)
def finds(request: pytest.FixtureRequest) -> Iterator[None]:
    """Checks a test that is marked `finds("name")`: the reconciler must have repaired or reported something."""
    marker = request.node.get_closest_marker("finds")
    if marker is None:
        yield
        return
    from routing.metrics.reconcilers import RECONCILER_FOUND, RECONCILER_REPAIRS

    [name] = marker.args
    repairs = RECONCILER_REPAIRS.labels(reconciler=name)._value
    found = RECONCILER_FOUND.labels(reconciler=name)._value
    found.set(0)
    before = repairs.get()
    yield
    assert repairs.get() > before or found.get() > 0, f"{name} found nothing"


@pytest.fixture
def redis_client() -> Iterator["redis.Redis[str]"]:
    """A client of the test Redis. Every key of this worker's prefix is removed before and after."""
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        remove_keys(client)
        yield client
        remove_keys(client)


def remove_keys(client: "redis.Redis[str]") -> None:
    """The effect of a flush on this worker's keys alone: a caller's REDIS_URL is one server for all workers."""
    for key in client.scan_iter(match=f"*{settings.LEADSWITCH_REDIS_PREFIX}*", count=1000):
        client.delete(key)
