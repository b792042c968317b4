"""The contents of the broker's ready queues, read as a worker would."""

import base64
import json
from typing import TYPE_CHECKING, Any

from django.conf import settings

from routing.redis.keys import ready_queue

if TYPE_CHECKING:
    import redis


def read_messages(client: "redis.Redis[str]") -> list[tuple[int, list[int]]]:
    """(shard, lead ids) of every message, the oldest of each shard first."""
    return [
        (shard, _lead_ids(text))
        for shard in range(settings.LEADSWITCH_READY_SHARDS)
        for text in reversed(client.lrange(queue_key(shard), 0, -1))
    ]


def read_published(client: "redis.Redis[str]") -> list[int]:
    return [lead_id for _, lead_ids in read_messages(client) for lead_id in lead_ids]


def queue_key(shard: int) -> str:
    return f"{settings.LEADSWITCH_REDIS_PREFIX}:{ready_queue(shard)}"


def _lead_ids(text: str) -> list[int]:
    arguments, options, _ = json.loads(base64.b64decode(json.loads(text)["body"]))
    assert options == {"is_leased": True}
    lead_ids: Any = arguments[0]
    return [int(lead_id) for lead_id in lead_ids]
