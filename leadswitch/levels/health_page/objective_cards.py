"""The objectives over their period: how far each was met, and how much budget is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from leadswitch.levels.health_page.current_state import Count, WaitingLeads
from leadswitch.levels.health_page.links import Links
from leadswitch.levels.health_page.rollup_reads import Decisions
from leadswitch.levels.objectives import (
    AVAILABILITY,
    AVAILABILITY_DEADLINE_SECONDS,
    DUE_RETRIES,
    LATENCY,
    LATENCY_LIMIT_SECONDS,
    PERIOD_DAYS,
    Objective,
)
from tracing.models import AttemptResult
from tracing.skip_reasons import SKIP_REASONS

LOW_BUDGET = 0.25


@dataclass(frozen=True, slots=True)
class LinkedCount:
    """A number with the list behind it. Without a `url` there is no list. `is_least`: there may be more."""

    label: str
    number: int
    url: str = ""
    is_least: bool = False

    @property
    def display(self) -> str:
        return Count(self.number, self.is_least).display


def link_count(label: str, count: Count, url: str) -> LinkedCount:
    return LinkedCount(label, count.number, url, is_least=count.is_least)


@dataclass(frozen=True, slots=True)
class ObjectiveCard:
    """`measured`: what `target` is compared with. `budget_left`: a share, below 0 once more is bad than allowed.

    `budget_left` None: nothing was decided, and `is_met` is true.

    `headline`, `words`: what is left, in large and in small letters. `bar_label`: what the bar shows.
    """

    name: str
    title: str
    period: str
    good: str
    target: str
    measured: str
    budget_left: float | None
    is_met: bool
    headline: str
    words: str
    bar_label: str
    tone: str
    figures: Sequence[LinkedCount]

    @property
    def verdict(self) -> str:
        """In a word, so that it does not depend on a color."""
        if self.budget_left is None:
            return ""
        return "Met" if self.is_met else "Missed"

    @property
    def budget_bar(self) -> int:
        """From 0 to 100, for a bar."""
        return 0 if self.budget_left is None else max(0, min(100, round(100 * self.budget_left)))


def make_cards(
    decisions: Sequence[Decisions], waiting: WaitingLeads, *, period: tuple[datetime, datetime], links: Links
) -> Sequence[ObjectiveCard]:
    """The cards in the order of the page. `period`: the hours that the decisions are from."""
    return [
        _availability(decisions, waiting, period=period, links=links),
        _latency(decisions, waiting, period=period, links=links),
        _due_retries(waiting, links),
    ]


def is_system_failure(row: Decisions) -> bool:
    reason = SKIP_REASONS.get(row.skip_reason)
    return row.result == AttemptResult.FAILED and reason is not None and reason.is_system_failure


def _availability(
    decisions: Sequence[Decisions], waiting: WaitingLeads, *, period: tuple[datetime, datetime], links: Links
) -> ObjectiveCard:
    total = sum(row.count for row in decisions)
    failed = [row for row in decisions if is_system_failure(row)]
    late = sum(row.late for row in decisions)
    # An attempt that failed and was late is bad once.
    bad = sum(row.count for row in failed) + late - sum(row.late for row in failed)
    figures = [
        LinkedCount("Decisions", total, links.attempts(*period, transient__exact="0")),
        LinkedCount(
            "Failed by LeadSwitch", sum(row.count for row in failed), links.attempts(*period, fault="system")
        ),
        LinkedCount(
            f"Later than {AVAILABILITY_DEADLINE_SECONDS} s",
            late,
            links.attempts(*period, above=AVAILABILITY_DEADLINE_SECONDS),
        ),
        link_count("Not decided yet, and late", waiting.undecided_late, links.leads(late="undecided")),
    ]
    undecided = waiting.undecided_late.number
    return _card(AVAILABILITY, bad + undecided, total + undecided, figures)


def _latency(
    decisions: Sequence[Decisions], waiting: WaitingLeads, *, period: tuple[datetime, datetime], links: Links
) -> ObjectiveCard:
    timed, slow = sum(row.timed for row in decisions), sum(row.slow for row in decisions)
    figures = [
        LinkedCount("Decisions of due leads", timed, links.attempts(*period, above=0)),
        LinkedCount(
            f"Later than {LATENCY_LIMIT_SECONDS} s",
            slow,
            links.attempts(*period, above=LATENCY_LIMIT_SECONDS),
        ),
        link_count(
            f"Not decided yet, due for over {LATENCY_LIMIT_SECONDS} s",
            waiting.undecided_slow,
            links.leads(late="slow"),
        ),
    ]
    undecided = waiting.undecided_slow.number
    return _card(LATENCY, slow + undecided, timed + undecided, figures)


def _card(objective: Objective, bad: int, total: int, figures: Sequence[LinkedCount]) -> ObjectiveCard:
    left = 1 - bad / total / objective.budget if total else None
    # With nothing left, the share of good leads is exactly the promised one.
    is_met = left is None or left >= 0
    headline, words = _describe_budget(left)
    return ObjectiveCard(
        name=objective.name,
        title=objective.title,
        period=f"last {PERIOD_DAYS} days",
        good=objective.good,
        target=f"{objective.target:.1%}",
        measured=f"{1 - bad / total:.2%}" if total else "-",
        budget_left=left,
        is_met=is_met,
        headline=headline,
        words=words,
        bar_label="budget left",
        tone=_tone(left, is_met=is_met),
        figures=figures,
    )


def _describe_budget(left: float | None) -> tuple[str, str]:
    if left is None:
        return "No decisions yet", ""
    if left >= 0:
        return f"{left:.1%}", "of the budget left"
    return "Budget spent", f"{1 - left:,.1f} times as many bad leads as allowed"


def _tone(left: float | None, *, is_met: bool) -> str:
    if left is None or left > LOW_BUDGET:
        return "good"
    return "wait" if is_met else "bad"


def _due_retries(waiting: WaitingLeads, links: Links) -> ObjectiveCard:
    due = link_count("Due now", waiting.due_retries, links.due_retries())
    left = 1 - due.number / DUE_RETRIES.limit
    is_met = due.number < DUE_RETRIES.limit
    return ObjectiveCard(
        name=DUE_RETRIES.name,
        title=DUE_RETRIES.title,
        period="now",
        good="Leads of the retry queue that could run now. Paused leads are not due.",
        target=f"under {DUE_RETRIES.limit}",
        measured=due.display,
        budget_left=left,
        is_met=is_met,
        headline=due.display,
        words="due now",
        bar_label="room left below the limit",
        tone=_tone(left, is_met=is_met),
        figures=[due],
    )
