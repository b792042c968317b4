"""What the dispatch looks like now, for the page and the command. Reads only; of PostgreSQL a bounded number of rows.

`visible` is what the user sees (`tracing.admin.scope`): numbers of the whole installation are told only to who sees
every workspace (None).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from redis.exceptions import RedisError

from routing.dispatch import lua_prelude, schedule, workers
from routing.dispatch.canary import Canary, read_canary
from routing.dispatch.control import Control, read_control
from routing.dispatch.pauses import Pause, find_unmirrored, read_pauses
from routing.dispatch.schedule import TIMEOUT_SECONDS, Sizes
from routing.last_runs import LastRun, read_runs
from routing.models import DispatchMode, Workspace
from routing.models.dispatch import ALIVE_SECONDS
from routing.redis.breaker import Breaker
from routing.redis.client import get_client, prove_writable
from routing.redis.keys import dispatcher_key, ready_queue, schedule_of
from tracing.wording import count, span

# A page asks every two seconds: while Redis does not answer it waits for it once in a while.
BREAKER: Final = Breaker(5.0)

LEADS_LOOKED_AT: Final = 10_000
# The earliest lead of each workspace through the index of its own leads, and then those behind it, no more than are
# looked at: workspaces that are not paused come before the others, whatever those keep.
_BEHIND: Final = """
    SELECT id, count(*) AS leads FROM (
        SELECT h.id FROM (SELECT * FROM heads ORDER BY is_paused, at, id) h
        CROSS JOIN LATERAL (
            SELECT FROM routing_lead l
            WHERE l.workspace_id = h.id AND l.status = 'pending' AND l.paused_at IS NULL {due}
            ORDER BY l.next_attempt_at, l.id
            LIMIT %(limit)s
        ) one
        LIMIT %(limit)s
    ) behind
    GROUP BY 1
"""
BACKLOG: Final = f"""
WITH heads AS MATERIALIZED (
    SELECT w.id, w.paused_at IS NOT NULL AS is_paused, head.at
    FROM routing_workspace w
    CROSS JOIN LATERAL (
        SELECT l.next_attempt_at AS at FROM routing_lead l
        WHERE l.workspace_id = w.id AND l.status = 'pending' AND l.paused_at IS NULL
        ORDER BY l.next_attempt_at, l.id
        LIMIT 1
    ) head
    WHERE %(visible)s::bigint[] IS NULL OR w.id = ANY(%(visible)s)
), waiting AS ({_BEHIND.format(due="")}
), overdue AS ({_BEHIND.format(due="AND l.next_attempt_at <= statement_timestamp()")}
)
SELECT h.id, h.is_paused, coalesce(waiting.leads, 0), coalesce(overdue.leads, 0),
    extract(epoch FROM statement_timestamp() - h.at)::float8
FROM heads h LEFT JOIN waiting USING (id) LEFT JOIN overdue USING (id)
"""  # noqa: S608 - only constants are put in
LAST_START: Final = (
    "SELECT extract(epoch FROM clock_timestamp() - max(started_at))::float8 FROM tracing_attempt"
)
BRIEF: Final = """
SELECT c.paused_at IS NOT NULL, coalesce(c.seen_at > statement_timestamp() - %s * interval '1 second', false),
    (SELECT count(*) FROM routing_workspace WHERE paused_at IS NOT NULL AND (%s::bigint[] IS NULL OR id = ANY(%s)))
FROM (SELECT) one LEFT JOIN routing_dispatchcontrol c ON c.id = 1
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Leads that wait for their time, and of these the overdue. Either may be the least: who is due later was not
    looked at."""

    waiting: int = 0
    overdue: int = 0
    is_waiting_least: bool = False
    is_overdue_least: bool = False

    @property
    def waiting_display(self) -> str:
        return f"{self.waiting:,}{'+' if self.is_waiting_least else ''}"

    @property
    def overdue_display(self) -> str:
        return f"{self.overdue:,}{'+' if self.is_overdue_least else ''}"


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """`is_mirrored` False: Redis says something else of its pause; None: Redis did not answer."""

    id: int
    slug: str
    name: str
    mode: str
    pause: Pause | None
    backlog: Backlog
    is_mirrored: bool | None


@dataclass(frozen=True, slots=True)
class RedisState:
    """`holder`: the dispatcher that has the leader's lease. `sizes` None: not told to this user."""

    holder: str
    sizes: Sizes | None
    workers_alive: int
    unmirrored: frozenset[int | None]
    backlogs: Mapping[int, Backlog]

    @property
    def started(self) -> int:
        """Leads in flight that a worker has begun."""
        return 0 if self.sizes is None else max(0, self.sizes.inflight - self.sizes.ready)


