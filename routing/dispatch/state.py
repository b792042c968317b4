"""The current state of the dispatch, for the page and the command. Reads only, and a bounded number of rows.

`visible`: the workspaces that the user sees (`tracing.admin.scope`); None: all of them. Only users who see all of them
get figures of the whole installation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from routing.dispatch.backlog_counts import Backlog, Backlogs, read_backlogs
from routing.dispatch.canary import CanaryState, read_canary
from routing.dispatch.control import Control, read_control
from routing.dispatch.pauses import Pause, read_pauses
from routing.dispatch.redis_state import RedisState, ask_redis, find_refusal
from routing.last_runs import LastRun, read_runs
from routing.models import DispatchMode, Workspace
from tracing.wording import span

LAST_START: Final = (
    "SELECT extract(epoch FROM clock_timestamp() - max(started_at))::float8 FROM tracing_attempt"
)
SUMMARY: Final = """
SELECT c.paused_at IS NOT NULL, coalesce(c.seen_at > statement_timestamp() - %s * interval '1 second', false),
    (SELECT count(*) FROM routing_workspace WHERE paused_at IS NOT NULL AND (%s::bigint[] IS NULL OR id = ANY(%s)))
FROM (SELECT) one LEFT JOIN routing_dispatchcontrol c ON c.id = 1
"""


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """`is_mirrored` False: the pause in Redis is out of date; None: Redis did not respond."""

    id: int
    slug: str
    name: str
    mode: str
    pause: Pause | None
    backlog: Backlog
    is_mirrored: bool | None


@dataclass(frozen=True, slots=True)
class DispatchState:
    """`total` and `overdue_seconds` cover all visible workspaces. The age leaves out paused ones: their leads wait for
    a person. `started_seconds`: since the last attempt began anywhere; None: there was none. `redis` None: Redis does
    not answer, and `redis_failure` says how. `redis_refusal`: the error with which it refuses writes. `paused_count`:
    workspaces with a pause of their own."""

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
    canary: CanaryState
    started_seconds: float | None
    reconcilers: Sequence[LastRun]
    redis: RedisState | None
    redis_failure: str = ""
    redis_refusal: str = ""

    @property
    def workspace_count(self) -> int:
        return sum(self.modes.values())

    @property
    def paused_display(self) -> str:
        """How many workspaces are paused: all of them while the product is."""
        return "all (product paused)" if self.pause is not None else f"{self.paused_count:,}"

    @property
    def overdue_display(self) -> str:
        return "nothing is overdue" if self.overdue_seconds is None else f"{span(self.overdue_seconds)}"

    @property
    def is_product_mirrored(self) -> bool | None:
        return None if self.redis is None else None not in self.redis.unmirrored


def read_state(visible: Sequence[int] | None, *, search: str = "", limit: int | None = None) -> DispatchState:
    """At most eight statements, for any number of workspaces. Waits for Redis for a few seconds at most.

    `search`: a part of a name or slug. `limit`: how many workspaces to list, paused ones first, then by name.
    """
    workspaces = Workspace.objects.all()
    if visible is not None:
        workspaces = workspaces.filter(pk__in=visible)
    modes = {each["dispatch_mode"]: each for each in _count_modes(workspaces)}
    found = _find_workspaces(workspaces, search=search, limit=limit)
    shown = found[:limit]
    control, backlogs = read_control(), read_backlogs(visible)
    pauses = read_pauses({None: control.paused_at, **{each.pk: each.paused_at for each in shown}})
    redis, failure = ask_redis(shown, control=control, is_whole=visible is None)
    refusal = "" if redis is None else find_refusal()
    return DispatchState(
        at=datetime.now(UTC),
        is_whole=visible is None,
        control=control,
        pause=pauses.get(None),
        modes={mode: modes[mode]["number"] if mode in modes else 0 for mode in DispatchMode.values},
        paused_count=sum(each["paused"] for each in modes.values()),
        workspaces=[_workspace_state(each, pauses, backlogs, redis) for each in shown],
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
class DispatchSummary:
    """`paused_count`: those of the visible workspaces that have a pause of their own."""

    is_paused: bool
    is_led: bool
    paused_count: int


def read_summary(visible: Sequence[int] | None) -> DispatchSummary:
    """One statement, for the home page."""
    ids = None if visible is None else list(visible)
    with connection.cursor() as cursor:
        cursor.execute(SUMMARY, [settings.LEADSWITCH_TAKEOVER.alive_seconds, ids, ids])
        return DispatchSummary(*cursor.fetchone())


def _count_modes(workspaces: QuerySet[Workspace]) -> Sequence[Mapping[str, Any]]:
    is_paused = Count("pk", filter=Q(paused_at__isnull=False))
    return list(workspaces.order_by().values("dispatch_mode").annotate(number=Count("pk"), paused=is_paused))


def _find_workspaces(workspaces: QuerySet[Workspace], *, search: str, limit: int | None) -> list[Workspace]:
    """Return one more than the limit if there are more."""
    if search:
        workspaces = workspaces.filter(Q(name__icontains=search) | Q(slug__icontains=search))
    ordered = workspaces.order_by(F("paused_at").asc(nulls_last=True), "name", "pk")
    columns = ordered.only("slug", "name", "dispatch_mode", "paused_at")
    return list(columns if limit is None else columns[: limit + 1])


def _workspace_state(
    workspace: Workspace, pauses: Mapping[int | None, Pause], backlogs: Backlogs, redis: RedisState | None
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


def _read_last_start() -> float | None:
    with connection.cursor() as cursor:
        cursor.execute(LAST_START)
        seconds: float | None = cursor.fetchone()[0]
    return seconds
