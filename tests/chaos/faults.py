"""The faults. Each sends some of its leads first, strikes while workers have them, and then sends the rest.

To add one: a function here, a line in FAULTS, a row in docs/chaos.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from uuid6 import uuid7

from routing.redis.keys import inflight_key
from tests.chaos.outages import end_sessions, postgres_read_only, redis_full, redis_silent
from tests.chaos.pairs import strike_two
from tests.chaos.stage import Stage
from tests.chaos.stoppages import (
    flush_beside_pile,
    kill_between_claim_and_publish,
    lose_claim,
    pause_before_a_sale,
    stall_redis,
    stall_redis_unwatched,
    stop_beat,
    terminate_web,
)
from tests.support.waiting import TooSlow

# Runs of `reconcile inflight` to wait for after a lease ends. At least one of them began after that.
RUNS: Final = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """`strike(stage, leads)` sends that many leads and strikes once.

    `loses_worker`: the worker's leads wait until their leases end.
    """

    title: str
    strike: Callable[[Stage, int], None]
    loses_worker: bool = False


def kill_worker(stage: Stage, leads: int) -> None:
    """Kills two of three workers with their pools, or else one process of a pool whose worker survives."""
    stage.send(leads)
    busy = stage.wait_for_work(leads) or stage.fleet.workers
    victim = stage.random.choice(busy)
    stage.strike()
    if stage.random.randrange(3) or not stage.fleet.kill_pool_process(victim):
        stage.fleet.kill_worker(victim)


def kill_dispatcher(stage: Stage, leads: int) -> None:
    leader = stage.wait_for_leader()
    stage.send(leads // 2)
    stage.wait_for_work(leads // 2)
    stage.strike()
    stage.fleet.kill_dispatcher(leader)
    stage.send(leads - leads // 2)
    stage.wait_for_leader(other_than=leader)


def stop_dispatcher(stage: Stage, leads: int) -> None:
    """Stopped right before a claim, for longer than its lease. When it continues, another dispatcher leads."""
    stage.wait_for_leader()
    seen = stage.witness.read().seen["claims after its stop"]
    with stage.stopping_at("claim") as wait_for_stop:
        stage.send(leads // 2)
        stopped = wait_for_stop()
        stage.strike()
        stage.send(leads - leads // 2)
        stage.wait_for_leader(other_than=stopped)
        stage.wait(lambda: not stage.is_anything_due(), what="the leads that the next leader takes")
    stage.wait(
        lambda: stage.witness.read().seen["claims after its stop"] > seen,
        what="the claim of the stopped dispatcher",
    )


def restart_redis(stage: Stage, leads: int) -> None:
    """Half the time after which a dispatcher starts to run leads without Redis."""
    stage.send(leads // 2)
    stage.wait_for_work(leads // 2)
    strike = stage.strike()
    stays_away = stage.random.random() < 0.5

    def between() -> None:
        stage.send(leads - leads // 2)
        if stays_away:
            stage.wait_until_a_dispatcher_works(strike.at)

    stage.restart_redis(between=between)


def flush_redis(stage: Stage, leads: int) -> None:
    stage.send(leads // 2)
    stage.wait_for_work(leads // 2)
    stage.strike()
    stage.client.flushall()
    stage.send(leads - leads // 2)


def black_hole_redis(stage: Stage, leads: int) -> None:
    _without_redis(redis_silent, stage, leads)


def fill_redis(stage: Stage, leads: int) -> None:
    _without_redis(redis_full, stage, leads)


def _without_redis(outage: Callable[[Stage], AbstractContextManager[None]], stage: Stage, leads: int) -> None:
    """Until a dispatcher has run leads without Redis."""
    stage.send(leads // 2)
    stage.wait_for_work(leads // 2)
    strike = stage.strike()
    with outage(stage):
        stage.send(leads - leads // 2)
        stage.wait_until_a_dispatcher_works(strike.at)


def cut_postgres(stage: Stage, leads: int) -> None:
    stage.send(leads // 2)
    stage.wait_for_work(leads // 2)
    stage.strike()
    end_sessions(stage)
    stage.send(leads - leads // 2)


def make_postgres_read_only(stage: Stage, leads: int) -> None:
    """Until a sender was refused. Every process then has sessions that refuse writes."""
    stage.send(leads // 2)
    stage.wait_for_work(leads // 2)
    refused = stage.senders.seen["repeated after 503"]
    stage.strike()
    with postgres_read_only(stage):
        stage.send(leads - leads // 2)
        stage.wait_for_refusal(since=refused)


def kill_web(stage: Stage, leads: int) -> None:
    goal = stage.senders.seen["requests"] + stage.random.randrange(1, max(2, leads // 4))
    stage.send(leads // 2)
    stage.wait(lambda: stage.senders.seen["requests"] >= goal, what="a request")
    stage.strike()
    stage.fleet.kill_web()
    stage.send(leads - leads // 2)
    stage.fleet.wait_until_serving()


def stop_worker(stage: Stage, leads: int) -> None:
    """Stopped in the middle of a decision, for longer than its lease. Then it continues as if nothing had happened."""
    with stage.stopping_at("decision") as wait_for_stop:
        stage.send(leads // 2)
        stopped = wait_for_stop()
        stage.strike()
        stage.send(leads - leads // 2)
        lead_id = stage.witness.lead_of(stopped)
        stage.wait(lambda: not _is_leased(stage, lead_id), what="the end of its lease")
        seen = stage.repairs.read().runs["inflight"]
        stage.wait(
            lambda: stage.repairs.read().runs["inflight"] >= seen + RUNS, what="a run of `reconcile inflight`"
        )
        stage.wait(lambda: _is_held_or_done(lead_id), what="another worker with a lead that no process holds")


def _is_leased(stage: Stage, lead_id: int) -> bool:
    seconds, micros = stage.client.time()
    ends_at_ms = stage.client.zscore(inflight_key(), str(lead_id))
    return ends_at_ms is not None and ends_at_ms / 1000 > seconds + micros / 1e6


def _is_held_or_done(lead_id: int) -> bool:
    """The row lock keeps other workers away. Without it, another worker would have finished the lead."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attempts FROM routing_lead WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED", [lead_id]
        )
        free = cursor.fetchone()
    return free is None or free[0] > 0