@dataclass(frozen=True, slots=True)
class DispatchState:
    """`total` and `overdue_seconds` are of all visible workspaces; the age leaves paused ones out, whose leads wait for
    a person. `started_seconds`: since an attempt last began, anywhere; None: none ever did. `redis` None: it does not
    answer, and `redis_failure` says how. `redis_refusal`: the error with which it refuses to write."""

    at: datetime
    is_whole: bool
    control: Control
    pause: Pause | None
    modes: Mapping[str, int]
    paused_count: int
    workspaces: Sequence[WorkspaceState]
    is_cut: bool
    total: Backlog
    overdue_seconds: float | None
    canary: Canary
    started_seconds: float | None
    reconcilers: Sequence[LastRun]
    redis: RedisState | None
    redis_failure: str = ""
    redis_refusal: str = ""

    @property
    def workspace_count(self) -> int:
        return sum(self.modes.values())

    @property
    def overdue_display(self) -> str:
        return "nothing is overdue" if self.overdue_seconds is None else f"for {span(self.overdue_seconds)}"

    @property
    def is_product_mirrored(self) -> bool | None:
        return None if self.redis is None else None not in self.redis.unmirrored


@dataclass(frozen=True, slots=True)
class _Backlogs:
    by_workspace: Mapping[int, Backlog]
    total: Backlog
    overdue_seconds: float | None


def read_state(visible: Sequence[int] | None, *, search: str = "", limit: int | None = None) -> DispatchState:
    """Eight statements at the most, however many workspaces there are. Waits for Redis a few seconds at the most.

    `search` is a part of a name or slug, `limit` how many workspaces are told in full: paused ones first, then by name.
    """
    workspaces = Workspace.objects.all()
    if visible is not None:
        workspaces = workspaces.filter(pk__in=visible)
    modes = {each["dispatch_mode"]: each for each in _count_modes(workspaces)}
    found = _find(workspaces, search=search, limit=limit)
    shown = found[:limit]
    control, backlogs = read_control(), _read_backlogs(visible)
    pauses = read_pauses({None: control.paused_at, **{each.pk: each.paused_at for each in shown}})
    redis, failure = _ask_redis(shown, control=control, is_whole=visible is None)
    refusal = "" if redis is None else _find_refusal()
    return DispatchState(
        at=datetime.now(UTC),
        is_whole=visible is None,
        control=control,
        pause=pauses.get(None),
        modes={mode: modes[mode]["number"] if mode in modes else 0 for mode in DispatchMode.values},
        paused_count=sum(each["paused"] for each in modes.values()),
        workspaces=[_tell(each, pauses, backlogs, redis) for each in shown],
        is_cut=len(found) > len(shown),
        total=backlogs.total,
        overdue_seconds=backlogs.overdue_seconds,
        canary=read_canary(),
        started_seconds=_read_last_start(),
        reconcilers=read_runs(),
        redis=redis,
        redis_failure=failure,
        redis_refusal=refusal,
    )


@dataclass(frozen=True, slots=True)
class Brief:
    """`paused_count`: of the workspaces that the user sees."""

    is_paused: bool
    is_led: bool
    paused_count: int


def read_brief(visible: Sequence[int] | None) -> Brief:
    """One statement, for the home page."""
    ids = None if visible is None else list(visible)
    with connection.cursor() as cursor:
        cursor.execute(BRIEF, [ALIVE_SECONDS, ids, ids])
        return Brief(*cursor.fetchone())


