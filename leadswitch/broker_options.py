"""The queues of Celery, and how long it waits for its broker.

A broker that is down or silent must not block a request: publishing fails within three seconds. Consumers wait in BRPOP
for a second at most, below the socket timeout.
"""

from kombu import Queue

from routing.redis.keys import ready_queue


def list_queues(default: str, *, shards: int) -> list[Queue]:
    """A worker without -Q consumes them all, in turn."""
    return [Queue(default), *(Queue(ready_queue(shard)) for shard in range(shards))]


def make_transport_options(prefix: str) -> dict[str, object]:
    return {
        "global_keyprefix": f"{prefix}:",
        "visibility_timeout": 300,
        "socket_connect_timeout": 1,
        "socket_timeout": 1,
        **make_retry_policy(),
    }


def make_retry_policy() -> dict[str, object]:
    """One retry after 0.1 seconds, when publishing or connecting fails."""
    return {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
