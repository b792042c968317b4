"""When an unsold lead is tried again: pure, in numbers."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.retry import Backoff, Backoffs, NextStep, Tries, delay_after, next_step
from tracing.skip_reasons import RetryClass

AFTER_CONFLICT = Backoff(timedelta(milliseconds=100), timedelta(seconds=30))
AFTER_ERROR = Backoff(timedelta(minutes=1), timedelta(hours=1))
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
EXPIRES_AT = AT + timedelta(days=90)
NO_TRIES = Tries()
LIMITS = Tries(conflicts=20, errors=3)
TRANSIENT, ERROR, DEFERRED, PERMANENT = (
    RetryClass.TRANSIENT,
    RetryClass.ERROR,
    RetryClass.DEFERRED,
    RetryClass.PERMANENT,
)


@dataclass(frozen=True)
class TriedLead:
    tries: Tries = NO_TRIES
    limits: Tries = LIMITS
    expires_at: datetime = EXPIRES_AT


def step(
    retry_class: RetryClass, *, retry_at: datetime | None = None, is_urgent: bool = False, **changes: Any
) -> NextStep:
    return next_step(
        TriedLead(**changes),
        retry_class=retry_class,
        retry_at=retry_at,
        at=AT,
        backoffs=Backoffs(AFTER_CONFLICT, AFTER_ERROR),
        seed=7,
        is_urgent=is_urgent,
    )


def retry(tries: Tries, delay: timedelta) -> NextStep:
    return NextStep("retry", AT + delay, tries)


@pytest.mark.parametrize(
    ("tries", "base_ms"),
    [(1, 100), (2, 200), (3, 400), (5, 1_600), (9, 25_600), (10, 30_000), (20, 30_000), (10_000, 30_000)],
)
def test_after_a_conflict_the_delay_doubles_from_100_ms_to_30_s(tries: int, base_ms: int) -> None:
    assert_spread(tries, AFTER_CONFLICT, base=timedelta(milliseconds=base_ms))


@pytest.mark.parametrize(
    ("tries", "minutes"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (20, 60), (10_000, 60)]
)
def test_after_an_error_the_delay_doubles_from_a_minute_to_an_hour(tries: int, minutes: int) -> None:
    assert_spread(tries, AFTER_ERROR, base=timedelta(minutes=minutes))


def assert_spread(tries: int, backoff: Backoff, *, base: timedelta) -> None:
    """Never early, and spread over the length of the delay itself."""
    delays = [delay_after(tries, backoff, seed=seed) for seed in range(300)]

    assert all(base <= delay < 2 * base for delay in delays)
    assert max(delays) - min(delays) > 0.95 * base
    assert len(set(delays)) > 290


def test_delay_repeats_for_the_same_attempt() -> None:
    assert delay_after(4, AFTER_ERROR, seed=2**48 - 1) == delay_after(4, AFTER_ERROR, seed=2**48 - 1)


def test_conflict_is_due_again_soon() -> None:
    assert step(TRANSIENT) == retry(Tries(conflicts=1), delay_after(1, AFTER_CONFLICT, seed=7))
    assert step(TRANSIENT, tries=Tries(conflicts=5)) == retry(
        Tries(conflicts=6), delay_after(6, AFTER_CONFLICT, seed=7)
    )


def test_error_is_due_again_after_at_least_a_minute() -> None:
    assert step(ERROR) == retry(Tries(errors=1), delay_after(1, AFTER_ERROR, seed=7))
    assert step(ERROR, tries=Tries(errors=1)) == retry(Tries(errors=2), delay_after(2, AFTER_ERROR, seed=7))


def test_conflicts_end_after_a_maximum() -> None:
    """No lead is retried forever."""
    assert step(TRANSIENT, tries=Tries(conflicts=18)).result == "retry"
    for tries in (19, 20):
        assert step(TRANSIENT, tries=Tries(conflicts=tries)) == NextStep(
            "failed", None, Tries(conflicts=tries + 1)
        )
    assert step(TRANSIENT, limits=Tries(1, 3)) == NextStep("failed", None, Tries(conflicts=1))


def test_errors_end_after_the_workspaces_maximum() -> None:
    assert step(ERROR, tries=Tries(errors=2)) == NextStep("failed", None, Tries(errors=3))
    assert step(ERROR, limits=Tries(20, 1)) == NextStep("failed", None, Tries(errors=1))


def test_each_kind_is_counted_separately() -> None:
    """Two conflicts are no reason to give up at the first error, and the reverse."""
    mixed = Tries(conflicts=19, errors=1)
    assert step(ERROR, tries=mixed) == retry(Tries(19, 2), delay_after(2, AFTER_ERROR, seed=7))
    assert step(TRANSIENT, tries=Tries(0, 2)).result == "retry"
    assert step(TRANSIENT, tries=Tries(0, 2)).tries == Tries(1, 2)


@pytest.mark.parametrize("retry_at", [None, AT + timedelta(hours=1)])
def test_any_other_result_resets_both(retry_at: datetime | None) -> None:
    for retry_class in (DEFERRED, PERMANENT):
        assert step(retry_class, retry_at=retry_at, tries=Tries(5, 2)).tries == Tries()


def test_deferred_lead_is_due_exactly_then_however_often() -> None:
    then = AT + timedelta(hours=3, microseconds=1)
    assert step(DEFERRED, retry_at=then) == NextStep("deferred", then)
    assert step(DEFERRED, retry_at=then, tries=Tries(19, 2)) == NextStep("deferred", then)


def test_deferral_without_a_time_needs_a_person() -> None:
    """A registry's usual class may be deferred where the engine found no time: a lead never waits without a time."""
    assert step(DEFERRED) == NextStep("unsold", None)


def test_permanent_needs_a_person() -> None:
    assert step(PERMANENT) == NextStep("unsold", None)
    assert step(PERMANENT, retry_at=AT + timedelta(hours=1)) == NextStep("unsold", None)


def test_retry_is_not_later_than_expiry() -> None:
    soon = AT + timedelta(milliseconds=50)
    assert step(TRANSIENT, expires_at=soon).due_at == soon
    assert step(ERROR, expires_at=soon).due_at == soon
    assert step(DEFERRED, retry_at=EXPIRES_AT + timedelta(days=1)) == NextStep("deferred", EXPIRES_AT)


def test_error_of_an_urgent_lead_is_due_again_after_a_second_and_takes_six_more_tries() -> None:
    """Seconds double up to the minute of the usual schedule, and then it goes on as that."""
    urgent = Backoff(timedelta(seconds=1), AFTER_ERROR.longest)
    for errors in range(8):
        assert step(ERROR, tries=Tries(errors=errors), is_urgent=True) == retry(
            Tries(errors=errors + 1), delay_after(errors + 1, urgent, seed=7)
        )
    assert step(ERROR, tries=Tries(errors=8), is_urgent=True) == NextStep("failed", None, Tries(errors=9))


@pytest.mark.parametrize("retry_class", [TRANSIENT, DEFERRED, PERMANENT])
def test_other_ends_of_an_urgent_lead_are_as_usual(retry_class: RetryClass) -> None:
    at = AT + timedelta(hours=1)
    assert step(retry_class, retry_at=at, is_urgent=True) == step(retry_class, retry_at=at)
