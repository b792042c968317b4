"""The base of the other tests: two real connections to one database, and a Redis prefix for each worker."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from celery import current_app
from django.conf import settings
from django.db import IntegrityError, connections, transaction

from routing.models import Workspace
from tests.support.schema import execute
from tests.support.waiting import fetch_value

if TYPE_CHECKING:
    import redis


def session_id(alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def write_a_verdict_and_fail() -> None:
    with transaction.atomic():
        Workspace.objects.create(slug="rolled-back")
        Workspace.objects.using("verdict").create(slug="verdict")
        Workspace.objects.create(slug="rolled-back")


@pytest.mark.usefixtures("committed_db")
def test_verdict_alias_is_another_session_of_the_same_database() -> None:
    assert session_id("default") != session_id("verdict")
    with pytest.raises(IntegrityError):
        write_a_verdict_and_fail()
    assert list(Workspace.objects.values_list("slug", flat=True)) == ["verdict"]


def create_group_and_close() -> None:
    Workspace.objects.create(slug="by-a-thread")
    connections.close_all()


@pytest.mark.usefixtures("committed_db")
def test_commits_of_other_tests_and_threads_are_removed() -> None:
    assert Workspace.objects.count() == 0
    thread = Thread(target=create_group_and_close)
    thread.start()
    thread.join()
    assert Workspace.objects.count() == 1


@pytest.mark.django_db
def test_rolled_back_test_sees_none_of_them() -> None:
    assert Workspace.objects.count() == 0


def test_next_test_begins_with_a_session_like_a_new_one(
    committing_once: Callable[[], AbstractContextManager[None]],
) -> None:
    with committing_once():
        used = session_id("default")
        execute("SET lock_timeout = '7s'")
        fetch_value("SELECT pg_advisory_lock(1)")
        Workspace.objects.create(slug="left")
    with committing_once():
        assert connections["default"].connection is not None
        assert session_id("default") != used
        assert fetch_value("SELECT current_setting('lock_timeout')") == "2s"
        assert fetch_value("SELECT current_setting('session_replication_role')") == "origin"
        assert fetch_value("SELECT count(*) FROM pg_prepared_statements") == 0
        assert Workspace.objects.count() == 0


@pytest.mark.usefixtures("committed_db")
def test_sessions_have_time_limits() -> None:
    for alias in ("default", "verdict"):
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('lock_timeout'), current_setting('statement_timeout'),"
                " current_setting('idle_in_transaction_session_timeout')"
            )
            assert cursor.fetchone() == ("2s", "15s", "30s")


def test_every_key_of_a_published_task_has_the_worker_prefix(redis_client: "redis.Redis[str]") -> None:
    current_app.send_task("distribution.pick_up_due")
    prefix = settings.LEADSWITCH_REDIS_PREFIX
    assert redis_client.llen(f"{prefix}:{prefix}") == 1
