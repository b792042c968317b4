"""Carries the context of a distributed trace from the request that enqueued a lead to the worker that runs it.

The contexts of enqueued leads are in Redis for an hour, whichever path their leads take to a worker (decisions/0064).
A context that is lost costs a link in a distributed trace, and never a lead. Call this only while spans are on.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from routing.dispatch.schedule import TIMEOUT_SECONDS
from routing.redis.client import get_client
from routing.redis.keys import span_context_key
from routing.redis.outage import guarded

# Later attempts of a lead begin distributed traces of their own.
CONTEXT_SECONDS: Final = 3_600
# More than the enqueuer of a process accepts. Contexts beyond this are dropped.
MAX_REMEMBERED: Final = 20_000

# Lead id -> context, from the commit of a request until the enqueuer's thread writes it to Redis.
_REMEMBERED: Final[dict[int, str]] = {}


def remember(lead_ids: Iterable[int], context: str) -> None:
    """Store the context of leads that this process is about to enqueue. "" is not stored."""
    if context and len(_REMEMBERED) < MAX_REMEMBERED:
        _REMEMBERED.update(dict.fromkeys(lead_ids, context))


def write(lead_ids: Iterable[int]) -> None:
    """Write the remembered contexts of leads that are enqueued now. Never raises for a failure of Redis."""
    contexts = {lead_id: context for lead_id in lead_ids if (context := _REMEMBERED.pop(lead_id, ""))}
    if contexts:
        guarded("context", partial(_write, contexts), None)


def read(lead_ids: Sequence[int]) -> Mapping[int, str]:
    """Return the contexts of those leads that have one. Empty if Redis does not respond."""
    if not lead_ids:
        return {}
    return guarded("context", partial(_read, lead_ids), {})


def _write(contexts: Mapping[int, str]) -> None:
    pipeline = get_client(TIMEOUT_SECONDS).pipeline(transaction=False)
    for lead_id, context in contexts.items():
        pipeline.set(span_context_key(lead_id), context, ex=CONTEXT_SECONDS)
    pipeline.execute()


def _read(lead_ids: Sequence[int]) -> Mapping[int, str]:
    found = get_client(TIMEOUT_SECONDS).mget([span_context_key(lead_id) for lead_id in lead_ids])
    return {lead_id: str(context) for lead_id, context in zip(lead_ids, found, strict=True) if context}
