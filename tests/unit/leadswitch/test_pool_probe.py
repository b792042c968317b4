"""When a worker's main process considers its pool alive, with a fake clock and pool."""

import os
from typing import TYPE_CHECKING, Any

import pytest

from distribution import tasks
from leadswitch import pool_probe
from leadswitch.celery import count_steps
from leadswitch.pool_probe import CALL_AGAIN_SECONDS, PoolProbe

if TYPE_CHECKING:
    from collections.abc import Callable


class Pool:
    """Two processes that accept calls, and answer when the test says so."""

    num_processes = 2

    def __init__(self) -> None:
        self.calls: list[tuple[Callable[[Any], None], Callable[[Any], None]]] = []

    def apply_async(self, _: Any, *, callback: Any, error_callback: Any) -> None:
        self.calls.append((callback, error_callback))


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pool_probe, "time", clock)
    return clock


def test_tasks_are_a_pulse_and_no_call_is_made(clock: Clock) -> None:
    pool, begun = Pool(), iter(range(10))
    probe = PoolProbe(pool, lambda: next(begun))
    for _ in range(5):
        clock.now += 100
        assert probe.silent_seconds() == 0
    assert pool.calls == []


def test_lead_of_a_long_message_is_a_pulse(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message has up to fifty leads, each of which may wait for seconds: no process of the pool starts a new task."""
    pool = Pool()
    probe = PoolProbe(pool, count_steps)
    monkeypatch.setattr(tasks, "_process", lambda *_, **__: None)
    for _ in range(5):
        clock.now += 100
        pid = os.fork()
        if pid == 0:
            tasks.process_leads([1])
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert probe.silent_seconds() == 0
    assert pool.calls == []


def test_idle_pool_answers_calls(clock: Clock) -> None:
    pool = Pool()
    probe = PoolProbe(pool, lambda: 0)
    clock.now += 5
    assert probe.silent_seconds() == 5
    pool.calls.pop()[0](None)
    assert probe.silent_seconds() == 0


def test_frozen_process_keeps_its_call_and_the_other_answers(clock: Clock) -> None:
    pool = Pool()
    probe = PoolProbe(pool, lambda: 0)
    for _ in range(2):
        clock.now += CALL_AGAIN_SECONDS
        probe.silent_seconds()
    pool.calls[1][0](None)
    assert probe.silent_seconds() == 0
    clock.now += CALL_AGAIN_SECONDS
    probe.silent_seconds()
    assert len(pool.calls) == 3


def test_frozen_pool_is_silent_and_gets_one_call_per_process(clock: Clock) -> None:
    pool = Pool()
    probe = PoolProbe(pool, lambda: 0)
    for seconds in range(1, 101):
        clock.now += 1
        assert probe.silent_seconds() == seconds
    assert len(pool.calls) == 2
    pool.calls[0][1](None)  # the process was killed, and another one replaces it
    probe.silent_seconds()
    assert len(pool.calls) == 3