def find_problems(state: DispatchState) -> Iterator[str]:
    """What is wrong with the dispatch, a sentence each. A pause is wanted, and no problem."""
    if not state.control.is_led and state.modes[DispatchMode.EVENT]:
        yield (
            f"No dispatcher has reported as the leader for {ALIVE_SECONDS} seconds. Start one (manage.py dispatcher);"
            " until then the periodic pick-up starts leads."
        )
    yield from _find_late(state)
    yield from _find_idle(state.reconcilers)
    if state.redis is None:
        yield (
            f"Redis does not answer ({state.redis_failure}). A dispatcher runs due leads itself, from PostgreSQL;"
            " every switch holds."
        )
    else:
        yield from _find_in_redis(state, state.redis)


def _find_late(state: DispatchState) -> Iterator[str]:
    """While the product is paused nothing is late."""
    if state.pause is not None:
        return
    limits = settings.LEADSWITCH_WATCH
    overdue, seconds = state.total.overdue, state.overdue_seconds
    if seconds is not None and (seconds > limits["overdue"] or overdue > limits["overdue_leads"]):
        yield (
            f"{state.total.overdue_display} {'lead is' if overdue == 1 else 'leads are'} due and not started,"
            f" the oldest for {span(seconds)}. Look at the workers, the dispatcher and the locks of PostgreSQL."
        )
    if seconds is not None and _is_late(state.started_seconds, limits["stalled"], at_least=seconds):
        since = "ever" if state.started_seconds is None else f"for {span(state.started_seconds)}"
        yield f"No lead was started {since}, although some are due."
    if state.canary.is_late and state.canary.out_seconds is not None:
        yield (
            f"A canary has been on its way through the queues for {span(state.canary.out_seconds)}: a part between the"
            " schedule and the workers does nothing. The leading dispatcher runs due leads itself, one after the other."
        )


def _find_idle(reconcilers: Sequence[LastRun]) -> Iterator[str]:
    if not any(each.has_run for each in reconcilers):
        yield (
            "No reconciler has run yet. Start beat (celery -A leadswitch beat) and a worker: until then"
            " nothing that has drifted is repaired."
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
            f"{number} not run when due, the longest for {span(seconds)}: {names}. Look at beat, and at the workers"
            " that do the work."
        )


def _is_late(started_seconds: float | None, limit: int, *, at_least: float) -> bool:
    """Whether nothing was started for too long. A lead that has only just come up was not missed by then."""
    return at_least > limit and (started_seconds is None or started_seconds > limit)


def _find_in_redis(state: DispatchState, redis: RedisState) -> Iterator[str]:
    if state.redis_refusal:
        yield (
            f"Redis refuses to write ({state.redis_refusal}): it is full, read-only, loading or busy. A dispatcher runs"
            " due leads itself, from PostgreSQL; every switch holds."
        )
    if not redis.workers_alive:
        yield (
            f"No worker has reported for {lua_prelude.ALIVE_SECONDS} seconds: leads are queued, but not processed."
            " Start one (celery -A leadswitch worker)."
        )
    yield from _find_unconsumed(redis)
    if redis.unmirrored:
        number = count(len(redis.unmirrored), "switch", "switches")
        yield (
            f"Redis has {number} other than PostgreSQL: nothing wrong is sold, but leads start late."
            " Beat corrects it every 30 seconds; so does manage.py reconcile workspace_pauses --fix."
        )


def _find_unconsumed(redis: RedisState) -> Iterator[str]:
    """Queues that no worker takes from, although some are alive."""
    unconsumed = [] if redis.sizes is None else redis.sizes.unconsumed
    if not redis.workers_alive or redis.sizes is None or not unconsumed:
        return
    names = ", ".join(ready_queue(shard) for shard in unconsumed)
    is_all = len(unconsumed) == len(redis.sizes.shards)
    then = (
        "Leads wait there unless a worker of an older version takes them."
        if is_all
        else "Their leads go through the others."
    )
    start = "Start one for them (-Q), or one for all queues (without -Q)."
    yield f"No worker says that it takes from {names}. {then} {start}"


def _count_modes(workspaces: QuerySet[Workspace]) -> Sequence[Mapping[str, Any]]:
    is_paused = Count("pk", filter=Q(paused_at__isnull=False))
    return list(workspaces.order_by().values("dispatch_mode").annotate(number=Count("pk"), paused=is_paused))


