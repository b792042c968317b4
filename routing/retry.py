"""When a lead that was not sold is tried again. Pure: time and randomness come in.

Two schedules. A conflict over locks ends soon: by default 100 ms doubling to 30 s. A failure of the product
may need a person: by default 1 min doubling to 1 h, and only a few times. Each counts its own attempts in a row.

An urgent lead cannot wait a minute: its offer is over, and nobody can claim it. Its first retries after an error come
sooner, from 1 s doubling up to the first delay of that schedule, and count beside the others.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final, Protocol

from tracing.skip_reasons import RetryClass


@dataclass(frozen=True, slots=True)
class Backoff:
    first: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Backoffs:
    after_conflict: Backoff
    after_error: Backoff


# The first delay after an error of an urgent lead.
URGENT: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Tries:
    """Attempts in a row that ended in a conflict or an error. Any other end sets both back to 0."""

    conflicts: int = 0
    errors: int = 0


class RetriedLead(Protocol):
    """What a lead says of its tries: those before the attempt, those after which it is parked, and when it expires."""

    @property
    def tries(self) -> Tries: ...

    @property
    def limits(self) -> Tries: ...

    @property
    def expires_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class NextStep:
    """The lead's next state: due again at `due_at`, or parked as failed when that is None."""

    result: str
    due_at: datetime | None
    tries: Tries = Tries()


def delay_after(tries: int, backoff: Backoff, *, seed: int) -> timedelta:
    """Delay before retry number `tries` (1 for the first): doubling up to the longest, plus up to as much again.

    The jitter is only positive, so that nothing starts early, and grows with the delay, so that leads which met in one
    conflict do not meet in the next.
    """
    base = min(backoff.first * (1 << min(tries, 20) - 1), backoff.longest)
    # Seeded by the attempt: a repeat of the same attempt gives the same delay.
    jitter = Random(seed).random()  # noqa: S311 - spreads retries, protects nothing
    return base * (1 + jitter)


def next_step(
    lead: RetriedLead,
    *,
    retry_class: RetryClass,
    retry_at: datetime | None,
    at: datetime,
    backoffs: Backoffs,
    seed: int,
    is_urgent: bool = False,
) -> NextStep:
    """Decide what follows an unsold attempt of the lead, as it was before the attempt.

    A due time is never after the lead's expiry: it comes up then, and ends as expired.
    """
    if retry_class is RetryClass.DEFERRED and retry_at is not None:
        return NextStep("deferred", min(retry_at, lead.expires_at))
    tries, limits = lead.tries, lead.limits
    if retry_class is RetryClass.TRANSIENT:
        tries = replace(tries, conflicts=tries.conflicts + 1)
        done, most, backoff = tries.conflicts, limits.conflicts, backoffs.after_conflict
    elif retry_class is RetryClass.ERROR:
        tries = replace(tries, errors=tries.errors + 1)
        done, most, backoff = tries.errors, limits.errors, backoffs.after_error
        if is_urgent:
            most, backoff = _hurry(most, backoff)
    else:
        return NextStep("unsold", None)
    if done >= most:
        return NextStep("failed", None, tries)
    return NextStep("retry", min(at + delay_after(done, backoff, seed=seed), lead.expires_at), tries)


def _hurry(most: int, backoff: Backoff) -> tuple[int, Backoff]:
    """Begin at URGENT, with as many more tries as it takes to double up to the usual first delay."""
    more, delay = 0, URGENT
    while delay < backoff.first:
        more, delay = more + 1, delay * 2
    return most + more, Backoff(min(URGENT, backoff.first), backoff.longest)
