"""The schedule in Redis: the leads that wait for their due time, and the leads in flight under a lease.

It follows PostgreSQL, which decides. Reconcilers requeue what is lost here. Every call is one atomic script that may be
repeated, also if it ran and its answer was lost. All calls raise redis.RedisError; `routing.dispatch.enqueue` keeps
that from intakes and attempts.
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

from routing.dispatch import lua_prelude, scripts
from routing.redis.client import get_client
from routing.redis.keys import schedule_of, script_keys

TIMEOUT_SECONDS: Final = 1.0
# How long a lead should wait in a ready queue at most, as a part of its lease. A queue in which leads wait longer gets
# fewer.
QUEUE_PART: Final = 1 / 30
LEADS_A_CALL: Final = 500
# Publishing takes milliseconds, and up to three seconds if the broker is down. Leads that a put dispatched, and that
# are not confirmed after this time, are requeued: a duplicate message does no harm.
UNCONFIRMED_MS: Final = 2_000
# Before every clock: due at once, or as soon as its wait is over.
AT_ONCE: Final = datetime.fromtimestamp(0, UTC)
# A reconciler that requeues many leads spreads them over at most this.
LONGEST_SPREAD_SECONDS: Final = 300


class Due(NamedTuple):
    """When a lead of a workspace is due. `wait_ms`: the least wait from now, by the clock of Redis.

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
    """The end of a lease. `deadline_ms` None: whatever lease the lead has. `due_at` None: nothing is left to do.

    `workspace_id` None: the one that the lease names. `wait_ms`: the least, by the clock of Redis, however far that is
    from the database's.
    """

    lead_id: int
    deadline_ms: int | None
    due_at: datetime | None = None
    workspace_id: int | None = None
    wait_ms: int = 0


class Expired(NamedTuple):
    """A lease that was not ended in time. Started: a worker had begun; else the lead still waited in a queue."""

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

    `returned`: leads of an earlier batch of any dispatcher that was not published. They were requeued first, so this
    batch may have them."""

    leads: Sequence[Dispatched]
    is_more: bool  # the next claim would find more
    is_blocked: bool  # leads are due, and the ready queues have no room for them
    next_due_seconds: float | None
    number: int = 0
    returned: int = 0


@dataclass(frozen=True, slots=True)
class ShardSize:
    """`stale`: leads whose lease ended while they waited in the ready queue. `is_consumed`: a worker consumes it."""

    waiting: int
    overdue: int
    ready: int
    stale: int
    is_consumed: bool


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of the schedule. `inflight` includes the ready leads."""

    shards: Sequence[ShardSize]
    inflight: int
    overdue_seconds: float

    @property
    def waiting(self) -> int:
        return sum(shard.waiting for shard in self.shards)

    @property
    def overdue(self) -> int:
        return sum(shard.overdue for shard in self.shards)

    @property
    def ready(self) -> int:
        return sum(shard.ready for shard in self.shards)

    @property
    def stale(self) -> int:
        return sum(shard.stale for shard in self.shards)

    @property
    def unconsumed(self) -> list[int]:
        """The shards whose ready queues no worker consumes."""
        return [number for number, shard in enumerate(self.shards) if not shard.is_consumed]


# Threads may share it. Leads that do not fit are published twice.
_PUBLISHED: Final[deque[Dispatched]] = deque(maxlen=10 * LEADS_A_CALL)


class NotLeading(Exception):
    """Another dispatcher leads now."""


def put(leads: Sequence[Due]) -> list[Dispatched]:
    """Put leads into the schedule, or bring the time of those that are there forward. Never delays one.

    Returns those that were due and are in flight now: the caller publishes and confirms them (`confirm_published`), or
    releases their leases. `requeue_unpublished` requeues those that are never confirmed.
    """
    limits = [settings.LEADSWITCH_READY_SHARDS, settings.LEADSWITCH_READY_LIMIT, lease_ms(), UNCONFIRMED_MS]
    dispatched: list[Dispatched] = []
    for part in _in_parts(leads):
        deadline_ms, *flat = _run(scripts.PUT, [*limits, *_flat_published(), *_flat_waits(part)])
        dispatched += _read_dispatched(flat, deadline_ms=deadline_ms)
    return dispatched


