"""When a lead that was not sold is tried again. Pure: time and randomness come in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from tracing.vocabulary import RetryClass

FIRST_DELAY_MS: Final = 100
LONGEST_DELAY_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class NextStep:
    """The lead's next state: due again at `due_at`, or parked as failed when that is None."""

    result: str
    due_at: datetime | None


def transient_delay(attempts: int, *, seed: int) -> timedelta:
    """Delay before retry number `attempts` (1 for the first): 100 ms doubling to 30 s, plus up to as much again.

    The jitter is only positive, so that nothing starts early, and grows with the delay, so that leads which met in one
    conflict do not meet in the next.
    """
    base_ms = min(FIRST_DELAY_MS * 2 ** (min(attempts, 20) - 1), LONGEST_DELAY_MS)
    # Seeded by the attempt: a repeat of the same attempt gives the same delay.
    jitter = Random(seed).random()  # noqa: S311 - spreads retries, protects nothing
    return timedelta(milliseconds=base_ms * (1 + jitter))


def next_step(
    *,
    retry_class: RetryClass,
    retry_at: datetime | None,
    at: datetime,
    attempts: int,
    max_transient: int,
    expires_at: datetime,
    seed: int,
) -> NextStep:
    """Decide what follows an unsold attempt. `attempts` counts the finished ones, this one included.

    A due time is never after the lead's expiry: it comes up then, and ends as expired.
    """
    if retry_class is RetryClass.TRANSIENT and attempts < max_transient:
        return NextStep("retry", min(at + transient_delay(attempts, seed=seed), expires_at))
    if retry_class is RetryClass.DEFERRED and retry_at is not None:
        return NextStep("deferred", min(retry_at, expires_at))
    return NextStep("failed" if retry_class is RetryClass.TRANSIENT else "unsold", None)
