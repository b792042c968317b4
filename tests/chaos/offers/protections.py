"""The protections of offers that can be removed, in the suite's own processes. The product has no switch for it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from tests.chaos.protections import PartProtection, cut, remove_reconcilers

# Without the offer's own count, which a constraint keeps within its places.
NO_COUNT: Final = "UPDATE distribution_offer SET claims = claims WHERE id = %(offer)s RETURNING 1, false"


def _row_locks() -> None:
    """Two claims of one lead may run at the same time."""
    from distribution.offers import claim, places
    from routing.locks import attempts as locks

    cut(locks, "WAIT_FOR_LEAD", "FOR NO KEY UPDATE")
    cut(locks, "LOCK_LEAD", "FOR NO KEY UPDATE OF l SKIP LOCKED")
    cut(places, "LOCK", "FOR NO KEY UPDATE OF o, b")
    assert claim.wait_for_lead is not locks.wait_for_lead  # the probe's, which calls it


def _count_of_claims() -> None:
    """A claim is written even if the offer or the lead has ended."""
    from distribution.offers import ending
    from routing.leads import finish

    ending.CLAIMED = NO_COUNT  # type: ignore[misc] # that is how it is taken away
    cut(finish, "CLOSE_CLAIM", "AND status = 'offered' AND attempts = %(attempts)s - 1")


def _repeated_claim() -> None:
    """The winner's repeated claim is treated as another buyer's."""
    from distribution.offers import claim

    read = claim._read_end

    def forgotten(place: Any, *, at: Any) -> Any:
        return read(replace(place, assignment_id=None), at=at)

    claim._read_end = forgotten


PROTECTIONS: Final[Mapping[str, PartProtection]] = {
    "offer-locks": PartProtection(
        _row_locks, "the row locks of a claim on the lead and the offer", second="count-of-claims"
    ),
    "count-of-claims": PartProtection(_count_of_claims, "the offer's count and the lead's state, compared"),
    "repeated-claim": PartProtection(_repeated_claim, "the look whether this buyer has claimed it before"),
    "closing-again": PartProtection(
        remove_reconcilers, "every reconciler: a killed worker's lead is not requeued"
    ),
}
# Each of these has its own run. The others are their fallbacks.
ALONE: Final = ("offer-locks", "repeated-claim", "closing-again")
