"""The state of the dispatch: figures from PostgreSQL and Redis, the problems, and who may see them."""

from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from routing.dispatch import backlog_counts, canary, pauses, redis_state, schedule, workers
from routing.dispatch.backlog_counts import Backlog
from routing.dispatch.control import clear_leader_heartbeat, write_leader_heartbeat
from routing.dispatch.leadership import acquire_leadership
from routing.dispatch.problems import find_problems
from routing.dispatch.state import DispatchSummary, read_state, read_summary
from routing.models import DispatchPath, Workspace
from routing.redis import keys
from tests.support import switches
from tests.support.factories import LeadFactory, SourceFactory, WorkspaceFactory
from tests.support.reconciled import all_ran
from tests.support.redis_faults import refusing_writes
from tests.support.times import due, later

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

WHY = {"actor": "ops", "reason": "a doubt"}


def waiting(workspace: Workspace, *minutes: float) -> None:
    """Leads that are due in this many minutes. Negative: overdue."""
    source = SourceFactory(workspace=workspace)
    for each in minutes:
        LeadFactory(source=source, next_attempt_at=timezone.now() + timedelta(minutes=each))


def lead_and_work() -> None:
    write_leader_heartbeat("one", epoch=3, path=DispatchPath.REDIS)
    workers.write_worker_heartbeat("celery@one")
    all_ran()


def attempt() -> None:
    """One begins just now."""
    assert distribute_lead(LeadFactory(source=SourceFactory()).pk).result == "unsold"


def problems(visible: list[int] | None = None) -> list[str]:
    return list(find_problems(read_state(visible)))


def test_second_leader_is_a_problem() -> None:
    lead_and_work()
    assert acquire_leadership("one", lease_ms=600_000, least_epoch=3)[0] is not None
    assert problems() == []

    write_leader_heartbeat("two", epoch=9, path=DispatchPath.REDIS)

    [problem] = problems()
    assert problem.startswith(
        "Two dispatchers lead: two by its heartbeat in PostgreSQL, one by its lease in Redis."
    )
    clear_leader_heartbeat("two")
    assert problems() == []


def test_polled_leads_are_counted_in_postgres() -> None:
    polled, other = WorkspaceFactory(), WorkspaceFactory()
    waiting(polled, -30, -5, 60)
    waiting(other, 60)
    LeadFactory(source__workspace=polled, status="failed", next_attempt_at=None, finished_at=timezone.now())
    LeadFactory(source__workspace=polled, paused_at=timezone.now())  # an operator paused it

    state = read_state(None)

    assert {each.id: each.backlog for each in state.workspaces} == {
        polled.pk: Backlog(3, 2),
        other.pk: Backlog(1, 0),
    }
    assert state.total == Backlog(4, 2)
    assert state.overdue_seconds == pytest.approx(1_800, abs=60)
    assert state.overdue_display.startswith("30 min")


def test_leads_of_the_dispatcher_are_counted_in_the_schedule(settings: Any) -> None:
    settings.LEADSWITCH_READY_LIMIT = 2
    workspace = WorkspaceFactory(dispatch_mode="event")
    schedule.put([*(due(number, workspace.pk) for number in range(1, 5)), later(5, workspace.pk)])
    schedule.start([1])

    state = read_state(None)

    assert state.redis is not None
    assert [each.backlog for each in state.workspaces] == [Backlog(3, 2)]
    assert state.redis.sizes is not None
    shard = state.redis.sizes.shards[keys.shard_of(workspace.pk, shards=settings.LEADSWITCH_READY_SHARDS)]
    assert (shard.waiting, shard.overdue, shard.ready) == (3, 2, 1)
    assert (state.redis.sizes.inflight, state.redis.started) == (2, 1)


def test_number_of_leads_read_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The leads due soonest are read. A workspace without one among them may still have some, and the page says so."""
    monkeypatch.setattr(backlog_counts, "MAX_COUNTED", 3)
    soon, late = WorkspaceFactory(name="a"), WorkspaceFactory(name="b")
    waiting(soon, -2, -1, 5)
    waiting(late, 60)

    state = read_state(None)

    first, second = (each.backlog for each in state.workspaces)
    assert (first.waiting_display, first.overdue_display) == ("3+", "2")
    assert (second.waiting_display, second.overdue_display) == ("0+", "0")
    assert state.overdue_display.startswith("2 min")


def test_leads_of_paused_workspaces_do_not_make_the_age() -> None:
    paused, running = WorkspaceFactory(paused_at=timezone.now()), WorkspaceFactory()
    waiting(paused, -60, -50)
    assert read_state(None).overdue_display == "nothing is overdue"
    waiting(running, -10)
    assert read_state(None).overdue_display.startswith("10 min")


def test_paused_pile_hides_no_other_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leads of running workspaces are counted first, and their age is always known."""
    monkeypatch.setattr(backlog_counts, "MAX_COUNTED", 2)
    paused, running = WorkspaceFactory(name="a", paused_at=timezone.now()), WorkspaceFactory(name="b")
    waiting(paused, -60, -60, -60)
    waiting(running, -10)

    state = read_state(None)

    assert state.overdue_display.startswith("10 min")
    assert [each.backlog.overdue_display for each in state.workspaces] == ["1+", "1+"]


