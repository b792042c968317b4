"""Two installations on one Redis under one prefix: the second does not start, and no process is locked out for long."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from leadswitch.database.fitness import begin, check_redis
from routing.dispatch import installation
from routing.dispatch.installation import OtherInstallation, lease_ms
from routing.dispatcher.loop import Dispatcher
from routing.reconcile import find_reconciler, run_reconciler
from routing.redis import keys
from tests.conftest import remove_keys

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")

OTHER = "7123.16384"


@pytest.fixture
def held(redis_client: "redis.Redis[str]") -> "redis.Redis[str]":
    """The dispatcher of another database leads."""
    redis_client.set(keys.installation_key(), OTHER, px=lease_ms())
    return redis_client


def lead_once() -> None:
    stop = Event()
    dispatcher = Dispatcher("test", run_next_due=lambda: False, stop=stop)
    dispatcher._turn()


def test_dispatcher_does_not_lead_in_another_installations_redis(held: "redis.Redis[str]") -> None:
    with pytest.raises(OtherInstallation, match=r"^LEADSWITCH_REDIS_PREFIX=.* own prefix or REDIS_URL"):
        Dispatcher("test", run_next_due=lambda: False, stop=Event()).run()
    assert not held.exists(keys.dispatcher_key())
    assert held.get(keys.installation_key()) == OTHER


@pytest.mark.usefixtures("held")
def test_serving_processes_do_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    for start in (begin, lambda: call_command("dispatcher")):
        with pytest.raises(SystemExit) as stopped:
            start()
        assert stopped.value.code == 2
        [line] = capsys.readouterr().err.splitlines()
        assert "LEADSWITCH_REDIS_PREFIX" in line


@pytest.mark.usefixtures("held")
def test_status_reports_the_other_installation(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("dispatch", "status")
    assert ended.value.code == 1
    assert "Problem: LEADSWITCH_REDIS_PREFIX=" in capsys.readouterr().out


@pytest.mark.usefixtures("held")
def test_reconciler_of_a_running_process_reports_it() -> None:
    with pytest.raises(OtherInstallation):
        run_reconciler(find_reconciler("workspace_pauses"), fix=True)


def test_leader_reserves_redis_for_a_while(redis_client: "redis.Redis[str]") -> None:
    lead_once()
    assert redis_client.get(keys.installation_key()) == installation.read_name()
    assert 0 < redis_client.pttl(keys.installation_key()) <= lease_ms() == 10_000
    installation.check()
    begin()


def test_reservation_outlasts_a_long_lease_and_a_standby(
    settings: Any, redis_client: "redis.Redis[str]"
) -> None:
    settings.LEADSWITCH_TUNING = replace(settings.LEADSWITCH_TUNING, leader_lease_ms=60_000)
    settings.LEADSWITCH_TAKEOVER = replace(settings.LEADSWITCH_TAKEOVER, standby_seconds=10.0)
    lead_once()
    assert redis_client.pttl(keys.installation_key()) > 70_000


def test_flush_and_end_of_the_other_installation_lock_no_process_out(held: "redis.Redis[str]") -> None:
    remove_keys(held)
    lead_once()
    installation.release()
    held.set(keys.installation_key(), OTHER, px=1)
    while held.exists(keys.installation_key()):
        pass
    lead_once()
    assert held.get(keys.installation_key()) == installation.read_name()


def test_leader_releases_only_its_own_name(held: "redis.Redis[str]") -> None:
    installation.release()
    assert held.get(keys.installation_key()) == OTHER


@pytest.mark.usefixtures("held")
def test_server_without_an_identifier_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "READ", "SELECT 1 FROM no_such_table")
    installation.read_name.cache_clear()
    try:
        installation.check()
    finally:
        installation.read_name.cache_clear()


def check_and_read_events(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """The name and the cause of each event."""
    with caplog.at_level(logging.WARNING, logger="leadswitch.database.fitness"):
        check_redis()
    return [(record.message, record.__dict__["cause"]) for record in caplog.records]


def test_event_names_redis_if_redis_does_not_respond(no_redis: str, caplog: pytest.LogCaptureFixture) -> None:
    assert check_and_read_events(caplog) == [("redis.not_checked", no_redis)]


def test_event_names_the_database_if_its_identifier_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(installation, "READ", "SELECT 1 / 0")
    installation.forget()
    assert check_and_read_events(caplog) == [("database.not_checked", "DataError")]


@pytest.mark.parametrize("sqlstate", ["0A000", "58P01", "XX000"])
def test_dispatcher_leads_on_a_server_without_control_data(
    redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch, sqlstate: str
) -> None:
    """Hosted servers hide their control data. A dispatcher that took this for an outage would never lead."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION pg_temp.refuse() RETURNS text LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'no control file' USING ERRCODE = '{sqlstate}'; END $$"
        )
    monkeypatch.setattr(installation, "READ", "SELECT pg_temp.refuse()")
    installation.forget()
    lead_once()
    assert redis_client.exists(keys.dispatcher_key())
    installation.forget()


@pytest.fixture
def restored(
    redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """Every process has the old name of the database. The call replaces the database at the same address."""
    assert redis_client.ping()
    monkeypatch.setattr(installation, "READ", f"SELECT '{OTHER}'")
    installation.forget()
    lead_once()
    yield lambda: monkeypatch.setattr(installation, "READ", "SELECT '7123.16999'")
    monkeypatch.undo()
    installation.forget()


def test_restored_database_locks_no_process_out(
    redis_client: "redis.Redis[str]", restored: Callable[[], None]
) -> None:
    """Its dispatcher continues after losing its sessions. A process that starts now has only the new name."""
    stop = Event()
    dispatcher = Dispatcher("test", run_next_due=lambda: False, stop=stop)
    restored()
    stop.set()  # no pause after the failure
    dispatcher._report_database(OperationalError("the database was dropped"))
    stop.clear()
    dispatcher._turn()
    assert redis_client.get(keys.installation_key()) == "7123.16999"
    installation.forget()  # as in a new process
    installation.check()


def test_process_with_an_outdated_name_reads_it_again(
    redis_client: "redis.Redis[str]", restored: Callable[[], None]
) -> None:
    """A worker that outlived the restore: without this, its reconcilers would be refused until a restart."""
    assert installation.read_name() == OTHER
    restored()
    redis_client.set(keys.installation_key(), "7123.16999", px=lease_ms())
    installation.check()
    assert installation.read_name() == "7123.16999"
