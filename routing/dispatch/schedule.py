"""The schedule in Redis: the leads that wait for their due time, and the leads in flight under a lease.

PostgreSQL decides. Reconcilers requeue leads that are lost here. Every call is one atomic, idempotent script: a caller
may repeat it when the answer was lost. All calls raise redis.RedisError; `routing.dispatch.enqueue` catches it for
intakes and attempts.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, NamedTuple

from django.conf import settings
from redis.commands.core import Script

from routing.dispatch import lua_prelude, repair_scripts, scripts
from routing.redis.client import get_client
from routing.redis.keys import schedule_of, script_keys

# No setting: after a call without an answer, the leader must still renew the shortest lease (2 s).
TIMEOUT_SECONDS: Final = 1.0
# The longest time that a lead should wait in a ready queue, as a part of its lease. A queue in which leads wait longer
# gets fewer leads. No setting: it follows LEADSWITCH_LEASE_SECONDS.
QUEUE_PART: Final = 1 / 30
# How long a call may block Redis. No setting: it is part of several scripts, whose arguments Redis limits.
LEADS_PER_CALL: Final = 500
# Publishing takes milliseconds, and up to three seconds if the broker is down. Leads that a put dispatched, and that
# are not confirmed after this time, are requeued: a duplicate message does no harm.
UNCONFIRMED_MS: Final = 2_000
# A worker takes a message as soon as it can. A connection that breaks takes a message with it that was taken from its
# queue and not read. If its queue is empty, a lead that has not started after this time is requeued.
UNSTARTED_MS: Final = 5_000
# Earlier than any clock: the lead is due at once, or as soon as its wait ends.
AT_ONCE: Final = datetime.fromtimestamp(0, UTC)


class Due(NamedTuple):
    """When a lead of a workspace is due. `wait_ms`: the shortest wait from now, by the Redis clock.

    A delay is given as a wait and not as a time of this process, whose clock may be minutes ahead.
    """

    lead_id: int
    workspace_id: int
    due_at: datetime
    wait_ms: int = 0


class Dispatched(NamedTuple):
    """A lead in flight, to be published to the ready queue of this shard. `deadline_ms`: when its lease ends."""

    lead_id: int
    workspace_id: int
    shard: int
    deadline_ms: int


class Release(NamedTuple):
    """The end of a lease. `deadline_ms` None: any lease of the lead. `due_at` None: the lead is not requeued.

    `workspace_id` None: the workspace in the lease. `wait_ms`: the shortest wait, by the Redis clock, which may differ
    from the database's.
    """

    lead_id: int
    deadline_ms: int | None
    due_at: datetime | None = None
    workspace_id: int | None = None
    wait_ms: int = 0


class Expired(NamedTuple):
    """A lease that was not released in time. `is_started`: a worker had started the lead; else it waited in a queue."""

    lead_id: int
    deadline_ms: int
    workspace_id: int | None
    is_started: bool


class Leader(NamedTuple):
    """The right to claim leads. Every claim checks it: a dispatcher that slept past its lease claims nothing."""

    name: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Leads claimed from the schedule. `number`: the next claim confirms with it that this batch was published.

    `returned`: how many leads of an unpublished earlier batch, of any dispatcher, were requeued first. This batch may
    contain them."""

    leads: Sequence[Dispatched]
    is_more: bool  # the next claim would find more
    is_blocked: bool  # leads are due, and the ready queues have no room for them
    next_due_seconds: float | None
    number: int = 0
    returned: int = 0


# Threads may share it. Leads that do not fit are published twice.
_PUBLISHED: Final[deque[Dispatched]] = deque(maxlen=10 * LEADS_PER_CALL)


class NotLeading(Exception):
    """Another dispatcher leads now."""


