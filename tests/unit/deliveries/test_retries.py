"""Waits between tries: the schedules, their variation, and Retry-After."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.deliveries.payloads.retries import Retries, read_retry_after, wait_after
from tests.unit.deliveries.payload_leads import patient

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
LEAD = [1, 5, 15, 60, 300, 300, 300, 300, 300, 300]
EVENT = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
SCHEDULES = [(Retries.LEAD, LEAD), (Retries.EVENT, EVENT)]


@pytest.mark.parametrize(("retries", "steps"), SCHEDULES)
@patient
@given(seed=st.integers())
def test_each_wait_varies_by_a_fifth(retries: Retries, steps: list[int], seed: int) -> None:
    waits = [wait_after(retries, tries=tries, seed=seed) for tries in range(1, len(steps) + 1)]
    for wait, step in zip(waits, steps, strict=True):
        assert wait is not None
        assert 0.8 * step <= wait <= 1.2 * step
    assert waits == [wait_after(retries, tries=tries, seed=seed) for tries in range(1, len(steps) + 1)]
    assert wait_after(retries, tries=len(steps) + 1, seed=seed) is None


def test_waits_are_spread_evenly() -> None:
    """A thousand deliveries that failed together: each tenth of the range gets about a hundred."""
    for tries in (1, 2, 5):
        step = LEAD[tries - 1]
        waits = [wait_after(Retries.LEAD, tries=tries, seed=seed) or 0 for seed in range(1_000)]
        counts = [0] * 10
        for wait in waits:
            counts[min(int((wait / step - 0.8) / 0.04), 9)] += 1
        assert min(counts) > 60
        assert max(counts) < 140


def test_waits_of_one_delivery_vary_independently() -> None:
    parts = [
        [(wait_after(Retries.LEAD, tries=tries, seed=seed) or 0) / LEAD[tries - 1] > 1 for tries in (1, 2)]
        for seed in range(1_000)
    ]
    assert 400 < sum(first == second for first, second in parts) < 600


@pytest.mark.parametrize(("retries", "steps"), SCHEDULES)
@patient
@given(seconds=st.floats(0, 10**7), seed=st.integers(), data=st.data())
def test_retry_after_is_honored_within_bounds(
    retries: Retries, steps: list[int], seconds: float, seed: int, data: st.DataObject
) -> None:
    tries = data.draw(st.integers(1, len(steps)))
    step = steps[tries - 1]
    wait = wait_after(retries, tries=tries, seed=seed, retry_after_seconds=seconds)
    assert wait == (step if seconds < step else 2 * step if seconds > 2 * step else seconds)


def test_retry_after_does_not_add_a_try() -> None:
    assert wait_after(Retries.LEAD, tries=len(LEAD) + 1, seed=1, retry_after_seconds=1) is None


def test_first_try_has_no_wait() -> None:
    with pytest.raises(ValueError, match="no wait before the first try"):
        wait_after(Retries.LEAD, tries=0, seed=1)


@patient
@given(seconds=st.integers(-(10**6), 10**6))
def test_retry_after_as_a_date(seconds: int) -> None:
    text = format_datetime(AT + timedelta(seconds=seconds), usegmt=True)
    assert read_retry_after(text, at=AT) == max(seconds, 0)


@patient
@given(seconds=st.integers(0, 10**6))
def test_retry_after_in_seconds(seconds: int) -> None:
    assert read_retry_after(f" {seconds} ", at=AT) == seconds


@pytest.mark.parametrize(
    "text", ["", "-1", "soon", "1.5", "٣", "Sat, 99 Jan 2026", "Sat, 31 Jan 99999 12:00:00 GMT"]
)
def test_other_text_is_ignored(text: str) -> None:
    assert read_retry_after(text, at=AT) is None


def test_retry_after_is_bounded() -> None:
    assert read_retry_after("9" * 400, at=AT) == 30 * 24 * 3600
    assert read_retry_after("Sat, 31 Jan 9999 12:00:00 GMT", at=AT) == 30 * 24 * 3600


@patient
@given(st.text(max_size=40))
def test_no_text_raises(text: str) -> None:
    seconds = read_retry_after(text, at=AT)
    assert seconds is None or 0 <= seconds <= 30 * 24 * 3600
