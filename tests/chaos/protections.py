"""The protections that can be removed, in the suite's own processes. The product has no switch for it.

Each replaces a constant or a function before the first process starts. The table also removes the fallbacks,
to show which protection worked in their place.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Protection:
    """`faults`: those that show its absence. Faults other than kills come once for four kills.

    `periods`: the periods of leases and reconcilers that show it (tests/chaos/periods.py).
    `second`: the fallback that works without it, if there is one.
    """

    remove: Callable[[], None]
    what: str
    faults: tuple[str, ...] = ()
    kills: int = 12
    periods: str = "short"
    second: str = ""


@dataclass(frozen=True, slots=True)
class PartProtection:
    """Of a part that kills processes at exact places. `second`: the fallback that works without it, if there is one.

    `breaks`: the check that its removal must break. Blank: any, where none is named.
    """

    remove: Callable[[], None]
    what: str
    second: str = ""
    breaks: str = ""


def take_away(names: Collection[str]) -> None:
    """Raises KeyError."""
    for name in names:
        PROTECTIONS[name].remove()


def cut(module: Any, name: str, text: str, instead: str = "") -> None:
    """Replace a part of a constant. It must exist: otherwise a moved part would look like a useless protection."""
    whole = getattr(module, name)
    assert text in whole, f"{module.__name__}.{name} has no {text!r}"
    setattr(module, name, whole.replace(text, instead))


def _row_lock() -> None:
    from routing.locks import attempts as locks

    for name in ("LOCK_LEAD", "LOCK_NEXT_DUE", "LOCK_NEXT_POLLED"):
        cut(locks, name, "FOR NO KEY UPDATE OF l SKIP LOCKED")


def _compare_and_set() -> None:
    """The end of an attempt is written even if another process changed the lead."""
    from routing.leads import finish

    cut(
        finish,
        "CLOSE",
        "WHERE id = %s AND status IN ('pending', 'offered') AND paused_at IS NULL AND attempts = %s",
        "WHERE id = %s AND attempts >= least(attempts, %s)",
    )


def _lease() -> None:
    """In flight without an end."""
    from routing.dispatch import schedule

    schedule.lease_ms = lambda: 10**9


def _epoch() -> None:
    from routing.dispatch import scripts

    fence = "if redis.call('GET', DISPATCHER) ~= ARGV[1] or redis.call('GET', EPOCH) ~= ARGV[2] then return {-1} end"
    cut(scripts, "CLAIM_BATCH", fence)


# Claims leads that were found before, although they may have changed. ARGV: shards, (lead, workspace)..., lease ms.
MOVE: Final = """
local batch, gone = {0, -1}, 0
for at = 2, #ARGV - 1, 2 do
    local lead, workspace = ARGV[at], ARGV[at + 1]
    if not redis.call('ZSCORE', leads_of(workspace), lead) then gone = gone + 1 end
    dispatch_leads(workspace, shard_of(workspace, tonumber(ARGV[1])), {lead}, tonumber(ARGV[#ARGV]))
    update_index(workspace)
end
if gone > 0 then redis.call('RPUSH', 'chaos:claims', cjson.encode({'', '', '', '', 0, gone})) end
"""


def _atomic_claim() -> None:
    """Finding and claiming are two calls, and the process may be stopped between them."""
    from django.conf import settings

    from routing.dispatch import schedule
    from routing.redis.client import get_client
    from routing.redis.keys import schedule_key, schedule_of, shard_of
    from tests.chaos.probes import PROBE

    def claim_batch(
        leader: schedule.Leader,  # noqa: ARG001 - the signature is the product's
        *,
        limit: int,
        published: int | None = None,  # noqa: ARG001 - as above
    ) -> schedule.Batch:
        client, shards = get_client(schedule.TIMEOUT_SECONDS), settings.LEADSWITCH_READY_SHARDS
        seconds, micros = client.time()
        now = seconds * 1000 + micros // 1000
        found = [
            schedule.Dispatched(int(lead), int(workspace), shard_of(int(workspace), shards=shards), 0)
            for workspace in client.zrange(schedule_key(), 0, -1)
            for lead in client.zrangebyscore(schedule_of(workspace), "-inf", now, 0, limit)
        ]
        was_stopped = bool(found) and PROBE.stop_at("claim")
        flat = [part for each in found for part in (each.lead_id, each.workspace_id)]
        schedule._run(MOVE, [shards, *flat, schedule.lease_ms()])
        if was_stopped:
            PROBE.log("claims after its stop")
        return schedule.Batch(found, is_more=False, is_blocked=bool(found), next_due_seconds=0.05)

    schedule.claim_batch = claim_batch


def _idempotency_key() -> None:
    from routing.intake import idempotency

    cut(idempotency, "FIND", "WHERE owner_id", "WHERE false AND owner_id")
    cut(idempotency, "STORE", "%s::jsonb)", "%s::jsonb) ON CONFLICT DO NOTHING")


def _duplicate_check() -> None:
    from routing.rules import duplicates

    cut(duplicates, "READ_ARRIVAL", ") first ON true", ") first ON false")


def remove_reconcilers() -> None:
    """Beat schedules them as always, but none runs. The leader does not replace them."""
    from routing import tasks

    tasks.run_reconciler = lambda reconciler, *, fix: None  # noqa: ARG005 - the signature is the product's
    _leases_without_beat()


def _leases_without_beat() -> None:
    """Expired leases are left to the reconciler, even if it does not run."""
    from routing.dispatcher import leader_tasks

    leader_tasks.end_expired_leases_without_beat = lambda runs: 0  # noqa: ARG005 - the signature is the product's


def _no_key_lock() -> None:
    from distribution import locks as buyers
    from routing.locks import attempts as leads

    for module, names in (
        (buyers, ("LOCK_CANDIDATES", "WAIT_FOR_CANDIDATES")),
        (leads, ("LOCK_LEAD", "LOCK_NEXT_DUE", "LOCK_NEXT_POLLED")),
    ):
        for name in names:
            cut(module, name, "FOR NO KEY UPDATE", "FOR UPDATE")


def _leader_tasks() -> None:
    """The leader trusts Redis: a command that Redis refuses is retried again and again."""
    from routing.dispatch.enqueue import publish
    from routing.dispatcher import loop
    from routing.dispatcher.leader_tasks import LeaderTasks

    def publish_some(dispatched: Any, *, path: str) -> None:
        publish(dispatched, path=path)

    loop.publish_all = publish_some
    LeaderTasks.run_due = lambda self: None  # type: ignore[method-assign]  # noqa: ARG005 - the signature is the product's


def _session_check() -> None:
    """A session that was opened while the server refused writes is reused."""
    from leadswitch.postgres import base

    cut(base, "ASK", "SHOW transaction_read_only", "SELECT 'off'")


def _retry_buffer() -> None:
    """Leads that Redis refused to enqueue are left to the reconcilers."""
    from routing.dispatch.enqueuer import Enqueuer

    Enqueuer.retry_later = lambda self, leads=(), *, releases=(): None  # type: ignore[method-assign]  # noqa: ARG005 - the signature is the product's


def _flush_at_exit() -> None:
    """A process that is stopped does not enqueue the leads that wait in it."""
    from routing.dispatch.enqueuer import Enqueuer

    Enqueuer.drain = lambda self, *, timeout_seconds=0.0: 0  # type: ignore[method-assign]  # noqa: ARG005 - the signature is the product's


def _confirmation() -> None:
    """Dispatched leads count as published, so only the end of the lease brings them back."""
    from routing.dispatch import repair_scripts, scripts

    cut(scripts, "CLAIM_BATCH", "if number ~= ARGV[7] then", "if false then")
    cut(repair_scripts, "REQUEUE_UNPUBLISHED", "return requeue(lost, tonumber(ARGV[1]))", "return 0")
    cut(scripts, "PUT", "return since and now - tonumber(since) >= tonumber(ARGV[4])", "return false")


def _pause_look() -> None:
    """A sale trusts the pauses that its attempt read at the beginning."""
    from distribution.attempts import sell

    cut(sell, "SELL", sell.IS_OPEN, f"true OR ({sell.IS_OPEN})")


ONE_ORDER: Final = """
SELECT l.id, l.workspace_id, l.next_attempt_at
FROM routing_lead l JOIN routing_workspace w ON w.id = l.workspace_id
WHERE l.status = 'pending' AND l.paused_at IS NULL AND w.dispatch_mode = %s AND l.next_attempt_at < %s
    AND (l.next_attempt_at, l.id) > (%s, %s) AND l.received_at <= statement_timestamp() - make_interval(secs => %s)
ORDER BY l.next_attempt_at, l.id
LIMIT %s
"""


class OneOrder:
    """One scan through the leads of all workspaces, including paused ones."""

    def __init__(self, mode: str) -> None:
        from routing.dispatch.backlog import START

        self.mode, self.place, self.is_over = mode, START, False

    def read_page(self, *, count: int = 1_000, until: Any = None, least_age: Any = None) -> list[Any]:
        from django.db import connection

        from routing.dispatch.backlog import ANY_TIME
        from routing.dispatch.schedule import Due

        age = least_age.total_seconds() if least_age else 0
        with connection.cursor() as cursor:
            cursor.execute(ONE_ORDER, [self.mode, until or ANY_TIME, *self.place, age, count])
            found = [Due(*row) for row in cursor.fetchall()]
        self.is_over = len(found) < count
        if found:
            self.place = found[-1].due_at, found[-1].lead_id
        return found


def _workspace_turns() -> None:
    """Lost leads are restored in one order for all workspaces, a thousand per second."""
    from routing.dispatch import backlog
    from routing.dispatcher import leader_tasks
    from routing.reconcile import schedule as reconciler

    leader_tasks.scan_running = reconciler.scan_all = OneOrder
    place = backlog.Spread.place

    def place_behind_all(self: Any, lead: Any, *, at: Any) -> Any:
        return place(self, lead._replace(workspace_id=0), at=at)._replace(workspace_id=lead.workspace_id)

    backlog.Spread.place = place_behind_all  # type: ignore[method-assign] # that is how it is taken away


PROTECTIONS: Final[Mapping[str, Protection]] = {
    "row-lock": Protection(
        _row_lock, "FOR NO KEY UPDATE on the lead", ("worker-stop",), second="compare-and-set"
    ),
    "lease": Protection(_lease, "the end of a hold in flight", ("worker-kill",)),
    "epoch": Protection(
        _epoch, "the check of leader and epoch in the claim", ("dispatcher-stop",), second="atomic-claim"
    ),
    "idempotency-key": Protection(
        _idempotency_key, "the stored answer of a request", ("worker-kill",), second="duplicate-check"
    ),
    "reconciler": Protection(remove_reconcilers, "every reconciler", ("worker-kill",)),
    "no-key-lock": Protection(
        _no_key_lock, "FOR UPDATE in place of FOR NO KEY UPDATE", ("reference",), kills=4
    ),
    "leader-tasks": Protection(
        _leader_tasks, "the leader's own scan, and refusals treated as an outage", ("redis-full",), kills=4
    ),
    "session-check": Protection(
        _session_check, "the question whether a session takes writes", ("postgres-read-only",), kills=4
    ),
    "retry-buffer": Protection(
        _retry_buffer,
        "trying again what Redis refused",
        ("redis-stall-unwatched",),
        kills=4,
        periods="production",
    ),
    "flush-at-exit": Protection(
        _flush_at_exit, "enqueueing before the exit", ("web-stop",), kills=4, periods="production"
    ),
    "confirmation": Protection(
        _confirmation,
        "requeueing what was never published",
        ("claim-lost", "dispatcher-kill-claim"),
        kills=4,
        periods="production",
    ),
    "pause-look": Protection(
        _pause_look, "the look at pauses in the statement of a sale", ("pause",), kills=4
    ),
    "workspace-turns": Protection(
        _workspace_turns,
        "the order of each workspace in which lost leads come back",
        ("redis-flush-pile",),
        kills=1,
        periods="production",
    ),
    "leases-without-beat": Protection(
        _leases_without_beat, "the leader's end of leases while no reconciler runs", ("beat-stop",), kills=4
    ),
    "compare-and-set": Protection(_compare_and_set, "the lead's state in the UPDATE that ends an attempt"),
    "atomic-claim": Protection(_atomic_claim, "looking and claiming in one script"),
    "duplicate-check": Protection(_duplicate_check, "the search for leads of the same person"),
}
# Each of these has its own row in the table. The others are their fallbacks.
ALONE: Final = (
    *("row-lock", "lease", "epoch", "idempotency-key", "reconciler", "no-key-lock"),
    *(
        "leader-tasks",
        "session-check",
        "confirmation",
        "pause-look",
        "workspace-turns",
        "leases-without-beat",
    ),
    *("retry-buffer", "flush-at-exit"),
)
