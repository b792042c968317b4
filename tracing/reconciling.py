"""What the reconcilers of every app share. A reconciler compares PostgreSQL with the data derived from it, and
repairs the difference.

find -> decide -> repair, in batches: a finished batch stays done, even if a later one fails.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol, TypeVar

logger = logging.getLogger(__name__)

# Below the soft time limit of a task.
LONGEST_RUN_SECONDS: Final = 90.0
MAX_NAMED: Final = 100

Place = TypeVar("Place")


@dataclass(frozen=True, slots=True)
class Counts:
    """`checked`: rows read. Of the wrong rows, `repaired` were corrected and `skipped` were not: the run
    was without `fix`, another transaction had them locked, or a person must decide.

    `named`: the first MAX_NAMED of them, "lead 7" or "wallet 3".
    """

    checked: int = 0
    repaired: int = 0
    skipped: int = 0
    named: tuple[str, ...] = field(default=(), compare=False)

    @property
    def found(self) -> int:
        return self.repaired + self.skipped

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.checked + other.checked,
            self.repaired + other.repaired,
            self.skipped + other.skipped,
            (self.named + other.named)[:MAX_NAMED],
        )


def name_rows(kind: str, ids: Iterable[int]) -> tuple[str, ...]:
    """Return names such as "lead 7", at most MAX_NAMED."""
    return tuple(f"{kind} {each}" for each in islice(ids, MAX_NAMED))


class Run(Protocol):
    """A reconciler's one function. Without `fix` it writes nothing. It checks at most `limit` rows.

    Runs of one name do not overlap (routing.locks.owned_lock), but each repair must be right even if they did.
    """

    def __call__(self, *, fix: bool, limit: int) -> Counts: ...


def in_batches(
    step: Callable[[Place | None, int], tuple[Counts, Place | None]], *, limit: int, size: int
) -> Counts:
    """Call `step(after, count)` for each batch, starting where the last one ended, and add up the counts.

    A step returns where it ended; None if no row is left. `limit`: the most rows that are checked. Ends early,
    with a warning, after LONGEST_RUN_SECONDS.
    """
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    total, after = Counts(), None
    while total.checked < limit:
        counts, after = step(after, min(size, limit - total.checked))
        total += counts
        if after is None:
            break
        if time.monotonic() > deadline:
            logger.warning("reconcile.cut_short", extra={"checked": total.checked})
            break
    return total
