"""Faults without permanent damage: lost answers, graceful stops, stalls, another tenant's pile of leads."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from routing.dispatch.control import read_control
from routing.dispatch.schedule import TIMEOUT_SECONDS
from routing.models import DispatchPath
from tests.chaos.fleet import is_any_alive
from tests.chaos.outages import redis_silent
from tests.chaos.stage import Stage, Watch, go_on
from tests.chaos.waybacks import find_stranded, read_overdue
from tests.support.factories import LeadFactory
from tests.support.waiting import TooSlow, fetch_value

STALL_SECONDS: Final = (1.0, 3.0)
# Until leads start once all faults are over, on a slow machine.
SOON_SECONDS: Final = 6.0


def lose_claim(stage: Stage, leads: int) -> None:
    """The script has run and its leads are in flight, but the dispatcher that claimed them gets no answer.

    They fill their queue, so no other lead of it is published before them.
    """
    wait_until_nothing_is_due(stage, what="the leads before a claim whose answer is lost")
    stage.wait_for_leader()
    stage.strike()
    with stage.losing_an_answer("claim") as wait_for_loss:
        stage.fleet.enqueue(stage.senders.send_at_once(leads // 2))
        wait_for_loss()
    watch = Watch()
    # The dispatcher that lost it may run leads itself for a round. The leads after it need the queue.
    stage.wait(
        lambda: watch.seconds > settings.LEADSWITCH_TAKEOVER.fallback_round_seconds and _leads_since(watch),
        what="a dispatcher that leads after the answer of a claim was lost",
    )
    stage.send(leads - leads // 2)
    wait_until_nothing_is_due(
        stage, what="leads sent after the answer of a claim was lost", seconds=SOON_SECONDS
    )


def _leads_since(watch: Watch) -> bool:
    """Whether a dispatcher has since logged that it leads through Redis."""
    control = read_control()
    age = control.age
    return control.path == DispatchPath.REDIS and age is not None and age.total_seconds() < watch.seconds


def kill_between_claim_and_publish(stage: Stage, leads: int) -> None:
    stage.wait_for_leader()
    with stage.stopping_at("publish") as wait_for_stop:
        stage.send(leads // 2)
        leader = wait_for_stop()
        stage.strike()
        stage.fleet.kill_dispatcher(leader)
        stage.send(leads - leads // 2)
    stage.wait_for_leader(other_than=leader)


def terminate_web(stage: Stage, leads: int) -> None:
    """Redis does not respond. The server must enqueue the leads it accepted before it ends."""
    with dispatchers_stopped(stage):
        stage.strike()
        with redis_silent(stage):
            accept(stage, leads // 2)
            leaves = stage.witness.read().seen["leaves"]
            workers = stage.fleet.terminate_web()
            stage.wait(
                lambda: stage.witness.read().seen["leaves"] > leaves or not is_any_alive(workers),
                what="a web process that ends",
            )
        stage.wait(lambda: not is_any_alive(workers), what="the end of the web processes")
        left = find_left_behind(stage)
        stage.findings.add("leads that the web server lost when it was stopped", len(left), "".join(left[:1]))
    stage.fleet.start_web()
    stage.send(leads - leads // 2)


def stall_redis_unwatched(stage: Stage, leads: int) -> None:
    """No process scans for the leads that Redis refused. The web server must enqueue them by itself."""
    with dispatchers_stopped(stage):
        stage.strike()
        watch = Watch()
        with redis_silent(stage):
            accept(stage, leads // 2)
            stage.wait(lambda: watch.seconds > 2 * TIMEOUT_SECONDS, what="a call that was refused")
        try:
            stage.wait(lambda: not find_left_behind(stage), what="what was refused", seconds=SOON_SECONDS)
        except TooSlow:
            left = find_left_behind(stage)
            stage.findings.add(
                "leads that Redis refused and no process enqueued again", len(left), "".join(left[:1])
            )
    stage.send(leads - leads // 2)


@contextmanager
def dispatchers_stopped(stage: Stage) -> Iterator[None]:
    """They scan PostgreSQL every second, and start the leads that another process lost."""
    stage.wait_for_leader()
    pids = list(stage.fleet.dispatchers)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            go_on(pid)


def accept(stage: Stage, leads: int) -> None:
    """Send leads over REST, and wait until half of them are stored. Redis may be silent."""
    goal = fetch_value(STORED) + max(1, leads // 2)
    stage.senders.send_now(leads)
    stage.wait(lambda: fetch_value(STORED) >= goal, what="leads that are stored")


STORED: Final = "SELECT count(*) FROM routing_lead"


def find_left_behind(stage: Stage) -> list[str]:
    """Overdue leads that are in no queue, after every process that could have had them has ended.

    Checked twice, because a lead may end during the first check.
    """
    first = _find_stranded(stage)
    return [each for each in _find_stranded(stage) if each in first]


def _find_stranded(stage: Stage) -> list[str]:
    return find_stranded(stage.client, read_overdue(seconds=0), periods=stage.periods)


def stop_beat(stage: Stage, leads: int) -> None:
    """Beat is stopped and a worker dies: the other processes must find its leads."""
    stage.fleet.stop_beats()
    try:
        stage.send(leads // 2)
        busy = stage.wait_for_work(leads // 2) or stage.fleet.workers
        stage.strike()
        stage.fleet.kill_worker(stage.random.choice(busy))
        stage.send(leads - leads // 2)
        wait_until_nothing_is_due(stage, what="the leads of a worker that died while beat was stopped")
    finally:
        stage.fleet.start_beats()


def stall_redis(stage: Stage, leads: int) -> None:
    """Shorter than every process needs to count Redis as away, and longer than a call waits."""
    seconds = stage.random.uniform(*STALL_SECONDS)
    stage.send(leads // 2)
    stage.wait_for_work(leads // 2)
    stage.strike()
    pid, watch = stage.redis_pid(), Watch()
    os.kill(pid, signal.SIGSTOP)
    try:
        stage.send(leads - leads // 2)
        stage.wait(lambda: watch.seconds >= seconds, what="the end of the stall")
    finally:
        go_on(pid)


def flush_beside_pile(stage: Stage, leads: int) -> None:
    """A paused workspace has a pile of overdue leads. It must not delay the others."""
    with piled_up(stage):
        stage.send(leads // 2)
        stage.wait_for_work(leads // 2)
        stage.strike()
        stage.client.flushall()
        stage.send(leads - leads // 2)
        wait_until_nothing_is_due(stage, what="the leads of the others beside the pile of a paused workspace")


@contextmanager
def piled_up(stage: Stage) -> Iterator[None]:
    """Older than any other lead, so a scan by age alone begins with them."""
    a_day_ago = timezone.now() - timedelta(days=1)
    first = LeadFactory(
        source__workspace=stage.world.paused, received_at=a_day_ago, next_attempt_at=a_day_ago
    )
    with connection.cursor() as cursor:
        cursor.execute(PILE_UP, [stage.pile, first.pk])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM routing_lead WHERE workspace_id = %s", [stage.world.paused.pk])


def wait_until_nothing_is_due(stage: Stage, *, what: str, seconds: float | None = None) -> None:
    stage.wait(
        lambda: not stage.senders.unanswered and not stage.is_anything_due(), what=what, seconds=seconds
    )


# Copies of one lead.
PILE_UP: Final = """
INSERT INTO routing_lead SELECT copy.*
FROM routing_lead l CROSS JOIN generate_series(2, %s) n CROSS JOIN LATERAL jsonb_populate_record(
    l, jsonb_build_object('id', nextval(pg_get_serial_sequence('routing_lead', 'id')), 'public_id', md5(n::text)::uuid)
) copy
WHERE l.id = %s
"""


def pause_before_a_sale(stage: Stage, leads: int) -> None:
    """The product is paused while a worker is about to sell. Then the worker continues; its lead must wait."""
    try:
        with stage.stopping_at("sale") as wait_for_stop:
            stage.send(leads // 2)
            lead_id = stage.witness.lead_of(wait_for_stop())
            stage.strike()
            stage.fleet.switch("pause")
            stage.wait(lambda: fetch_value(IS_PAUSED), what="a pause of the product")
        stage.wait(lambda: fetch_value(IS_FREE, [lead_id]), what="the end of the attempt that was stopped")
        sold = fetch_value(SALES, [lead_id])
        stage.findings.add("sales after a pause", sold, f"lead {lead_id}")
    finally:
        stage.fleet.switch("resume")
    stage.wait(lambda: not fetch_value(IS_PAUSED), what="the end of a pause")
    stage.send(leads - leads // 2)


IS_PAUSED: Final = "SELECT EXISTS (SELECT FROM routing_dispatchcontrol WHERE paused_at IS NOT NULL)"
IS_FREE: Final = """
WITH free AS (SELECT FROM routing_lead WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED)
SELECT EXISTS (SELECT FROM free)
"""
SALES: Final = "SELECT count(*) FROM distribution_assignment WHERE lead_id = %s"