def refer_to_rows(stage: Stage, leads: int) -> None:
    """A long transaction inserts rows that refer to leads and buyers. No process may take these for locked."""
    with closing(connection.copy()) as own, _rolled_back(own):
        lead_ids = stage.senders.send(leads)
        with own.cursor() as cursor:
            _refer(cursor, lead_ids, campaign_id=stage.world.plain.pk)
        stage.strike()
        stage.fleet.enqueue(lead_ids)
        try:
            stage.wait(
                lambda: not stage.senders.unanswered and not _find_held_up(stage),
                what="leads whose rows are referred to",
            )
        except TooSlow:
            held_up = _find_held_up(stage)
            example = f"lead {held_up[0]}" if held_up else ""
            stage.findings.add("leads held up by rows that merely refer to theirs", len(held_up), example)


@contextmanager
def _rolled_back(own: BaseDatabaseWrapper) -> Iterator[None]:
    """Ends the transaction with the block, because the server notices a closed connection only later."""
    own.set_autocommit(False)
    try:
        yield
    finally:
        own.rollback()


def _refer(cursor: Any, lead_ids: Sequence[int], *, campaign_id: int) -> None:
    values = {"campaign": campaign_id, "attempt": uuid7(), "lead_ids": list(lead_ids)}
    for sql in (REFER_TO_BUYERS, REFER_TO_WALLETS, REFER_TO_LEADS):
        cursor.execute(sql, values)
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # check the keys now, not at the commit


