"""When values of the exporter are shown, and when a pass counts as failed."""

from typing import TYPE_CHECKING

import pytest

from leadswitch.levels.exporter import refresher, run
from leadswitch.levels.exporter.collector import LatestValues
from leadswitch.levels.exporter.refresher import MOST_FAILURES, PASS_SECONDS, Refresher
from leadswitch.levels.exporter.run import wait_for_first_passes
from leadswitch.levels.exporter.series import CollectorRow, Series, Values

if TYPE_CHECKING:
    from collections.abc import Callable

THINGS = Series("leadswitch_things", "Things.")
BY_KIND = Series("leadswitch_kinds", "Things by kind.", "kind")
UP = Series("leadswitch_things_up", "1 if things were read.")
PERIOD_SECONDS = 10.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Things:
    """What a collector reads: values, or an error."""

    def __init__(self) -> None:
        self.reads = 0
        self.error: Exception | None = None
        self.during: Callable[[], None] = lambda: None

    def read(self) -> Values:
        self.reads += 1
        self.during()
        if self.error is not None:
            raise self.error
        return {THINGS: self.reads, BY_KIND: {"a": 2.0}}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(refresher, "monotonic", found)
    return found


@pytest.fixture
def things() -> Things:
    return Things()


@pytest.fixture
def refreshed(clock: Clock, things: Things) -> Refresher:  # noqa: ARG001 - the refresher must read this clock
    """It has not started: `run_pass` runs one pass."""
    row = CollectorRow("things", (THINGS, BY_KIND), things.read, answers=UP)
    return Refresher(row, period_seconds=PERIOD_SECONDS)


def run_pass(refreshed: Refresher, clock: Clock) -> None:
    refreshed._refresh(clock.now)


def test_nothing_is_shown_before_the_first_pass(refreshed: Refresher) -> None:
    shown = refreshed.show()
    assert (shown.is_success, shown.values, shown.duration_seconds, shown.age_seconds) == (
        False,
        None,
        None,
        None,
    )


def test_values_are_shown_with_their_age(refreshed: Refresher, clock: Clock) -> None:
    run_pass(refreshed, clock)
    clock.now += 7
    shown = refreshed.show()
    assert shown.is_success
    assert shown.values == {THINGS: 1, BY_KIND: {"a": 2.0}}
    assert shown.age_seconds == 7


def test_values_stay_after_a_failure_and_are_dropped_after_three(
    refreshed: Refresher, clock: Clock, things: Things
) -> None:
    run_pass(refreshed, clock)
    things.error = OSError("gone")
    for failures in range(1, MOST_FAILURES + 1):
        run_pass(refreshed, clock)
        shown = refreshed.show()
        assert not shown.is_success
        assert (shown.values is None) == (failures == MOST_FAILURES)
    things.error = None
    run_pass(refreshed, clock)
    assert refreshed.show().is_success
    assert refreshed.show().values is not None


def test_values_that_are_too_old_are_dropped(refreshed: Refresher, clock: Clock) -> None:
    run_pass(refreshed, clock)
    clock.now += MOST_FAILURES * PERIOD_SECONDS + PASS_SECONDS
    assert refreshed.show().values is not None
    clock.now += 0.1
    assert refreshed.show().values is None


def test_pass_that_takes_too_long_counts_as_failed_while_it_runs(
    refreshed: Refresher, clock: Clock, things: Things
) -> None:
    run_pass(refreshed, clock)
    successes = []

    def hang() -> None:
        for seconds in (PASS_SECONDS, 0.1):
            clock.now += seconds
            successes.append(refreshed.show().is_success)
            assert refreshed.show().values is not None

    things.during = hang
    run_pass(refreshed, clock)
    assert successes == [True, False]
    assert refreshed.show().is_success
    assert refreshed.show().duration_seconds == pytest.approx(PASS_SECONDS + 0.1)


def test_scrape_reads_nothing(refreshed: Refresher, clock: Clock, things: Things) -> None:
    run_pass(refreshed, clock)
    collector = LatestValues([refreshed])
    assert list(collector.describe()) == []
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in collector.collect()
        for sample in family.samples
    }
    assert things.reads == 1
    assert samples == {
        ("leadswitch_things_up",): 1,
        ("leadswitch_things",): 1,
        ("leadswitch_kinds", "a"): 2,
        ("leadswitch_exporter_collector_success", "things"): 1,
        ("leadswitch_exporter_collector_duration_seconds", "things"): 0,
        ("leadswitch_exporter_collector_age_seconds", "things"): 0,
    }


class Waited(Refresher):
    """Its first pass ends at a time, if at all. It does not start."""

    def __init__(self, clock: Clock, *, ends_at: float) -> None:
        super().__init__(CollectorRow("things", (THINGS,), dict), period_seconds=PERIOD_SECONDS)
        self.clock, self.ends_at = clock, ends_at

    def wait_for_first_pass(self, timeout_seconds: float) -> None:
        self.clock.now = max(self.clock.now, min(self.ends_at, self.clock.now + timeout_seconds))


@pytest.mark.parametrize(
    ("ends_after", "waited"),
    [
        ([1, 3, 2], 3),
        ([1, 60, 2, 60, 60], PASS_SECONDS),
        ([60] * 8, PASS_SECONDS),
    ],
)
def test_first_passes_have_one_deadline_together(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, ends_after: list[float], waited: float
) -> None:
    monkeypatch.setattr(run, "monotonic", clock)
    begun_at = clock.now
    wait_for_first_passes([Waited(clock, ends_at=begun_at + seconds) for seconds in ends_after])
    assert clock.now - begun_at == waited
