"""The names of every Redis key of the product, apart from the broker's and the cache's.

All of them begin with the installation's prefix as a hash tag, so that scripts may touch several at once.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

from django.conf import settings

READY_QUEUES: Final = "ready."


def rate_limit_key(kind: str, name: str) -> str:
    """When the bucket of an API key (by its prefix) or of a person (by their id) is full again. Expires then."""
    return _key(f"rate:{kind}:{name}")


def span_context_key(lead_id: int) -> str:
    """STRING: the distributed trace of the request that enqueued the lead. Only while spans are on. Expires."""
    return _key(f"span:{lead_id}")


def schedule_key() -> str:
    """ZSET workspace id -> when its earliest lead is due, in ms. The leads are in its `schedule_of` keys."""
    return _key("schedule")


def schedule_of(workspace_id: int) -> str:
    """ZSET lead id -> due ms: the workspace's leads that wait for their time, or for room in a ready queue."""
    return f"{schedule_key()}:{workspace_id}"


def inflight_key() -> str:
    """ZSET lead id -> the ms at which its lease ends: dispatched to the workers, not released yet."""
    return _key("inflight")


def leases_key() -> str:
    """HASH lead id -> workspace id "@" shard, and "!" once a worker has started it. Exactly the leads in flight."""
    return _key("leases")


def ready_key() -> str:
    """Followed by ":" and a shard. ZSET lead id -> the ms at which its lease ends.

    It contains the leads of the queue, except those that a worker has started. Leases that are over stay until the
    queue is empty; those of a lead that was published again are stored as `id/end of its lease`.
    """
    return _key("ready")


def claimed_key() -> str:
    """ZSET lead id -> due ms: the last claimed batch, until the next claim confirms that it was published.

    The number of the batch is in `{ls}:takes`. Leads that a worker has started are not in it.
    """
    return _key("taken")


def puts_key() -> str:
    """ZSET lead id -> the ms at which a put dispatched it: its caller has not confirmed yet that it was published."""
    return _key("puts")


def pace_key() -> str:
    """HASH shard -> how many leads its ready queue may hold, as learned from how long they waited in it."""
    return _key("pace")


def paused_key() -> str:
    """Exists while the whole product is paused."""
    return _key("paused")


def workspace_paused_key(workspace_id: int) -> str:
    return f"{paused_key()}:{workspace_id}"


def installation_key() -> str:
    """STRING: the database whose dispatcher leads. Expires soon after it stops."""
    return _key("installation")


def versions_key() -> str:
    """HASH pause:{workspace}, mode:{workspace} -> the switch_version of what is mirrored; "pause:" is the product's."""
    return _key("versions")


def shadow_of(workspace_id: int) -> str:
    """ZSET lead id -> due ms, written and compared with PostgreSQL, for a workspace in shadow mode."""
    return f"{_key('shadow')}:{workspace_id}"


def workers_key() -> str:
    """ZSET worker name -> the second of its last heartbeat."""
    return _key("workers")


def consumed_key() -> str:
    """HASH shard -> the second of the last heartbeat of a worker that consumes its ready queue."""
    return _key("consumed")


def sweep_key(mode: str) -> str:
    """STRING: the position at which the sweep of `reconcile schedule` over this mode's leads continues."""
    return f"{_key('round')}:{mode}"


def probe_key() -> str:
    """STRING that proves that Redis accepts writes. Expires soon."""
    return _key("probe")


def dispatcher_key() -> str:
    """STRING: the name of the leading dispatcher. Expires with its lease."""
    return _key("dispatcher")


def script_keys() -> Sequence[str]:
    """The KEYS of every script of the schedule, in order.

    The last one is the prefix of the broker's ready queues. Their lengths are the numbers of messages. Its hash tag
    differs: the broker uses the same Redis, which must not be a cluster.
    """
    queues = f"{settings.LEADSWITCH_REDIS_PREFIX}:{READY_QUEUES}"
    return [
        schedule_key(),
        inflight_key(),
        leases_key(),
        ready_key(),
        paused_key(),
        wake_key(),
        pace_key(),
        _key("turn"),
        claimed_key(),
        _key("takes"),
        puts_key(),
        consumed_key(),
        dispatcher_key(),
        f"{dispatcher_key()}:epoch",
        queues,
    ]


def wake_key() -> str:
    """STRING that exists from an earlier due time to the next claim; and the channel that wakes dispatchers."""
    return _key("wake")


def ready_queue(shard: int) -> str:
    """Name of a Celery queue. The broker puts the installation's prefix before it."""
    return f"{READY_QUEUES}{shard}"


def shards_among(queues: Iterable[str]) -> list[int]:
    """The shards whose ready queues are among these Celery queues."""
    return [int(name.removeprefix(READY_QUEUES)) for name in queues if name.startswith(READY_QUEUES)]


def shard_of(workspace_id: int, *, shards: int) -> int:
    """The same in every process, which Python's own hash() is not. The scripts compute it as well."""
    return crc32(str(workspace_id).encode()) % shards


def _key(name: str) -> str:
    return f"{{{settings.LEADSWITCH_REDIS_PREFIX}}}:{name}"
