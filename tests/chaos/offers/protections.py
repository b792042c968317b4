"""The protections of offers that can be removed, in the suite's own processes. The product has no switch for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tests.chaos.protections import _cut, _reconciler

# Without the offer's own count, which a constraint keeps within its places.
NO_COUNT: Final = "UPDATE distribution_offer SET claims = claims WHERE id = %(offer)s RETURNING 1, false"


@dataclass(frozen=True, slots=True)
class Protection:
    """`second`: the fallback that works without it, if there is one."""

    remove: Callable[[], None]
    what: str
    second: str = ""


def _row_locks() -> None:
    """Two claims of one lead may run at the same time."""
    from distribution.offers import claim, places
    from routing.locks import attempts as locks

    _cut(locks, "WAIT_FOR_LEAD", "FOR NO KEY UPDATE")
    _cut(locks, "LOCK_LEAD", "FOR NO KEY UPDATE OF l SKIP LOCKED")
    _cut(places, "LOCK", "FOR NO KEY UPDATE OF o, b")
    assert claim.wait_for_lead is not locks.wait_for_lead  # the probe's, which calls it


def _count_of_claims() -> None:
    """A claim is written even if the offer or the lead has ended."""
    from distribution.offers import ending
    from routing.leads import finish

    ending.CLAIMED = NO_COUNT  # type: ignore[misc] # that is how it is taken away
    _cut(finish, "CLOSE_CLAIM", "AND status = 'offered' AND attempts = %(attempts)s - 1")


def _repeated_claim() -> None:
    """The winner's repeated claim is treated as another buyer's."""
    from distribution.offers import claim

    read = claim._read_end

    def forgotten(place: Any, *, at: Any) -> Any:
        return read(replace(place, assignment_id=None), at=at)

    claim._read_end = forgotten


PROTECTIONS: Final[Mapping[str, Protection]] = {
    "offer-locks": Protection(
        _row_locks, "the row locks of a claim on the lead and the offer", second="count-of-claims"
    ),
    "count-of-claims": Protection(_count_of_claims, "the offer's count and the lead's state, compared"),
    "repeated-claim": Protection(_repeated_claim, "the look whether this buyer has claimed it before"),
    "closing-again": Protection(_reconciler, "every reconciler: a killed worker's lead is not requeued"),
}
# Each of these has its own run. The others are their fallbacks.
ALONE: Final = ("offer-locks", "repeated-claim", "closing-again")
