"""The state of the dispatch as `manage.py dispatch status` prints it: lines for people, JSON for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from routing.dispatch.canary import CanaryState
from routing.dispatch.pauses import Pause
from routing.dispatch.sizes import ShardSize, Sizes
from routing.dispatch.state import DispatchState, WorkspaceState
from routing.last_runs import LastRun
from routing.models import DispatchPath
from tracing.wording import count, moment, span

SHARD_COLUMNS: Final = ("shard", "waiting", "overdue", "ready", "stale", "worker")
WORKSPACE_COLUMNS: Final = ("workspace", "mode", "waiting", "overdue", "paused since", "by", "why")
MAX_NAMED: Final = 10


def describe_state(
    state: DispatchState, problems: Sequence[str], *, chosen_id: int | None = None
) -> Iterator[str]:
    """Yield the lines. Of the workspaces only the paused ones and the chosen one are listed."""
    facts = list(_facts(state))
    width = max(len(name) for name, _ in facts)
    yield f"Dispatch at {moment(state.at)}"
    yield ""
    yield from (f"{name:<{width}}  {text}" for name, text in facts)
    if state.redis is not None and state.redis.sizes is not None:
        yield ""
        yield from _shards(state.redis.sizes)
    listed = [each for each in state.workspaces if each.pause or each.id == chosen_id]
    if listed:
        yield ""
        yield from _align([WORKSPACE_COLUMNS, *map(_workspace_row, listed)], right=(2, 3))
    yield ""
    yield from [f"Problem: {problem}" for problem in problems] or ["No problems found."]


def describe_pause(pause: Pause) -> str:
    since = f"since {moment(pause.since)}"
    return since + (f" by {pause.actor}: {pause.reason}" if pause.actor else " (no entry in the audit log)")


def _facts(state: DispatchState) -> Iterator[tuple[str, str]]:
    control, redis = state.control, state.redis
    if control.is_led and control.age is not None:
        path = DispatchPath(control.path).label
        yield (
            "leader",
            f"{control.leader}, epoch {control.epoch}, {path}, last heartbeat {span(control.age.total_seconds())} ago",
        )
    else:
        last = f" (last leader: {control.leader}, epoch {control.epoch})" if control.leader else ""
        yield "leader", f"none{last}"
    yield "product", "running" if state.pause is None else f"PAUSED {describe_pause(state.pause)}"
    yield "Redis", "responds" if redis is not None else f"does not respond: {state.redis_failure}"
    if redis is not None and redis.sizes is not None:
        yield "workers", f"{redis.workers_alive} alive"
        yield (
            "in flight",
            f"{redis.sizes.inflight:,}: {redis.sizes.ready:,} queued, {redis.started:,} started",
        )
    total = state.total
    yield "waiting", f"{total.waiting_display}, of which {total.overdue_display} are due (from PostgreSQL)"
    yield "oldest", state.overdue_display
    yield "last start", _describe_ago(state.started_seconds)
    yield "canary", _describe_canary(state.canary)
    yield "reconciled", _describe_reconcilers(state.reconcilers)
    modes = ", ".join(f"{number} {mode}" for mode, number in state.modes.items())
    yield "workspaces", f"{state.workspace_count} ({modes}), paused: {state.paused_display}"
    if redis is not None:
        yield "pauses", _describe_mirror(state, redis.unmirrored)


def _describe_ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{span(seconds)} ago"


def _describe_reconcilers(reconcilers: Sequence[LastRun]) -> str:
    wrong = [each.name for each in reconcilers if not each.is_ok]
    ages = [each.age_seconds for each in reconcilers if each.has_run and each.age_seconds is not None]
    last = _describe_ago(min(ages, default=None))
    return f"{last}; late or failed: {', '.join(wrong)}" if wrong and ages else last


def _describe_canary(canary: CanaryState) -> str:
    out = "" if canary.out_seconds is None else f"; one has been on its way for {span(canary.out_seconds)}"
    return (
        "none has returned yet"
        if canary.age_seconds is None
        else f"returned {_describe_ago(canary.age_seconds)}"
    ) + out


def _describe_mirror(state: DispatchState, unmirrored: frozenset[int | None]) -> str:
    if not unmirrored:
        return "Redis is up to date"
    slugs = sorted(each.slug for each in state.workspaces if each.id in unmirrored)
    names = [*(["the whole product"] if None in unmirrored else []), *slugs]
    shown = ", ".join(names[:MAX_NAMED]) + (
        f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    )
    return f"{count(len(names), 'is', 'are')} out of date in Redis: {shown}"


def _shards(sizes: Sizes) -> Iterator[str]:
    rows = [_shard_row(str(shard), each, each.is_consumed) for shard, each in enumerate(sizes.shards)]
    total = _shard_row("total", sizes, not sizes.unconsumed)
    return _align([SHARD_COLUMNS, *rows, total], right=(1, 2, 3, 4))


def _shard_row(name: str, size: ShardSize | Sizes, is_consumed: bool) -> tuple[str, ...]:  # noqa: FBT001 - a cell
    numbers = (size.waiting, size.overdue, size.ready, size.stale)
    return name, *(f"{number:,}" for number in numbers), "yes" if is_consumed else "none"


def _workspace_row(each: WorkspaceState) -> tuple[str, ...]:
    pause = each.pause
    why = (moment(pause.since), pause.actor or "-", pause.reason or "-") if pause else ("running", "-", "-")
    return each.slug, each.mode, each.backlog.waiting_display, each.backlog.overdue_display, *why


def _align(rows: Sequence[Sequence[str]], *, right: Sequence[int]) -> Iterator[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = [
            f"{cell:>{width}}" if at in right else f"{cell:<{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def state_document(state: DispatchState, problems: Sequence[str]) -> dict[str, Any]:
    """Ages are in seconds. `is_..._least`: there are at least this many."""
    control = state.control
    return {
        "at": state.at,
        "problems": list(problems),
        "leader": {
            "name": control.leader,
            "epoch": control.epoch,
            "path": control.path,
            "is_alive": control.is_led,
            "age_seconds": None if control.age is None else control.age.total_seconds(),
        },
        "product": {"pause": _pause_document(state.pause), "is_mirrored": state.is_product_mirrored},
        **asdict(state.total),
        "overdue_seconds": state.overdue_seconds,
        "started_seconds": state.started_seconds,
        "canary": {**asdict(state.canary), "is_late": state.canary.is_late},
        "reconcilers": [
            {**asdict(each), "is_late": each.is_late, "is_ok": each.is_ok} for each in state.reconcilers
        ],
        "modes": dict(state.modes),
        "redis": _redis_document(state),
        "workspaces": [_workspace_document(each) for each in state.workspaces],
    }


def _redis_document(state: DispatchState) -> dict[str, Any]:
    redis = state.redis
    if redis is None:
        return {"is_answering": False, "failure": state.redis_failure}
    sizes = redis.sizes
    return {
        "is_answering": True,
        "refusal": state.redis_refusal,
        "leader": redis.holder,
        "workers_alive": redis.workers_alive,
        "inflight": 0 if sizes is None else sizes.inflight,
        "shards": [] if sizes is None else [asdict(each) for each in sizes.shards],
    }


def _workspace_document(each: WorkspaceState) -> dict[str, Any]:
    return {
        "slug": each.slug,
        "mode": each.mode,
        **asdict(each.backlog),
        "pause": _pause_document(each.pause),
        "is_mirrored": each.is_mirrored,
    }


def _pause_document(pause: Pause | None) -> dict[str, Any] | None:
    return None if pause is None else asdict(pause)