def _find(workspaces: QuerySet[Workspace], *, search: str, limit: int | None) -> list[Workspace]:
    """One more than the limit tells that there are more."""
    if search:
        workspaces = workspaces.filter(Q(name__icontains=search) | Q(slug__icontains=search))
    ordered = workspaces.order_by(F("paused_at").asc(nulls_last=True), "name", "pk")
    columns = ordered.only("slug", "name", "dispatch_mode", "paused_at")
    return list(columns if limit is None else columns[: limit + 1])


def _tell(
    workspace: Workspace, pauses: Mapping[int | None, Pause], backlogs: _Backlogs, redis: RedisState | None
) -> WorkspaceState:
    known = redis.backlogs if redis is not None else {}
    nothing = replace(backlogs.total, waiting=0, overdue=0)
    return WorkspaceState(
        id=workspace.pk,
        slug=workspace.slug,
        name=workspace.name,
        mode=workspace.dispatch_mode,
        pause=pauses.get(workspace.pk),
        backlog=known.get(workspace.pk) or backlogs.by_workspace.get(workspace.pk, nothing),
        is_mirrored=None if redis is None else workspace.pk not in redis.unmirrored,
    )


def _read_backlogs(visible: Sequence[int] | None) -> _Backlogs:
    ids = None if visible is None else list(visible)
    with connection.cursor() as cursor:
        cursor.execute(BACKLOG, {"visible": ids, "limit": LEADS_LOOKED_AT})
        rows = cursor.fetchall()
    least = tuple(sum(row[at] for row in rows) == LEADS_LOOKED_AT for at in (2, 3))
    late = [seconds for _, is_paused, *_, seconds in rows if seconds >= 0 and not is_paused]
    return _Backlogs(
        {pk: Backlog(waiting, overdue, *least) for pk, _, waiting, overdue, _ in rows},
        Backlog(sum(row[2] for row in rows), sum(row[3] for row in rows), *least),
        max(late, default=None),
    )


def _read_last_start() -> float | None:
    with connection.cursor() as cursor:
        cursor.execute(LAST_START)
        seconds: float | None = cursor.fetchone()[0]
    return seconds


def _find_refusal() -> str:
    """The error with which Redis refuses to write; "" while it does not."""
    try:
        prove_writable(TIMEOUT_SECONDS)
    except RedisError as error:
        return type(error).__name__
    return ""


def _ask_redis(
    workspaces: Sequence[Workspace], *, control: Control, is_whole: bool
) -> tuple[RedisState | None, str]:
    """Apart from the breaker of intakes and attempts: who only looks must not keep them from Redis."""
    if BREAKER.is_open:
        return None, "it did not a moment ago"
    try:
        return _read_redis(workspaces, control=control, is_whole=is_whole), ""
    except RedisError as error:
        BREAKER.trip()
        return None, type(error).__name__


def _read_redis(workspaces: Sequence[Workspace], *, control: Control, is_whole: bool) -> RedisState:
    client = get_client(TIMEOUT_SECONDS)
    seconds, microseconds = client.time()
    now_ms = int(seconds) * 1000 + int(microseconds) // 1000
    scheduled = [each.pk for each in workspaces if each.dispatch_mode == DispatchMode.EVENT]
    with client.pipeline(transaction=False) as pipeline:
        pipeline.get(dispatcher_key())
        for pk in scheduled:
            pipeline.zcard(schedule_of(pk))
            pipeline.zcount(schedule_of(pk), "-inf", now_ms)
        holder, *numbers = pipeline.execute()
    truth: dict[int | None, bool] = {each.pk: each.paused_at is not None for each in workspaces}
    truth[None] = control.paused_at is not None
    return RedisState(
        holder=holder or "",
        sizes=schedule.read_sizes() if is_whole else None,
        workers_alive=workers.count_alive(),
        unmirrored=frozenset(find_unmirrored(truth)),
        backlogs={
            pk: Backlog(*pair)
            for pk, pair in zip(scheduled, zip(numbers[::2], numbers[1::2], strict=True), strict=True)
        },
    )