def test_pauses_are_listed_first_with_user_and_reason() -> None:
    names = [WorkspaceFactory(name=name) for name in ("a", "b", "c")]
    at = timezone.now()
    switches.pause_workspace(names[2].pk, at=at, **WHY)
    switches.pause_product(at=at, actor="ann", reason="a bad import")

    state = read_state(None)

    assert [each.name for each in state.workspaces] == ["c", "a", "b"]
    assert [each.pause for each in state.workspaces] == [pauses.Pause(at, **WHY), None, None]
    assert state.pause == pauses.Pause(at, "ann", "a bad import")
    assert (state.paused_count, state.paused_display, state.workspace_count) == (1, "all (product paused)", 3)


def test_workspaces_are_searched_and_limited() -> None:
    for name in ("Sunbelt", "Sunrise", "Peachtree"):
        WorkspaceFactory(name=name, slug=name.lower())
    assert [each.name for each in read_state(None, search="SUN", limit=5).workspaces] == [
        "Sunbelt",
        "Sunrise",
    ]
    cut = read_state(None, limit=2)
    assert ([each.name for each in cut.workspaces], cut.is_cut) == (["Peachtree", "Sunbelt"], True)
    assert not read_state(None, limit=3).is_cut
    assert cut.workspace_count == 3


def test_scoped_user_sees_own_workspaces_only() -> None:
    mine, foreign = WorkspaceFactory(), WorkspaceFactory(paused_at=timezone.now(), dispatch_mode="event")
    waiting(mine, 5)
    waiting(foreign, -60, -60)

    state = read_state([mine.pk])

    assert [each.id for each in state.workspaces] == [mine.pk]
    assert (state.total, state.overdue_seconds) == (Backlog(1, 0), None)
    assert state.modes == {"poll": 1, "shadow": 0, "event": 0}
    assert state.paused_count == 0
    assert state.redis is not None
    assert state.redis.sizes is None
    assert not state.is_whole


def test_state_with_leader_and_worker_has_no_problems() -> None:
    WorkspaceFactory(dispatch_mode="event")
    lead_and_work()
    assert problems() == []
    switches.pause_product(at=timezone.now(), **WHY)
    assert problems() == []


def test_missing_dispatcher_is_a_problem_where_one_is_needed() -> None:
    polled = WorkspaceFactory()
    workers.write_worker_heartbeat("celery@one")
    all_ran()
    assert problems() == []
    event = WorkspaceFactory(dispatch_mode="event")
    [problem] = problems()
    assert problem.startswith("No dispatcher has sent a heartbeat as the leader for 15 seconds")
    assert problems([polled.pk]) == []
    assert problems([event.pk]) == [problem]
    lead_and_work()
    assert problems() == []
    with connection.cursor() as cursor:
        cursor.execute("UPDATE routing_dispatchcontrol SET seen_at = seen_at - interval '16 seconds'")
    assert problems() == [problem]
    write_leader_heartbeat("one", epoch=3, path=DispatchPath.REDIS)
    clear_leader_heartbeat("one")
    assert problems() == [problem]


@pytest.mark.parametrize(
    ("shards", "names", "then"),
    [
        ([0, 3], "ready.1, ready.2", "Their leads go to the other queues."),
        (
            [],
            "ready.0, ready.1, ready.2, ready.3",
            "Leads wait there unless a worker of an older version consumes them.",
        ),
    ],
)
def test_queues_without_a_consumer_are_named(
    redis_client: "redis.Redis[str]", shards: list[int], names: str, then: str
) -> None:
    lead_and_work()
    redis_client.delete(keys.consumed_key())
    workers.write_worker_heartbeat("celery@one", shards=shards)
    [problem] = problems()
    assert problem.startswith(f"No worker reports that it consumes {names}. {then}")


def test_missing_worker_is_a_problem() -> None:
    all_ran()
    [problem] = problems()
    assert problem.startswith("No worker has sent a heartbeat for 15 seconds")


def test_switch_that_differs_in_redis_is_a_problem(redis_client: "redis.Redis[str]") -> None:
    """In both directions, and for the product's switch."""
    lead_and_work()
    paused, running = WorkspaceFactory(paused_at=timezone.now()), WorkspaceFactory()
    redis_client.set(keys.workspace_paused_key(running.pk), 1)
    redis_client.set(keys.paused_key(), 1)

    state = read_state(None)

    assert state.redis is not None
    assert state.redis.unmirrored == {None, paused.pk, running.pk}
    assert [each.is_mirrored for each in state.workspaces] == [False, False]
    assert state.is_product_mirrored is False
    [problem] = find_problems(state)
    assert problem.startswith("3 pauses in Redis are out of date")


