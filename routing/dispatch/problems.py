"""What is wrong with the dispatch, in sentences for the page and the command."""

from collections.abc import Iterator, Sequence
from typing import Final

from django.conf import settings

from routing.dispatch.control import find_leaders
from routing.dispatch.redis_state import RedisState
from routing.dispatch.state import DispatchState
from routing.last_runs import LastRun
from routing.models import DispatchMode
from routing.redis.keys import ready_queue
from tracing.wording import count, span

WITHOUT_REDIS: Final = "A dispatcher runs due leads directly from PostgreSQL. All pauses stay in force."


def find_problems(state: DispatchState) -> Iterator[str]:
    """Yield one text per problem. A pause is intended, and is not a problem."""
    if not state.control.is_led and state.modes[DispatchMode.EVENT]:
        yield (
            f"No dispatcher has sent a heartbeat as the leader for {_alive_seconds()} seconds."
            " Start one (manage.py dispatcher). Until then, the periodic pick-up starts leads."
        )
    yield from _find_late(state)
    yield from _find_idle(state.reconcilers)
    if state.redis is None:
        yield f"Redis does not respond ({state.redis_failure}). {WITHOUT_REDIS}"
    else:
        yield from _find_in_redis(state, state.redis)


def _alive_seconds() -> int:
    seconds: int = settings.LEADSWITCH_TAKEOVER.alive_seconds
    return seconds


def _find_late(state: DispatchState) -> Iterator[str]:
    """While the product is paused, nothing is late."""
    if state.pause is not None:
        return
    limits = settings.LEADSWITCH_WATCH
    overdue, seconds = state.total.overdue, state.overdue_seconds
    if seconds is not None and (seconds > limits["overdue"] or overdue > limits["overdue_leads"]):
        number = f"{state.total.overdue_display} {'lead is due and has' if overdue == 1 else 'leads are due and have'}"
        yield (
            f"{number} not started. The oldest has been due for {span(seconds)}. Check the workers, the dispatcher and"
            " the locks in PostgreSQL."
        )
    if seconds is not None and _is_late(state.started_seconds, limits["stalled"], at_least=seconds):
        since = (
            "ever started" if state.started_seconds is None else f"started for {span(state.started_seconds)}"
        )
        yield f"No lead has {since}, although leads are due."
    if state.canary.is_late and state.canary.out_seconds is not None:
        yield (
            f"A canary has been on its way through the queues for {span(state.canary.out_seconds)}. Some part between"
            " the schedule and the workers does not work. The leading dispatcher runs due leads itself, one at a time."
        )


def _find_idle(reconcilers: Sequence[LastRun]) -> Iterator[str]:
    if not any(each.has_run for each in reconcilers):
        yield (
            "No reconciler has run yet. Start Celery beat (celery -A leadswitch beat) and a worker. Until then, nothing"
            " corrects what has drifted."
        )
        return
    for each in reconcilers:
        if each.failure:
            yield f"The last run of the reconciler {each.name} failed ({each.failure}). Read the log of the workers."
    late = [each for each in reconcilers if each.is_late and not each.failure]
    if late:
        seconds = max(each.age_seconds or 0.0 for each in late)
        names = ", ".join(each.name for each in late)
        number = count(len(late), "reconciler has", "reconcilers have")
        yield (
            f"{number} not run on time: {names}. The longest gap is {span(seconds)}. Check Celery beat and the workers."
        )


def _is_late(started_seconds: float | None, limit: int, *, at_least: float) -> bool:
    """Whether nothing was started for too long. A lead that became due a moment ago does not count."""
    return at_least > limit and (started_seconds is None or started_seconds > limit)


def _find_in_redis(state: DispatchState, redis: RedisState) -> Iterator[str]:
    if len(find_leaders(state.control, holder=redis.holder)) > 1:
        yield (
            f"Two dispatchers lead: {state.control.leader} by its heartbeat in PostgreSQL, {redis.holder} by its lease"
            " in Redis. No lead is dispatched twice, because the lease has a newer epoch. If this lasts longer than"
            f" a few seconds, restart {state.control.leader}."
        )
    if state.redis_refusal:
        yield (
            f"Redis refuses writes ({state.redis_refusal}): it is full, read-only, loading or busy. {WITHOUT_REDIS}"
        )
    if not redis.workers_alive:
        yield (
            f"No worker has sent a heartbeat for {_alive_seconds()} seconds. Leads are queued,"
            " but not processed. Start a worker (celery -A leadswitch worker)."
        )
    yield from _find_unconsumed(redis)
    if redis.unmirrored:
        number = count(len(redis.unmirrored), "pause in Redis is", "pauses in Redis are")
        yield (
            f"{number} out of date. No lead is sold wrongly, but some start late. Celery beat corrects this every 30"
            " seconds. To correct it now: manage.py reconcile workspace_pauses --fix."
        )


def _find_unconsumed(redis: RedisState) -> Iterator[str]:
    """Queues that no worker consumes, although workers are alive."""
    unconsumed = [] if redis.sizes is None else redis.sizes.unconsumed
    if not redis.workers_alive or redis.sizes is None or not unconsumed:
        return
    names = ", ".join(ready_queue(shard) for shard in unconsumed)
    is_all = len(unconsumed) == len(redis.sizes.shards)
    then = (
        "Leads wait there unless a worker of an older version consumes them."
        if is_all
        else "Their leads go to the other queues."
    )
    start = "Start a worker for them (-Q), or one for all queues (without -Q)."
    yield f"No worker reports that it consumes {names}. {then} {start}"