def _find_held_up(stage: Stage) -> list[int]:
    """Leads that would already be sold or tried without the lock."""
    with connection.cursor() as cursor:
        cursor.execute(HELD_UP, [stage.world.plain.workspace_id])
        return [row[0] for row in cursor.fetchall()]


# By a lead of another campaign: a lead of the same campaign would collide with its own sale.
REFER_TO_BUYERS: Final = """
INSERT INTO distribution_assignment
    (public_id, lead_id, buyer_id, campaign_id, enrollment_id, attempt_id, price_cents, state)
SELECT gen_random_uuid(), (SELECT min(id) FROM routing_lead WHERE workspace_id <> b.workspace_id),
    e.buyer_id, e.campaign_id, e.id, %(attempt)s, 1, 'sold'
FROM distribution_enrollment e JOIN distribution_buyer b ON b.id = e.buyer_id WHERE e.campaign_id = %(campaign)s
"""
REFER_TO_WALLETS: Final = """
INSERT INTO distribution_ledgerentry
    (wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, actor, reason)
SELECT w.id, 'adjustment', 1, 1, 'chaos-' || w.id, 'chaos', ''
FROM distribution_enrollment e JOIN distribution_wallet w ON w.buyer_id = e.buyer_id WHERE e.campaign_id = %(campaign)s
"""
# To a buyer of another campaign.
REFER_TO_LEADS: Final = """
INSERT INTO distribution_assignment (public_id, lead_id, buyer_id, campaign_id, attempt_id, price_cents, state)
SELECT gen_random_uuid(), lead.id, (SELECT max(id) FROM distribution_buyer), %(campaign)s, %(attempt)s, 1, 'sold'
FROM unnest(%(lead_ids)s::bigint[]) AS lead(id)
"""
HELD_UP: Final = """
SELECT id FROM routing_lead
WHERE status = 'pending' AND (source_workspace_id = %s OR (external_id <> '' AND attempts = 0))
"""

FAULTS: Final[Mapping[str, Fault]] = {
    "worker-kill": Fault("a worker is killed", kill_worker, loses_worker=True),
    "worker-stop": Fault("a worker is stopped in a decision, past its lease", stop_worker, loses_worker=True),
    "dispatcher-kill": Fault("the leading dispatcher is killed", kill_dispatcher),
    "dispatcher-kill-claim": Fault(
        "the leading dispatcher is killed between claim and publish", kill_between_claim_and_publish
    ),
    "claim-lost": Fault("the answer of a claim is lost", lose_claim),
    "dispatcher-stop": Fault("the leading dispatcher is stopped past its lease", stop_dispatcher),
    "redis-restart": Fault("Redis is restarted, or away for a while", restart_redis),
    "redis-flush": Fault("Redis is flushed", flush_redis),
    "redis-stall": Fault("Redis stalls for 1 to 3 s", stall_redis),
    "redis-stall-unwatched": Fault(
        "Redis stalls for a second and more, and no dispatcher looks for what it refused",
        stall_redis_unwatched,
    ),
    "redis-flush-pile": Fault("Redis is flushed beside the pile of a paused workspace", flush_beside_pile),
    "redis-black-hole": Fault("Redis takes connections and never answers", black_hole_redis),
    "redis-full": Fault("Redis is full: it renews leases and refuses the rest", fill_redis),
    "postgres-read-only": Fault("PostgreSQL takes no writes", make_postgres_read_only),
    "postgres-cut": Fault("all connections to PostgreSQL are terminated", cut_postgres),
    "web-kill": Fault("the web server is killed", kill_web),
    "web-stop": Fault("the web server is stopped by SIGTERM under load", terminate_web),
    "beat-stop": Fault("a worker dies while beat is stopped", stop_beat, loses_worker=True),
    "pause": Fault("the product is paused right before a sale", pause_before_a_sale),
    "reference": Fault("a long transaction refers to leads and buyers", refer_to_rows),
    "two-at-once": Fault("two of the faults at once", strike_two, loses_worker=True),
}