def test_postgres_part_is_shown_without_redis(no_redis: str) -> None:
    workspace = WorkspaceFactory(dispatch_mode="event")
    waiting(workspace, -5, 60)
    write_leader_heartbeat("one", epoch=3, path=DispatchPath.POSTGRES)
    all_ran()

    state = read_state(None)

    assert (state.redis, state.redis_failure) == (None, no_redis)
    assert [(each.backlog, each.is_mirrored) for each in state.workspaces] == [(Backlog(2, 1), None)]
    assert (state.control.leader, state.control.path, state.control.is_led) == ("one", "postgres", True)
    late, never, away = find_problems(state)
    assert late.startswith("1 lead is due and has not started. The oldest has been due for 5 min")
    assert never == "No lead has ever started, although leads are due."
    assert away.startswith(f"Redis does not respond ({no_redis})")


@pytest.mark.usefixtures("no_redis")
def test_redis_is_not_called_at_each_read_during_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    read = redis_state._read_redis

    def count(*arguments: Any, **named: Any) -> Any:
        asked.append(monotonic())
        return read(*arguments, **named)

    monkeypatch.setattr(redis_state, "_read_redis", count)
    states = [read_state(None) for _ in range(3)]
    assert [state.redis for state in states] == [None, None, None]
    assert len(asked) == 1


def test_state_takes_the_same_statements_with_more_workspaces() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            read_state(None, limit=100)
        return len(captured)

    waiting(WorkspaceFactory(paused_at=timezone.now()), -5)
    few = statements()
    for _ in range(5):
        waiting(WorkspaceFactory(paused_at=timezone.now()), -5)
        waiting(WorkspaceFactory(dispatch_mode="event"), 5)
    assert statements() == few == 8


def test_home_page_has_a_summary() -> None:
    mine = WorkspaceFactory(paused_at=timezone.now())
    WorkspaceFactory(paused_at=timezone.now())
    assert read_summary(None) == DispatchSummary(is_paused=False, is_led=False, paused_count=2)
    lead_and_work()
    switches.pause_product(at=timezone.now(), **WHY)
    assert read_summary([mine.pk]) == DispatchSummary(is_paused=True, is_led=True, paused_count=1)


class TestLate:
    """Each threshold, and the value just below it."""

    def test_oldest_due_lead_is_judged_by_its_age(self) -> None:
        lead_and_work()
        attempt()
        waiting(WorkspaceFactory(), -1 / 60)
        assert problems() == []
        waiting(WorkspaceFactory(), *[-6 / 60] * 3)
        [problem] = problems()
        assert problem.startswith("4 leads are due and have not started. The oldest has been due for 6 s.")

    def test_many_due_leads_are_judged_by_their_number(self, settings: Any) -> None:
        lead_and_work()
        attempt()
        settings.LEADSWITCH_WATCH = {**settings.LEADSWITCH_WATCH, "overdue_leads": 2}
        waiting(WorkspaceFactory(), 0, 0)
        assert problems() == []
        waiting(WorkspaceFactory(), 0)
        [problem] = problems()
        assert problem.startswith("3 leads are due and have not started. The oldest has been due for 0 s.")

    def test_stalled_dispatch_is_reported_when_leads_are_due(self) -> None:
        lead_and_work()
        assert problems() == []
        waiting(WorkspaceFactory(), -11 / 60)
        late, never = problems()
        assert late.startswith("1 lead is due and has not started")
        assert never == "No lead has ever started, although leads are due."

    def test_missing_canary_is_reported(self) -> None:
        lead_and_work()
        canary.send()
        assert problems() == []
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE routing_canary SET out_since = out_since - interval '16 seconds' WHERE shard = 1"
            )
        [problem] = problems()
        assert problem.startswith("A canary has been on its way through the queues for 16 s")

    def test_paused_product_has_no_late_leads(self) -> None:
        lead_and_work()
        waiting(WorkspaceFactory(), -60)
        assert len(problems()) == 2
        switches.pause_product(at=timezone.now(), **WHY)
        assert problems() == []

    def test_late_leads_are_reported_behind_a_paused_pile(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lead_and_work()
        monkeypatch.setattr(backlog_counts, "MAX_COUNTED", 2)
        paused, running = WorkspaceFactory(paused_at=timezone.now()), WorkspaceFactory()
        waiting(paused, -60, -60, -60)
        waiting(running, -60)
        pauses.mirror(paused.pk)
        assert any(
            "due and have not started" in problem or "due and has not started" in problem
            for problem in problems()
        )


def test_redis_that_refuses_writes_is_reported(redis_client: "redis.Redis[str]") -> None:
    lead_and_work()
    with refusing_writes(redis_client):
        state = read_state(None)
        [problem] = find_problems(state)
    assert state.redis is not None
    assert state.redis_refusal == "OutOfMemoryError"
    assert problem.startswith("Redis refuses writes (OutOfMemoryError)")
    assert problems() == []