def confirm_published(dispatched: Sequence[Dispatched]) -> None:
    """Leads of puts were published. The next put of this process tells Redis, or the worker that starts them does.

    Leads that are never confirmed are published once more: the duplicate finds its lead started.
    """
    _PUBLISHED.extend(dispatched)


def requeue_unpublished(*, limit: int = LEADS_A_CALL) -> int:
    """Requeue leads that puts dispatched and that were never published. Returns how many."""
    return int(_run(scripts.REQUEUE_UNPUBLISHED, [settings.LEADSWITCH_READY_SHARDS, UNCONFIRMED_MS, limit]))


def requeue_unconsumed(*, limit: int = LEADS_A_CALL) -> int:
    """Requeue leads that wait in ready queues without a worker: they go to the other queues.

    Returns how many. Does nothing while no worker reports that it consumes any queue.
    """
    return int(_run(scripts.REQUEUE_UNCONSUMED, [settings.LEADSWITCH_READY_SHARDS, lease_ms(), limit]))


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
    """Renew the leases of leads that start now. Returns when each ends; None: another worker owns the lead."""
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
    """Batch (lead, workspace) pairs out of the schedule. A lease ends by itself: its worker finds nothing to do."""
    return int(_run(scripts.WITHDRAW, [part for pair in leads for part in pair]))


def count_workspace(workspace_id: int) -> int:
    """Return how many leads wait in a workspace's schedule."""
    return int(get_client(TIMEOUT_SECONDS).zcard(schedule_of(workspace_id)))


def find_lost(leads: Sequence[Due]) -> set[int]:
    """Return those of the leads that would not start in time."""
    lost: set[int] = set()
    for part in _in_parts(leads):
        found = _run(scripts.FIND_LOST, [LONGEST_SPREAD_SECONDS * 1000, *_flat(part)])
        lost.update(int(lead_id) for lead_id in found)
    return lost


def find_expired(*, offset: int = 0, limit: int) -> list[Expired]:
    """Return the leases that expired and were not released, the oldest first, without the first `offset`."""
    answer = _run(scripts.FIND_EXPIRED, [offset, limit])
    return [
        Expired(int(lead), int(deadline), int(workspace) if workspace else None, bool(started))
        for lead, deadline, workspace, started in zip(
            answer[::4], answer[1::4], answer[2::4], answer[3::4], strict=True
        )
    ]


def read_sizes() -> Sizes:
    late_ms, inflight, *numbers = _run(scripts.SIZES, [settings.LEADSWITCH_READY_SHARDS])
    rows = zip(*(numbers[at::5] for at in range(5)), strict=True)
    shards = [
        ShardSize(waiting, overdue, ready, stale, bool(is_consumed))
        for waiting, overdue, ready, stale, is_consumed in rows
    ]
    return Sizes(shards=shards, inflight=inflight, overdue_seconds=late_ms / 1000)


def acquire_leadership(name: str, *, lease_ms: int, least_epoch: int) -> tuple[Leader | None, bool]:
    """Win or renew the leadership. Returns it, or None while another dispatcher leads; and whether it is new."""
    epoch, is_new = _run(scripts.LEAD, [name, lease_ms, least_epoch])
    return (Leader(name, epoch) if epoch else None), bool(is_new)


def resign(name: str) -> None:
    """Give up the leadership, so that another dispatcher leads at once."""
    _run(scripts.RESIGN, [name])


def lease_ms() -> int:
    return int(settings.LEADSWITCH_LEASE_SECONDS * 1000)


def to_ms(moment: datetime) -> int:
    """The first whole ms that is not before `moment`: nothing starts early."""
    return math.ceil(moment.timestamp() * 1000)


def _longest_queue_ms() -> int:
    return int(lease_ms() * QUEUE_PART)


def _in_parts(leads: Sequence[Due]) -> Iterable[Sequence[Due]]:
    return (leads[at : at + LEADS_A_CALL] for at in range(0, len(leads), LEADS_A_CALL))


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
        while len(flat) < 2 * LEADS_A_CALL:
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
    return _script(text)(keys=[*script_keys(), *keys], args=arguments)


def _run(text: str, arguments: Sequence[Any]) -> Any:
    return run_script(text, arguments)


@cache
def _script(text: str) -> Script:
    """Registered once: EVALSHA, and again with its text if Redis has forgotten it."""
    return get_client(TIMEOUT_SECONDS).register_script(lua_prelude.PRELUDE + text)
