"""How many leads per second enter and leave the schedule, and how much memory each needs."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.bench.children import Child
from tests.bench.dispatch.plan import COUNTDOWN, Plan
from tests.bench.dispatch.processes import (
    WITHOUT_LIMIT,
    Place,
    read_resident_bytes,
    run_dispatcher,
    running,
)
from tests.bench.dispatch.waiting import NotStarted, wait_until_none

Progress = Callable[[str], None]

FIRST_MADE_UP_ID: Final = 10**12
YEAR_SECONDS: Final = 365 * 86_400.0
HOUR_SECONDS: Final = 3_600.0
LONGEST_WAIT_SECONDS: Final = 300.0
POLL_SECONDS: Final = 0.02
STEPS: Final = 6


def fill_schedule(plan: Plan, child: Child, *, progress: Progress) -> Mapping[str, Any]:
    """Insert the large backlog into PostgreSQL and put it into the schedule."""
    progress(f"{plan.large_backlog:,} leads into PostgreSQL")
    child.ask("fill", count=plan.large_backlog - plan.small_backlog, due_in=YEAR_SECONDS)
    progress("into the schedule")
    before = child.ask("read_memory")["bytes"]
    put = child.ask("put_backlog")
    after = child.ask("read_memory")["bytes"]
    alone = child.ask("put_alone", count=plan.put_alone, first_id=FIRST_MADE_UP_ID)
    return {
        "leads": put["count"],
        "puts_a_second": put["count"] / put["seconds"],
        "puts_alone_a_second": alone["count"] / alone["seconds"],
        "bytes_a_lead": (after - before) / (plan.large_backlog - plan.small_backlog),
    }


def measure_moves(plan: Plan, child: Child, place: Place, *, progress: Progress) -> Mapping[str, Any]:
    """Needs the large backlog in the schedule. Removes it from PostgreSQL at the end."""
    progress(f"one dispatcher: {plan.moved:,} due at once")
    by_product = _move_by_dispatcher(plan, child, place)
    progress("Celery countdown")
    by_countdown = _move_by_countdown(plan, child, place)
    progress("by hand from PostgreSQL")
    child.ask("fill", count=plan.moved, due_in=-HOUR_SECONDS)
    by_hand = child.ask("poll_by_hand", most=plan.moved)
    return {
        "moved": plan.moved,
        "dispatcher": by_product,
        "countdown": by_countdown,
        "poller": {"moved_a_second": by_hand["moved"] / by_hand["seconds"]},
    }


def _move_by_dispatcher(plan: Plan, child: Child, place: Place) -> Mapping[str, Any]:
    """Measure only the dispatcher: no worker runs, and the ready queues have no limit."""
    with run_dispatcher(place, LEADSWITCH_READY_LIMIT=WITHOUT_LIMIT) as process_id:
        idle = read_resident_bytes(process_id)
        before = child.ask("read_sizes")["waiting"]
        put = child.ask("put_due", count=plan.moved, first_id=2 * FIRST_MADE_UP_ID, due_in=plan.moved_in)
        due = time.monotonic() + put["seconds"]
        if put["seconds"] < 0:
            raise NotStarted("the leads came up before all of them were in the schedule")
        wait_until_none(
            lambda: int(child.ask("read_sizes")["waiting"] - before),
            seconds=put["seconds"] + LONGEST_WAIT_SECONDS,
            every=POLL_SECONDS,
        )
        seconds = time.monotonic() - due
        return {
            "moved_a_second": plan.moved / seconds,
            "resident_bytes": read_resident_bytes(process_id),
            "resident_bytes_before": idle,
        }


def _move_by_countdown(plan: Plan, child: Child, place: Place) -> Mapping[str, Any]:
    """Messages with a countdown: how fast they are published, and the memory of each in Redis and in the worker."""
    with running(COUNTDOWN, place) as processes:
        redis_before = child.ask("read_memory")["bytes"]
        worker_before = read_resident_bytes(processes["worker"])
        seconds = child.ask("publish_later", count=plan.moved_by_countdown, seconds=HOUR_SECONDS)["seconds"]
        worker_after = _wait_until_steady(lambda: read_resident_bytes(processes["worker"]))
        redis_after = child.ask("read_memory")["bytes"]
    return {
        "published": plan.moved_by_countdown,
        "published_a_second": plan.moved_by_countdown / seconds,
        "redis_bytes_a_lead": (redis_after - redis_before) / plan.moved_by_countdown,
        "worker_bytes_a_lead": (worker_after - worker_before) / plan.moved_by_countdown,
    }


def _wait_until_steady(read: Callable[[], int]) -> int:
    """Wait until the worker has read all messages and its memory no longer grows."""
    last, deadline = read(), time.monotonic() + LONGEST_WAIT_SECONDS
    while time.monotonic() < deadline:
        time.sleep(1.0)
        now = read()
        if now - last < 100_000:
            return now
        last = now
    return last
