"""When an unsold lead is tried again: pure, in numbers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.retry import FIRST_DELAY_MS, LONGEST_DELAY_MS, NextStep, next_step, transient_delay
from tracing.vocabulary import RetryClass

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
EXPIRES_AT = AT + timedelta(days=90)


def step(retry_class: RetryClass, **changes: Any) -> NextStep:
    values: dict[str, Any] = {
        "retry_at": None,
        "at": AT,
        "attempts": 1,
        "max_transient": 20,
        "expires_at": EXPIRES_AT,
        "seed": 7,
    }
    return next_step(retry_class=retry_class, **{**values, **changes})


@pytest.mark.parametrize(
    ("attempts", "base_ms"),
    [(1, 100), (2, 200), (3, 400), (5, 1_600), (9, 25_600), (10, 30_000), (20, 30_000), (10_000, 30_000)],
)
def test_the_delay_doubles_up_to_its_longest_with_positive_jitter(attempts: int, base_ms: int) -> None:
    """PITFALLS 27: never early, and spread over as much again as the delay itself."""
    delays = [transient_delay(attempts, seed=seed) / timedelta(milliseconds=1) for seed in range(300)]

    assert all(base_ms <= delay < 2 * base_ms for delay in delays)
    assert max(delays) - min(delays) > 0.95 * base_ms
    assert len(set(delays)) > 290


def test_the_delay_repeats_for_the_same_attempt() -> None:
    assert transient_delay(4, seed=2**48 - 1) == transient_delay(4, seed=2**48 - 1)
    assert (FIRST_DELAY_MS, LONGEST_DELAY_MS) == (100, 30_000)


def test_transient_is_due_again_shortly() -> None:
    assert step(RetryClass.TRANSIENT) == NextStep("retry", AT + transient_delay(1, seed=7))
    assert step(RetryClass.TRANSIENT, attempts=6) == NextStep("retry", AT + transient_delay(6, seed=7))


def test_transient_ends_after_so_many_attempts() -> None:
    """PITFALLS 35 and 47: nothing is retried for ever."""
    assert step(RetryClass.TRANSIENT, attempts=19).result == "retry"
    assert step(RetryClass.TRANSIENT, attempts=20) == NextStep("failed", None)
    assert step(RetryClass.TRANSIENT, attempts=21) == NextStep("failed", None)
    assert step(RetryClass.TRANSIENT, max_transient=1) == NextStep("failed", None)


def test_deferred_is_due_exactly_then_however_often() -> None:
    then = AT + timedelta(hours=3, microseconds=1)
    assert step(RetryClass.DEFERRED, retry_at=then) == NextStep("deferred", then)
    assert step(RetryClass.DEFERRED, retry_at=then, attempts=5_000) == NextStep("deferred", then)


def test_a_deferral_without_a_time_needs_a_person() -> None:
    """A registry's usual class may say deferred where the engine found no time: never due at no time (PITFALLS 36)."""
    assert step(RetryClass.DEFERRED) == NextStep("unsold", None)


def test_permanent_needs_a_person() -> None:
    assert step(RetryClass.PERMANENT) == NextStep("unsold", None)
    assert step(RetryClass.PERMANENT, retry_at=AT + timedelta(hours=1)) == NextStep("unsold", None)


def test_nothing_is_due_after_it_expires() -> None:
    soon = AT + timedelta(milliseconds=50)
    assert step(RetryClass.TRANSIENT, expires_at=soon) == NextStep("retry", soon)
    assert step(RetryClass.DEFERRED, retry_at=EXPIRES_AT + timedelta(days=1)) == NextStep(
        "deferred", EXPIRES_AT
    )