def put(leads: Sequence[Due]) -> list[Dispatched]:
    """Put leads into the schedule, or move scheduled ones to an earlier time. Never delays one.

    Returns the leads that were due and are in flight now. The caller publishes and confirms them (`confirm_published`),
    or releases their leases. `requeue_unpublished` requeues those that are never confirmed.
    """
    limits = [settings.LEADSWITCH_READY_SHARDS, settings.LEADSWITCH_READY_LIMIT, lease_ms(), UNCONFIRMED_MS]
    dispatched: list[Dispatched] = []
    for part in _in_parts(leads):
        deadline_ms, *flat = _run(scripts.PUT, [*limits, *_flat_published(), *_flat_waits(part)])
        dispatched += _read_dispatched(flat, deadline_ms=deadline_ms)
    return dispatched


def confirm_published(dispatched: Sequence[Dispatched]) -> None:
    """Record that leads of puts were published. Redis learns it from the next put of this process, or from the worker
    that starts them.

    Leads that are never confirmed are published again. A duplicate message finds its lead started.
    """
    _PUBLISHED.extend(dispatched)


def requeue_unpublished(*, limit: int = LEADS_PER_CALL) -> int:
    """Requeue leads that puts dispatched and that were never published. Returns how many."""
    return int(
        _run(repair_scripts.REQUEUE_UNPUBLISHED, [settings.LEADSWITCH_READY_SHARDS, UNCONFIRMED_MS, limit])
    )


def requeue_unconsumed(*, limit: int = LEADS_PER_CALL) -> int:
    """Move leads that wait in ready queues without a worker to the other queues.

    Returns how many. Does nothing while no worker reports that it consumes any queue.
    """
    return int(_run(repair_scripts.REQUEUE_UNCONSUMED, [settings.LEADSWITCH_READY_SHARDS, lease_ms(), limit]))


def requeue_unstarted(*, limit: int = LEADS_PER_CALL) -> int:
    """Requeue leads that no worker started in time though their queue is empty: their messages were lost.

    Returns how many. A worker that still has such a message does no harm: a lead starts once.
    """
    arguments = [settings.LEADSWITCH_READY_SHARDS, lease_ms(), UNSTARTED_MS, limit]
    return int(_run(repair_scripts.REQUEUE_UNSTARTED, arguments))


def claim_batch(leader: Leader, *, limit: int, published: int | None = None) -> Batch:
    """Move due leads from the schedule into flight, an equal share for each workspace. Raises NotLeading.

    `published`: the number of the previous batch if all its leads were published, else None. A batch that was claimed
    and not published, because its answer was lost or its dispatcher was killed, is requeued first.
    """
    answer = _run(
        scripts.CLAIM_BATCH,
        [
            *(leader.name, leader.epoch, limit),
            *(settings.LEADSWITCH_READY_SHARDS, settings.LEADSWITCH_READY_LIMIT, lease_ms()),
            "" if published is None else published,
        ],
    )
    if answer[0] == -1:
        raise NotLeading
    waits, next_due_ms, number, returned, deadline_ms = answer[:5]
    return Batch(
        leads=_read_dispatched(answer[5:], deadline_ms=deadline_ms),
        is_more=waits == 2,
        is_blocked=waits == 1,
        next_due_seconds=None if next_due_ms < 0 else next_due_ms / 1000,
        number=number,
        returned=returned,
    )


def start(lead_ids: Sequence[int]) -> list[int | None]:
    """Renew the leases of leads that start now. Returns the ms at which each ends; None: another owns it."""
    limits = [
        lease_ms(),
        settings.LEADSWITCH_READY_SHARDS,
        settings.LEADSWITCH_READY_LIMIT,
        _longest_queue_ms(),
    ]
    return [deadline or None for deadline in _run(scripts.START, [*limits, *lead_ids])]


def release(releases: Sequence[Release]) -> list[bool]:
    """Release leases, and requeue leads that are due again. Returns which of the leases were held."""
    arguments: list[Any] = [settings.LEADSWITCH_READY_SHARDS]
    for each in releases:
        due_ms = None if each.due_at is None else to_ms(each.due_at)
        optional = ["" if value is None else value for value in (each.deadline_ms, each.workspace_id, due_ms)]
        arguments += [each.lead_id, *optional, each.wait_ms]
    return [bool(held) for held in _run(scripts.RELEASE, arguments)]


