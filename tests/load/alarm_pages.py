"""What the drill of the alarm saw, and how it judges that. Pure."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rich import box
from rich.table import Table

from leadswitch.levels.alerts.alert import Alert, Job, Severity
from leadswitch.levels.alerts.rows import ALERTS
from leadswitch.levels.objectives import AVAILABILITY

PASSED, NOT_PASSED, NOT_RUN = 0, 1, 2
LIMIT_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Notice:
    """A firing alert in a notification that arrived. `at`: seconds of time.monotonic()."""

    receiver: str
    title: str
    runbook_url: str
    at: float


@dataclass(frozen=True, slots=True)
class Page:
    """An alert that pages. `fired` in Prometheus and `received` by the pager: seconds after the kill; None: not yet."""

    title: str
    fired: float | None = None
    received: float | None = None
    runbook_url: str = ""


@dataclass(slots=True)
class PageLog:
    """Pages that are new after the kill, in the order in which they arrived. `before`: titles that paged before it."""

    killed_at: float
    before: Set[str]
    pages: dict[str, Page] = field(default_factory=dict)

    def add_firing(self, titles: Iterable[str], *, at: float) -> list[Page]:
        """Returns those that are new."""
        return [
            self._put(title, fired=at - self.killed_at) for title in titles if self._lacks(title, "fired")
        ]

    def add_notices(self, notices: Iterable[Notice]) -> list[Page]:
        """Returns those that are new. A notification from before the kill is not one."""
        return [
            self._put(each.title, received=each.at - self.killed_at, runbook_url=each.runbook_url)
            for each in notices
            if each.at >= self.killed_at and self._lacks(each.title, "received")
        ]

    def has_received(self, title: str) -> bool:
        return title in self.pages and self.pages[title].received is not None

    def _lacks(self, title: str, time: str) -> bool:
        return title not in self.before and getattr(self.pages.get(title), time, None) is None

    def _put(self, title: str, **seen: Any) -> Page:
        page = self.pages[title] = replace(self.pages.get(title, Page(title)), **seen)
        return page


@dataclass(frozen=True, slots=True)
class Verdict:
    """`code`: the exit code of the drill."""

    code: int
    reason: str


def find_required(*, dispatcher_decides: bool) -> Alert:
    """The alert that must page. While a dispatcher decides leads, availability is met, and the workers are absent."""
    if dispatcher_decides:
        [absent] = (each for each in ALERTS if each.kind == f"{Job.WORKER}-absent")
        return absent
    pages = (each for each in ALERTS if each.kind == AVAILABILITY.name and each.severity is Severity.PAGE)
    return next(pages)  # the same alert has a row for each pair of windows


def title_of(labels: Mapping[str, str]) -> str:
    """Absent jobs share the name of their alert, so the job is in the title."""
    return f"{labels['alertname']} ({labels['job']})" if "job" in labels else labels["alertname"]


def title_of_row(alert: Alert) -> str:
    return title_of({"alertname": alert.name, **alert.labels})


def judge(log: PageLog, *, required: Alert) -> Verdict:
    """Another page than the required one does not count, however soon it comes."""
    title = title_of_row(required)
    if title in log.before:
        return Verdict(NOT_RUN, f"{title} paged before the kill, so this run shows nothing")
    page = log.pages.get(title, Page(title))
    if not _is_in_time(page.fired):
        return Verdict(NOT_PASSED, f"{title} did not fire within {LIMIT_SECONDS:.0f} s of the kill")
    if not _is_in_time(page.received):
        return Verdict(
            NOT_PASSED, f"{title} did not reach the receiver within {LIMIT_SECONDS:.0f} s of the kill"
        )
    if not page.runbook_url.endswith(f"/{required.runbook}.md"):
        link = page.runbook_url or "no link"
        return Verdict(NOT_PASSED, f"{title} came with {link} in place of its runbook {required.runbook}.md")
    return Verdict(
        PASSED,
        f"{title} reached the receiver {show_seconds(page.received)} after the kill, with its runbook",
    )


def _is_in_time(seconds: float | None) -> bool:
    return seconds is not None and seconds <= LIMIT_SECONDS


def show_pages(log: PageLog) -> Table:
    table = Table(box=box.ASCII2)
    for name in ("alert", "fired after", "received after", "runbook"):
        table.add_column(name, justify="right" if name.endswith("after") else "left", overflow="fold")
    for title in sorted(log.before):
        table.add_row(title, "before the kill", "", "")
    for page in log.pages.values():
        table.add_row(page.title, show_seconds(page.fired), show_seconds(page.received), page.runbook_url)
    return table


def show_seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.0f} s"
