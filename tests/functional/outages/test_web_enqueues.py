"""Leads that a web process accepted but has not enqueued survive stalls of Redis and the process's graceful stop."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from routing.models import DispatchMode, Lead, Source
from routing.reconcile import find_reconciler, run_reconciler
from routing.redis.keys import inflight_key, schedule_of
from tests.support.factories import SourceFactory, WorkspaceFactory, issue_key
from tests.support.senders import Senders
from tests.support.served import Server, serving
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")

STALL_MS = 1_500


@pytest.fixture
def source(own_redis: "redis.Redis[str]") -> Source:
    assert own_redis.ping()
    source: Source = SourceFactory(workspace=WorkspaceFactory(dispatch_mode=DispatchMode.EVENT))
    return source


@contextmanager
def web(own_redis: "redis.Redis[str]", tmp_path: Path) -> Iterator[Server]:
    assert own_redis.ping()
    with (
        (tmp_path / "web.log").open("wb") as log,
        serving(output=log, REDIS_URL=settings.REDIS_URL) as server,
    ):
        yield server


def missing(accepted: list[str], own_redis: "redis.Redis[str]") -> list[str]:
    """Accepted leads that are neither in the schedule nor in flight."""
    leads = Lead.objects.filter(public_id__in=accepted)
    assert leads.count() == len(accepted)
    return [
        str(lead.public_id)
        for lead in leads
        if own_redis.zscore(inflight_key(), lead.pk) is None
        and own_redis.zscore(schedule_of(lead.workspace_id), lead.pk) is None
    ]


@contextmanager
def frozen(own_redis: "redis.Redis[str]") -> Iterator[None]:
    """It accepts connections and answers nothing."""
    pid = own_redis.info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def part(server: Server, name: str) -> Any:
    with urllib.request.urlopen(f"{server.address}/readyz", timeout=10) as answer:  # noqa: S310 - the test's own server
        return json.load(answer)[name]


@pytest.mark.parametrize("is_stalled", [False, True], ids=["redis answers", "redis stalls"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_stopped_server_enqueues_what_it_accepted(
    source: Source, own_redis: "redis.Redis[str]", tmp_path: Path, number: int, *, is_stalled: bool
) -> None:
    with web(own_redis, tmp_path) as server:
        senders = Senders(server.address, issue_key(source))
        with senders.streaming():
            wait_until(lambda: len(senders.accepted) >= 30, what="accepted leads")
            if is_stalled:
                own_redis.client_pause(STALL_MS)
            server.process.send_signal(number)
            assert server.process.wait(30) == 0
    assert not missing(senders.accepted, own_redis)


def test_reload_enqueues_what_the_old_process_accepted(
    source: Source, own_redis: "redis.Redis[str]", tmp_path: Path
) -> None:
    with web(own_redis, tmp_path) as server:
        senders = Senders(server.address, issue_key(source))
        with senders.streaming():
            wait_until(lambda: len(senders.accepted) >= 30, what="accepted leads")
            own_redis.client_pause(STALL_MS)
            server.process.send_signal(signal.SIGHUP)
            before = len(senders.accepted)
            wait_until(
                lambda: len(senders.accepted) >= before + 30, what="leads that the new process accepted"
            )
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
    assert not missing(senders.accepted, own_redis)


def test_server_that_cannot_enqueue_stops_and_reports_the_rest(
    source: Source, own_redis: "redis.Redis[str]", tmp_path: Path
) -> None:
    with web(own_redis, tmp_path) as server:
        senders = Senders(server.address, issue_key(source))
        with frozen(own_redis):
            for _ in range(3):
                senders.send()
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(30) == 0
    log = (tmp_path / "web.log").read_text()
    [line] = [line for line in log.splitlines() if "routing.enqueue_left" in line]
    assert json.loads(line)["leads"] == 3
    assert not any(public_id in line for public_id in senders.accepted)
    run_reconciler(find_reconciler("schedule"), fix=True)
    assert not missing(senders.accepted, own_redis)


def test_leads_of_a_stall_are_put_when_redis_answers_again(
    source: Source, own_redis: "redis.Redis[str]", tmp_path: Path
) -> None:
    """Neither a dispatcher nor a reconciler runs, and no other request comes: only this process can put them."""
    with web(own_redis, tmp_path) as server:
        senders = Senders(server.address, issue_key(source))
        with frozen(own_redis):
            for _ in range(5):
                senders.send()
            wait_until(
                lambda: part(server, "enqueuer") == "behind", what="a server that says that it is cut off"
            )
        wait_until(lambda: not missing(senders.accepted, own_redis), what="leads in the schedule")
        wait_until(lambda: part(server, "enqueuer") == "ok", what="a server that is well")
        log = tmp_path / "web.log"
        wait_until(lambda: "routing.enqueue_caught_up" in log.read_text(), what="a log that says so")
        assert "routing.enqueue_cut_off" in log.read_text()
