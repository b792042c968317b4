"""The settings of heartbeats and of the fallback decide when a process counts as dead and another one takes over."""

from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from leadswitch.beat import HeartbeatScheduler
from leadswitch.celery import app
from routing.dispatch import workers
from routing.dispatch.control import read_control, write_leader_heartbeat
from routing.dispatch.leadership import acquire_leadership
from routing.dispatch.problems import find_problems
from routing.dispatch.retry_buffer import RetryBuffer
from routing.dispatch.sizes import read_sizes
from routing.dispatch.state import read_state, read_summary
from routing.dispatcher import fallback
from routing.dispatcher.leader_tasks import catch_up
from routing.dispatcher.loop import Dispatcher
from routing.locks.attempts import lock_next_polled_lead
from routing.models import DispatchPath, Workspace
from routing.queries import count_polled, has_polled
from routing.redis import keys
from tests.support.factories import LeadFactory

if TYPE_CHECKING:
    import redis

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


class Waits(Event):
    """An event that does not wait: it notes the seconds, and is set at the last wait."""

    def __init__(self, *, most: int = 1) -> None:
        super().__init__()
        self.seconds: list[float | None] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        if len(self.seconds) == self._most:
            self.set()
        return self.is_set()


class Clock:
    """A clock that a test moves. In seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in ("fallback", "leader_tasks"):
        monkeypatch.setattr(f"routing.dispatcher.{module}.time", clock)
    return clock


def change(settings: Any, **values: float) -> None:
    settings.LEADSWITCH_TAKEOVER = replace(settings.LEADSWITCH_TAKEOVER, **values)


def age_heartbeat(seconds: int) -> None:
    write_leader_heartbeat("another", epoch=1, path=DispatchPath.REDIS)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE routing_dispatchcontrol SET seen_at = clock_timestamp() - make_interval(secs => %s)",
            [seconds],
        )


def make_dispatcher(stop: Event) -> Dispatcher:
    return Dispatcher("test", run_next_due=lambda: False, stop=stop)


@pytest.mark.parametrize(("alive_seconds", "is_led"), [(15, True), (9, False)])
def test_leader_counts_as_dead_after_the_limit(alive_seconds: int, *, is_led: bool, settings: Any) -> None:
    """All readers agree: the page, the home page, the pick-up, and the lock of the next lead."""
    change(settings, alive_seconds=alive_seconds)
    lead = LeadFactory()
    Workspace.objects.update(dispatch_mode="event")
    age_heartbeat(10)
    assert read_control().is_led == is_led
    assert read_summary(None).is_led == is_led
    assert has_polled() != is_led
    assert count_polled(limit=5) == (0 if is_led else 1)
    locked = lock_next_polled_lead(after=0)
    assert (locked.id if locked else None) == (None if is_led else lead.pk)
    text = f"No dispatcher has sent a heartbeat as the leader for {alive_seconds} seconds."
    assert any(each.startswith(text) for each in find_problems(read_state(None))) != is_led


@pytest.mark.parametrize(("alive_seconds", "is_alive"), [(15, True), (9, False)])
def test_worker_counts_as_dead_after_the_limit(
    alive_seconds: int, *, is_alive: bool, settings: Any, redis_client: "redis.Redis[str]"
) -> None:
    """Python and Lua agree."""
    change(settings, alive_seconds=alive_seconds)
    workers.write_worker_heartbeat("celery@one")
    redis_client.zincrby(keys.workers_key(), -10, "celery@one")
    for shard in redis_client.hgetall(keys.consumed_key()):
        redis_client.hincrby(keys.consumed_key(), shard, -10)
    assert workers.count_alive() == int(is_alive)
    assert {each.is_consumed for each in read_sizes().shards} == {is_alive}


@pytest.mark.parametrize(("seconds", "is_consumed"), [(15, True), (9, False)])
def test_worker_whose_pool_is_silent_for_the_limit_does_not_consume(
    seconds: int, *, is_consumed: bool, settings: Any
) -> None:
    change(settings, alive_seconds=seconds)
    workers.write_worker_heartbeat("celery@one", silent_seconds=10)
    assert {each.is_consumed for each in read_sizes().shards} == {is_consumed}


def test_leader_writes_its_heartbeat_and_counts_at_the_set_paces(
    settings: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(settings, leader_heartbeat_seconds=7)
    settings.LEADSWITCH_TUNING = replace(settings.LEADSWITCH_TUNING, sizes_seconds=4)
    done: list[tuple[str, float]] = []
    monkeypatch.setattr(
        "routing.dispatcher.loop.write_leader_heartbeat",
        lambda *_, **__: done.append(("heartbeat", clock.now - 1_000)),
    )
    monkeypatch.setattr(
        "routing.dispatcher.loop.export_sizes", lambda: done.append(("sizes", clock.now - 1_000))
    )
    leader, _ = acquire_leadership("test", lease_ms=600_000, least_epoch=0)
    assert leader is not None
    dispatcher = make_dispatcher(Event())
    for _ in range(15):
        dispatcher._report(leader)
        clock.now += 1
    assert [at for what, at in done if what == "heartbeat"] == [0, 7, 14]
    assert [at for what, at in done if what == "sizes"] == [0, 4, 8, 12]


def test_process_sends_its_heartbeat_at_the_set_pace(
    settings: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(settings, process_heartbeat_seconds=3)
    sent: list[float] = []
    monkeypatch.setattr("routing.dispatcher.loop.send_heartbeat", lambda *_: sent.append(clock.now - 1_000))
    dispatcher = make_dispatcher(Event())
    for _ in range(8):
        dispatcher._send_heartbeat()
        clock.now += 1
    assert sent == [0, 3, 6]


def test_beat_waits_no_longer_than_the_heartbeat_of_a_process(settings: Any) -> None:
    """It sends its heartbeat before each wait, and all of its tasks may be minutes away."""
    scheduler = HeartbeatScheduler(app=app, lazy=True)
    assert scheduler.max_interval == settings.LEADSWITCH_TAKEOVER.process_heartbeat_seconds == 1


def test_standby_waits_as_long_as_set(settings: Any) -> None:
    change(settings, standby_seconds=0.25)
    acquire_leadership("another", lease_ms=600_000, least_epoch=0)
    waits = Waits()
    make_dispatcher(waits).run()
    assert waits.seconds == [0.25]


def test_dispatcher_waits_as_long_as_set_after_a_failure_of_postgres(settings: Any) -> None:
    change(settings, pause_after_failure_seconds=0.75)
    waits = Waits()
    make_dispatcher(waits)._report_database(OperationalError("the server closed the connection"))
    assert waits.seconds == [0.75]


@pytest.mark.parametrize(("trusted_seconds", "runs"), [(12, 0), (9, 1)])
def test_cut_off_dispatcher_trusts_another_leader_for_the_set_time(
    trusted_seconds: int, runs: int, settings: Any
) -> None:
    change(settings, fallback_after_seconds=trusted_seconds, fallback_poll_seconds=0.125)
    age_heartbeat(10)
    searched: list[int] = []
    waits = Waits()

    def find_nothing() -> bool:
        searched.append(1)
        return False

    fallback.run_without_redis("test", run_next_due=find_nothing, stop=waits)
    assert len(searched) == runs
    assert waits.seconds == [0.125]


def test_round_without_redis_ends_after_the_set_time(settings: Any, clock: Clock) -> None:
    """Each lead takes a second here."""
    change(settings, fallback_round_seconds=3)
    ran: list[float] = []

    def run_one() -> bool:
        ran.append(clock.now)
        clock.now += 1
        return True

    fallback.run_without_redis("test", run_next_due=run_one, stop=Event())
    assert len(ran) == 3


@pytest.mark.parametrize(("period_seconds", "is_put"), [(60, False), (300, True)])
def test_new_leader_requeues_what_is_due_before_the_reconciler_has_run_twice(
    period_seconds: int, *, is_put: bool, settings: Any, redis_client: "redis.Redis[str]"
) -> None:
    name, _ = settings.LEADSWITCH_RECONCILERS["schedule"]
    settings.LEADSWITCH_RECONCILERS = {
        **settings.LEADSWITCH_RECONCILERS,
        "schedule": (name, period_seconds),
    }
    lead = LeadFactory(next_attempt_at=timezone.now() + timedelta(minutes=8))
    Workspace.objects.update(dispatch_mode="event")
    list(catch_up())
    assert (redis_client.zscore(keys.schedule_of(lead.workspace_id), str(lead.pk)) is not None) == is_put


def test_retry_buffer_holds_the_set_number(settings: Any) -> None:
    settings.LEADSWITCH_TUNING = replace(settings.LEADSWITCH_TUNING, retry_buffer_leads=3)
    buffer = RetryBuffer()
    assert buffer.add(range(5)) == 2
    assert len(buffer) == 3
