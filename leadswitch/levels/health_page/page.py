"""Everything that the page shows, read for one user, workspace and window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from leadswitch.levels.health_page.charts import (
    Chart,
    Percentiles,
    describe_percentiles,
    make_expired,
    make_histogram,
    make_latency,
    make_results,
)
from leadswitch.levels.health_page.current_state import CurrentState, WaitingLeads, read_current_state
from leadswitch.levels.health_page.links import Links
from leadswitch.levels.health_page.objective_cards import LinkedCount, ObjectiveCard, link_count, make_cards
from leadswitch.levels.health_page.rollup_reads import (
    Times,
    Uncounted,
    WorkspaceCount,
    count_uncounted,
    read_decisions,
    read_expired,
    read_most,
    read_results,
    read_times,
)
from leadswitch.levels.health_page.window import DAY, Window, make_steps
from leadswitch.levels.objectives import PERIOD_DAYS
from tracing.models import AttemptResult
from tracing.wording import count, span

MAX_WORKSPACES: Final = 10
FEW_DAYS: Final = 7
MAX_UNCOUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """`share`: of the workspace with the most, from 0 to 100, for a bar."""

    name: str
    figure: LinkedCount
    share: int


@dataclass(frozen=True, slots=True)
class Health:
    """`is_whole`: of every workspace."""

    at: datetime
    window: Window
    is_whole: bool
    cards: Sequence[ObjectiveCard]
    charts: Mapping[str, Chart]
    latency: Sequence[Percentiles]
    times: Sequence[Percentiles]
    retries: Sequence[WorkspaceRow]
    duplicates: Sequence[WorkspaceRow]
    current: CurrentState
    stale_locks: LinkedCount
    oldest_url: str
    uncounted: Uncounted

    @property
    def is_empty(self) -> bool:
        return (
            all(chart.is_empty for chart in self.charts.values())
            and not self.current.waiting.due_retries.number
        )

    @property
    def lag_display(self) -> str:
        return "No lead is overdue" if self.current.oldest is None else span(self.current.oldest.seconds)

    @property
    def uncounted_display(self) -> str:
        """Blank: everything is counted."""
        if self.uncounted.is_least:
            return f"{self.uncounted.number:,}+ attempts"
        return count(self.uncounted.number, "attempt") if self.uncounted.number else ""


def read_health(
    *, at: datetime, window: Window, ids: Sequence[int] | None, workspace_id: int | None
) -> Health:
    """`ids`: the workspaces that are counted; None: all. `workspace_id`: the chosen one, for the links."""
    links, current = Links(workspace_id), read_current_state(ids)
    days = make_steps(max(FEW_DAYS, (window.end - window.start).days), DAY, at=at)
    times = read_times(window, ids)
    latency, latency_rows = make_latency(window, times.due_by_step, links)
    charts = [
        make_results(window, read_results(window, ids), links),
        latency,
        make_histogram(window, times.due, links),
        make_expired(days, read_expired(days[0], days[-1] + DAY, ids), links),
    ]
    duplicates = read_most(AttemptResult.DUPLICATE, window, ids, most=MAX_WORKSPACES)
    return Health(
        at=at,
        window=window,
        is_whole=ids is None,
        cards=read_cards(current.waiting, ids, at=at, links=links),
        charts={chart.name: chart for chart in charts},
        latency=latency_rows,
        times=_times(window, links, times),
        retries=_rows(
            [(each, links.due_retries(each.id)) for each in current.waiting.retries[:MAX_WORKSPACES]],
            is_least=current.waiting.due_retries.is_least,
        ),
        duplicates=_rows([(each, _duplicates_url(links, window, each.id)) for each in duplicates]),
        current=current,
        stale_locks=link_count("Stale locks", current.stale_locks, links.leads(late="lock")),
        oldest_url="" if current.oldest is None else links.lead(current.oldest.id),
        uncounted=count_uncounted(ids, most=MAX_UNCOUNTED),
    )


def read_cards(
    waiting: WaitingLeads, ids: Sequence[int] | None, *, at: datetime, links: Links
) -> Sequence[ObjectiveCard]:
    """The objectives over their period. One statement."""
    days = make_steps(PERIOD_DAYS, DAY, at=at)
    period = (days[0], days[-1] + DAY)
    return make_cards(read_decisions(*period, ids), waiting, period=period, links=links)


def _duplicates_url(links: Links, window: Window, workspace_id: int) -> str:
    result = AttemptResult.DUPLICATE.value
    return links.attempts(window.start, window.end, workspace_id=workspace_id, result__exact=result)


def _times(window: Window, links: Links, times: Times) -> Sequence[Percentiles]:
    """No filter finds first decisions, so they have no list."""
    named = [
        ("Due to decided", times.due, links.attempts(window.start, window.end, above=0)),
        ("Receipt to first decision", times.receipt, ""),
        ("The attempt itself", times.duration, links.attempts(window.start, window.end)),
    ]
    return [
        Percentiles(name, LinkedCount(name, sum(counts), url), describe_percentiles(counts))
        for name, counts, url in named
    ]


def _rows(found: Sequence[tuple[WorkspaceCount, str]], *, is_least: bool = False) -> Sequence[WorkspaceRow]:
    """`is_least`: each of the numbers may be higher."""
    most = max((each.count for each, _ in found), default=0)
    return [
        WorkspaceRow(
            each.name,
            LinkedCount(each.name, each.count, url, is_least=is_least),
            round(100 * each.count / most),
        )
        for each, url in found
    ]