def withdraw(leads: Iterable[tuple[int, int]]) -> int:
    """Remove (lead, workspace) pairs from the schedule. A lease ends by itself: its worker finds nothing to do."""
    return int(_run(scripts.WITHDRAW, [part for pair in leads for part in pair]))


def count_workspace(workspace_id: int) -> int:
    """Return how many leads wait in a workspace's schedule."""
    return int(get_client(TIMEOUT_SECONDS).zcard(schedule_of(workspace_id)))


def find_lost(leads: Sequence[Due]) -> set[int]:
    """Return those of the leads that would not start in time."""
    lost: set[int] = set()
    longest_ms = settings.LEADSWITCH_TUNING.longest_spread_seconds * 1000
    for part in _in_parts(leads):
        found = _run(repair_scripts.FIND_LOST, [longest_ms, *_flat(part)])
        lost.update(int(lead_id) for lead_id in found)
    return lost


def find_expired(*, offset: int = 0, limit: int) -> list[Expired]:
    """Return the leases that expired and were not released, the oldest first, without the first `offset`."""
    answer = _run(repair_scripts.FIND_EXPIRED, [offset, limit])
    return [
        Expired(int(lead), int(deadline), int(workspace) if workspace else None, bool(started))
        for lead, deadline, workspace, started in zip(
            answer[::4], answer[1::4], answer[2::4], answer[3::4], strict=True
        )
    ]


def lease_ms() -> int:
    return int(settings.LEADSWITCH_LEASE_SECONDS * 1000)


def to_ms(moment: datetime) -> int:
    """The first whole ms that is not before `moment`: nothing starts early."""
    return math.ceil(moment.timestamp() * 1000)


def _longest_queue_ms() -> int:
    return int(lease_ms() * QUEUE_PART)


def _in_parts(leads: Sequence[Due]) -> Iterable[Sequence[Due]]:
    return (leads[at : at + LEADS_PER_CALL] for at in range(0, len(leads), LEADS_PER_CALL))


def _flat(leads: Iterable[Due]) -> list[int]:
    return [part for each in leads for part in (each.lead_id, each.workspace_id, to_ms(each.due_at))]


def _flat_waits(leads: Iterable[Due]) -> list[int]:
    return [
        part for each in leads for part in (each.lead_id, each.workspace_id, to_ms(each.due_at), each.wait_ms)
    ]


def _flat_published() -> list[int]:
    """Return the number of published leads of earlier puts, then each with the end of its lease. Forgets them."""
    flat: list[int] = []
    with suppress(IndexError):
        while len(flat) < 2 * LEADS_PER_CALL:
            dispatched = _PUBLISHED.popleft()
            flat += [dispatched.lead_id, dispatched.deadline_ms]
    return [len(flat) // 2, *flat]


def _read_dispatched(flat: Sequence[str], *, deadline_ms: int) -> list[Dispatched]:
    return [
        Dispatched(int(lead), int(workspace), int(shard), deadline_ms)
        for lead, workspace, shard in zip(flat[::3], flat[1::3], flat[2::3], strict=True)
    ]


def run_script(text: str, arguments: Sequence[Any], *keys: str) -> Any:
    """Run Lua after the prelude of the schedule's scripts. `keys` follow the common ones and have the same hash tag."""
    return _script(lua_prelude.with_prelude(text))(keys=[*script_keys(), *keys], args=arguments)


def _run(text: str, arguments: Sequence[Any]) -> Any:
    return run_script(text, arguments)


@cache
def _script(text: str) -> Script:
    """Registered once. It runs by EVALSHA, and is sent again if Redis no longer has it."""
    return get_client(TIMEOUT_SECONDS).register_script(text)
