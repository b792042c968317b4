"""What the digest says: the objectives, the last 24 full hours beside the 24 before, and what waits now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings

from leadswitch.levels.health_page.bins import find_percentile
from leadswitch.levels.health_page.card import describe_pauses
from leadswitch.levels.health_page.current_state import CurrentState, WaitingLeads, read_current_state
from leadswitch.levels.health_page.links import Links
from leadswitch.levels.health_page.objective_cards import ObjectiveCard, is_system_failure
from leadswitch.levels.health_page.page import MAX_UNCOUNTED, read_cards
from leadswitch.levels.health_page.rollup_reads import (
    Decisions,
    Uncounted,
    WorkspaceCount,
    count_uncounted,
    read_decisions,
    read_most,
    read_times,
)
from leadswitch.levels.health_page.window import DAY, HOUR, Window, make_steps
from leadswitch.levels.objectives import (
    AVAILABILITY_DEADLINE_SECONDS,
    LATENCY_LIMIT_SECONDS,
    PERIOD_DAYS,
)
from leadswitch.levels.reports import Report
from leadswitch.levels.rows import fetch_row
from routing.dispatch.state import DispatchSummary, read_summary
from tracing.models import AttemptResult
from tracing.skip_reasons import SKIP_REASONS
from tracing.wording import count, duration, span

MAX_ROWS: Final = 5
P95: Final = 0.95
RESULTS: Final = {
    AttemptResult.SUCCESS: "sold",
    AttemptResult.UNSOLD: "unsold",
    AttemptResult.DUPLICATE: "duplicates",
    AttemptResult.DEFERRED: "deferred",
    AttemptResult.EXPIRED: "expired",
    AttemptResult.FAILED: "failed",
}
# The part of each workspace comes from an index.
RECEIVED: Final = """
SELECT count(*) FILTER (WHERE l.received_at >= %(start)s), count(*) FILTER (WHERE l.received_at < %(start)s)
FROM routing_workspace w
CROSS JOIN LATERAL (
    SELECT received_at FROM routing_lead
    WHERE workspace_id = w.id AND received_at >= %(before)s AND received_at < %(end)s
) l
"""


@dataclass(frozen=True, slots=True)
class Digest:
    """`date`: in the digest's time zone. `reports`: tables in the order of reading. `missed`: titles of objectives."""

    date: date
    at: datetime
    start: datetime
    end: datetime
    objectives: int
    missed: Sequence[str]
    reports: Sequence[Report]

    @property
    def subject(self) -> str:
        state = (
            f"{count(len(self.missed), 'objective')} missed: {', '.join(self.missed)}"
            if self.missed
            else f"all {self.objectives} objectives are met"
        )
        return f"LeadSwitch digest {self.date:%Y-%m-%d}: {state}"


def read_digest(*, at: datetime) -> Digest:
    """Read the digest of every workspace. Statements read hours and not attempts, but for the leads received."""
    window = _make_window(at.astimezone(UTC).replace(minute=0, second=0, microsecond=0))
    before = _make_window(window.start)
    state = read_current_state(None)
    cards = read_cards(state.waiting, None, at=at, links=Links())
    decisions = read_decisions(window.start, window.end, None)
    return Digest(
        date=find_date(at),
        at=at,
        start=window.start,
        end=window.end,
        objectives=len(cards),
        missed=[card.title for card in cards if not card.is_met],
        reports=[
            _report_objectives(cards),
            _report_day(window, before, decisions),
            _report_failures(decisions),
            _report_duplicates(read_most(AttemptResult.DUPLICATE, window, None, most=MAX_ROWS)),
            _report_now(state, read_summary(None), count_uncounted(None, most=MAX_UNCOUNTED)),
            _report_retries(state.waiting),
        ],
    )


def find_date(at: datetime) -> date:
    """The day in the digest's time zone."""
    return at.astimezone(ZoneInfo(settings.LEADSWITCH_DIGEST_TIMEZONE)).date()


def _make_window(end: datetime) -> Window:
    """The 24 full hours up to `end`."""
    return Window("24h", "24 hours", HOUR, make_steps(DAY // HOUR, HOUR, at=end - HOUR))


def _report_objectives(cards: Sequence[ObjectiveCard]) -> Report:
    rows = [
        (card.title, card.target, card.measured, f"{card.headline} {card.words}".strip(), card.verdict)
        for card in cards
    ]
    columns = ("objective", "target", "actual", "budget", "state")
    return Report(f"Objectives, last {PERIOD_DAYS} days", columns, rows, "There are no objectives.")


def _report_day(window: Window, before: Window, decisions: Sequence[Decisions]) -> Report:
    earlier = read_decisions(before.start, before.end, None)
    values = {"start": window.start, "before": before.start, "end": window.end}
    rows: list[tuple[Any, ...]] = [("leads received", *fetch_row(RECEIVED, values))]
    rows += [
        (name, _count_result(decisions, result), _count_result(earlier, result))
        for result, name in RESULTS.items()
    ]
    rows += [
        (
            f"decided later than {AVAILABILITY_DEADLINE_SECONDS} s",
            sum(row.late for row in decisions),
            sum(row.late for row in earlier),
        ),
        (
            f"decided later than {LATENCY_LIMIT_SECONDS} s",
            sum(row.slow for row in decisions),
            sum(row.slow for row in earlier),
        ),
        ("p95 from due to decided", _read_p95(window), _read_p95(before)),
    ]
    title = f"Last 24 full hours, to {window.end:%Y-%m-%d %H:%M} UTC"
    return Report(title, ("figure", "last 24 hours", "24 hours before"), rows, "")


def _count_result(decisions: Sequence[Decisions], result: AttemptResult) -> int:
    return sum(row.count for row in decisions if row.result == result)


def _read_p95(window: Window) -> str:
    seconds = find_percentile(read_times(window, None).due, P95)
    return "-" if seconds is None else duration(1000 * seconds)


def _report_failures(decisions: Sequence[Decisions]) -> Report:
    rows = [
        (row.count, SKIP_REASONS[row.skip_reason].sentence) for row in decisions if is_system_failure(row)
    ]
    rows.sort(reverse=True)
    return Report("Failures of LeadSwitch", ("attempts", "reason"), rows[:MAX_ROWS], "No attempt failed.")


def _report_duplicates(found: Sequence[WorkspaceCount]) -> Report:
    rows = [(each.count, each.name) for each in found]
    return Report("Most duplicates", ("duplicates", "workspace"), rows, "There were no duplicates.")


def _report_now(state: CurrentState, summary: DispatchSummary, uncounted: Uncounted) -> Report:
    workers = "unknown: Redis does not respond" if state.workers is None else f"{state.workers:,}"
    rows = [
        ("due retries", state.waiting.due_retries.display),
        ("oldest due lead", "none" if state.oldest is None else f"{span(state.oldest.seconds)} overdue"),
        ("stale locks", state.stale_locks.display),
        ("workers alive", workers),
        ("attempts not counted yet", f"{uncounted.number:,}{'+' if uncounted.is_least else ''}"),
        (
            "pauses",
            describe_pauses(is_product_paused=summary.is_paused, workspaces=summary.paused_count),
        ),
    ]
    return Report("Now", ("state", "value"), rows, "")


def _report_retries(waiting: WaitingLeads) -> Report:
    rows = [(each.count, each.name) for each in waiting.retries[:MAX_ROWS]]
    total = waiting.due_retries
    title = f"Most due retries, of the first {total.number:,}" if total.is_least else "Most due retries"
    return Report(title, ("due", "workspace"), rows, "No retry is due.")
