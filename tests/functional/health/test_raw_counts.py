"""Every number of the page "Health" against a count of attempts and leads in Python, without roll-up and SQL."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

import pytest
from django.test import Client
from django.utils import timezone

from leadswitch.levels.health_page.charts import PERCENTILES, STACKED
from leadswitch.levels.health_page.page import Health
from leadswitch.levels.health_page.window import DAY, HOUR
from routing.models import Lead, Workspace
from tests.support.admin_pages import client_of, person
from tests.support.attempts import add_attempt
from tests.support.factories import LeadFactory, SourceFactory
from tests.support.health_page import read_health
from tracing.models import Attempt
from tracing.reconcile import rollups
from tracing.rollups.edges import BINS, EDGES_SECONDS
from tracing.skip_reasons import SKIP_REASONS

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")
WINDOWS = ("24h", "7d", "30d")
WHO = ("root", "operator", "chosen")


class Scene:
    """The page as one user reads it, and the rows that this user may see."""

    def __init__(self, health: Health, ids: set[int]) -> None:
        self.health = health
        self.ids = ids
        self.attempts = [each for each in Attempt.objects.all() if each.destination_workspace_id in ids]
        self.leads = [
            each
            for each in Lead.objects.select_related("workspace").order_by("pk")
            if each.workspace_id in ids
        ]

    def between(self, start: datetime, end: datetime) -> list[Attempt]:
        return [each for each in self.attempts if start <= each.started_at < end]

    @property
    def in_window(self) -> list[Attempt]:
        return self.between(self.health.window.start, self.health.window.end)

    @property
    def in_period(self) -> list[Attempt]:
        """The 30 days of the objectives, without attempts that decide nothing."""
        start = midnight(self.health.at) - timedelta(days=29)
        return [each for each in self.between(start, start + 30 * DAY) if each.result != "retry"]

    @property
    def due(self) -> list[Lead]:
        """Pending leads that could run: due and not paused."""
        return [
            each
            for each in self.leads
            if each.status == "pending" and each.paused_at is None and each.workspace.paused_at is None
            if each.next_attempt_at is not None and each.next_attempt_at <= self.health.at
        ]

    def is_first_decision(self, attempt: Attempt) -> bool:
        decisions = [
            each.number
            for each in self.attempts
            if each.lead_id == attempt.lead_id and each.result != "retry"
        ]
        return attempt.result != "retry" and attempt.number == min(decisions)

    def counted(self, label: str) -> int:
        """The only number of the page with this label."""
        [number] = {
            figure.number
            for card in self.health.cards
            for figure in card.figures
            if figure.label.startswith(label)
        }
        return number


def midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def waits(attempts: Sequence[Attempt]) -> list[float]:
    """Seconds from due to decided."""
    return [
        (each.finished_at - each.due_at).total_seconds()
        for each in attempts
        if each.due_at is not None and each.result != "retry"
    ]


def in_bins(seconds: Sequence[float]) -> list[int]:
    found = Counter(
        next((at for at, edge in enumerate(EDGES_SECONDS) if each <= edge), BINS - 1) for each in seconds
    )
    return [found[place] for place in range(BINS)]


def is_near(shown: float | None, seconds: Sequence[float], share: float) -> bool:
    """Whether a percentile is in the bin of the exact one."""
    if not seconds:
        return shown is None
    exact = sorted(seconds)[ceil(share * len(seconds)) - 1]
    low = max((edge for edge in EDGES_SECONDS if edge < exact), default=0.0)
    high = min((edge for edge in EDGES_SECONDS if edge >= exact), default=EDGES_SECONDS[-1])
    return shown is not None and low <= shown <= high


@pytest.fixture(params=[(who, window) for who in WHO for window in WINDOWS], ids="-".join)
def scene(request: pytest.FixtureRequest, root: Client, workspaces: list[Workspace]) -> Scene:
    who, window = request.param
    add_tries_and_pauses(workspaces)
    first, second = workspaces
    client = client_of(person("operator", first)) if who == "operator" else root
    query = {"workspace": str(second.pk)} if who == "chosen" else {}
    ids = {"root": {first.pk, second.pk}, "operator": {first.pk}, "chosen": {second.pk}}[who]
    return Scene(read_health(client, window=window, **query), ids)


def add_tries_and_pauses(workspaces: list[Workspace]) -> None:
    """Leads with several attempts, and due retries of which some are paused."""
    now = timezone.now()
    for place, each in enumerate(workspaces, start=1):
        for results in (["retry", "retry", "success"], ["deferred", "unsold"], ["retry"]):
            for lead in range(place):
                for number, result in enumerate(results, start=1):
                    add_attempt(
                        now - timedelta(hours=30 - number),
                        workspace_id=each.pk,
                        lead_id=10_000 * each.pk + 10 * len(results) + lead,
                        number=number,
                        result=result,
                        due_seconds=0.3,
                        received_seconds=7.0 * number,
                        took_ms=40.0 * place,
                    )
        source = SourceFactory(workspace=each)
        due = {
            "next_attempt_at": now - timedelta(minutes=5),
            "attempts": 1,
            "skip_reason": "database_timeout",
        }
        LeadFactory(source=source, **due)
        LeadFactory(source=source, paused_at=now, **due)
    rollups.run(fix=True, limit=1_000)


def test_attempts_by_step_and_result(scene: Scene) -> None:
    health = scene.health
    results = {label: code.value for code, label in STACKED.items()}
    chart = health.charts["results"]
    shown = {}
    for label, column in zip(chart.labels, chart.columns[1:], strict=True):
        for step, number in zip(health.window.steps, column, strict=True):
            shown[step, results[label]] = number
    size = health.window.step
    counted = {
        (step, result): sum(each.result == result for each in scene.between(step, step + size))
        for step in health.window.steps
        for result in results.values()
    }
    assert {key: number for key, number in shown.items() if number} == {
        key: number for key, number in counted.items() if number
    }
    assert sum(shown.values()) == len(scene.in_window) > 0  # type: ignore[arg-type]
    assert total_of_rows(health, "results") == len(scene.in_window)


def total_of_rows(health: Health, chart: str) -> int:
    return sum(cell.number for row in health.charts[chart].rows for cell in row.cells)


def test_percentiles_of_each_step_match_the_attempts(scene: Scene) -> None:
    health = scene.health
    columns = health.charts["latency"].columns[1:]
    for column, share in zip(columns, PERCENTILES.values(), strict=True):
        for step, shown in zip(health.window.steps, column, strict=True):
            assert is_near(shown, waits(scene.between(step, step + health.window.step)), share), step
    assert sum(row.count.number for row in health.latency) == len(waits(scene.in_window))


def test_histogram_matches_the_attempts(scene: Scene) -> None:
    counted = in_bins(waits(scene.in_window))
    chart = scene.health.charts["histogram"]
    assert chart.columns[1] == counted
    assert [cell.number for row in chart.rows for cell in row.cells] == counted


def test_expired_leads_by_day(scene: Scene) -> None:
    chart = scene.health.charts["expired"]
    last = midnight(scene.health.at)
    days = [last - timedelta(days=back) for back in reversed(range(len(chart.ticks)))]
    counted = [sum(each.result == "expired" for each in scene.between(day, day + DAY)) for day in days]
    assert list(chart.columns[1]) == counted
    assert total_of_rows(scene.health, "expired") == sum(counted) > 0


def test_times_match_the_attempts(scene: Scene) -> None:
    attempts = scene.in_window
    receipts = [
        (each.finished_at - each.received_at).total_seconds()
        for each in attempts
        if each.due_at is not None and each.received_at is not None and scene.is_first_decision(each)
    ]
    counted = [len(waits(attempts)), len(receipts), len(attempts)]
    assert [row.count.number for row in scene.health.times] == counted


def test_decisions_of_the_objectives(scene: Scene) -> None:
    attempts = scene.in_period
    failed = [each for each in attempts if is_system_failure(each)]
    late = [each for each in attempts if waits([each]) and waits([each])[0] > 60]
    slow = [each for each in attempts if waits([each]) and waits([each])[0] > 2]
    waiting = [
        (scene.health.at - each.next_attempt_at).total_seconds() for each in scene.due if each.next_attempt_at
    ]
    undecided_late, undecided_slow = (sum(each > limit for each in waiting) for limit in (60, 2))
    assert scene.counted("Decisions of due leads") == len(waits(attempts))
    assert scene.counted("Failed by LeadSwitch") == len(failed)
    assert scene.counted("Later than 60 s") == len(late)
    assert scene.counted("Later than 2 s") == len(slow)
    assert scene.counted("Not decided yet, and late") == undecided_late
    assert scene.counted("Not decided yet, due for over 2 s") == undecided_slow
    availability, latency, _ = scene.health.cards
    assert availability.figures[0].number == len(attempts)
    bad = len({each.pk for each in (*failed, *late)}) + undecided_late
    assert availability.measured == f"{1 - bad / (len(attempts) + undecided_late):.2%}"
    timed = len(waits(attempts))
    assert latency.measured == f"{1 - (len(slow) + undecided_slow) / (timed + undecided_slow):.2%}"


def is_system_failure(attempt: Attempt) -> bool:
    reason = SKIP_REASONS.get(attempt.skip_reason)
    return attempt.result == "failed" and reason is not None and reason.is_system_failure


def test_waiting_leads_match_the_rows(scene: Scene) -> None:
    health = scene.health
    retries = Counter(each.workspace.name for each in scene.due if each.attempts)
    assert {row.name: row.figure.number for row in health.retries} == retries
    assert health.cards[2].figures[0].number == sum(retries.values()) > 0
    oldest = min(scene.due, key=lambda each: (each.next_attempt_at, each.pk))
    assert health.oldest_url == f"/admin/routing/lead/{oldest.pk}/change/"
    stale = [each for each in scene.leads if each.locked_at is not None and each.locked_at < health.at - HOUR]
    assert health.stale_locks.number == len(stale)


def test_duplicates_of_each_workspace_match_the_attempts(scene: Scene) -> None:
    names = dict(Workspace.objects.values_list("pk", "name"))
    counted = Counter(
        names[each.destination_workspace_id or 0] for each in scene.in_window if each.result == "duplicate"
    )
    assert {row.name: row.figure.number for row in scene.health.duplicates} == counted


def test_every_figure_of_the_page_is_in_a_test_above(scene: Scene) -> None:
    """A new figure or chart needs a count of its own here."""
    health = scene.health
    assert set(health.charts) == {"results", "latency", "histogram", "expired"}
    assert list(labels(health)) == [
        "Decisions",
        "Failed by LeadSwitch",
        "Later than 60 s",
        "Not decided yet, and late",
        "Decisions of due leads",
        "Later than 2 s",
        "Not decided yet, due for over 2 s",
        "Due now",
        "Due to decided",
        "Receipt to first decision",
        "The attempt itself",
        "Stale locks",
    ]


def labels(health: Health) -> Iterator[str]:
    for card in health.cards:
        yield from (figure.label for figure in card.figures)
    yield from (row.count.label for row in health.times)
    yield health.stale_locks.label
