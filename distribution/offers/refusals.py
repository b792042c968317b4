"""Why a claim is refused. A refusal says when the offer ended, never by whom."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from distribution.engine import Skip

MILLISECOND: Final = timedelta(milliseconds=1)


class OfferNotFound(Exception):
    """There is no such offer for this buyer, or it is not shown to it yet."""


class ClaimRefused(Exception):
    """The claim was refused and charged nothing. `reason`: what is stored about it."""

    code: ClassVar[str]

    def __init__(self, message: str, *, at: datetime) -> None:
        super().__init__(message)
        self.message, self.at = message, at

    @property
    def reason(self) -> str:
        return self.code

    @property
    def late_ms(self) -> int | None:
        return None

    @property
    def gates(self) -> Sequence[dict[str, Any]]:
        """The gates that refused it, as a skipped buyer has them."""
        return ()


class OfferEnded(ClaimRefused):
    """The claim came after the end of the offer, by `late_ms`."""

    def __init__(self, message: str, *, at: datetime, ended_at: datetime) -> None:
        super().__init__(message, at=at)
        self.ended_at = ended_at

    @property
    def late_ms(self) -> int | None:
        return max(0, (self.at - self.ended_at) // MILLISECOND)


class Taken(OfferEnded):
    """Other buyers claimed the lead first."""

    code = "taken"


class WindowOver(OfferEnded):
    """The time of the offer is over, or the lead ended in another way."""

    code = "window_over"


class SellingPaused(ClaimRefused):
    """The lead's workspace, its campaign or the product is paused. The claim may be repeated."""

    code = "paused"


class NotEligible(ClaimRefused):
    """The buyer does not pass all gates now. `skip`: those that it failed; None: it is no longer enrolled."""

    code = "not_eligible"

    def __init__(self, message: str, *, at: datetime, skip: Skip | None) -> None:
        super().__init__(message, at=at)
        self.skip = skip

    @property
    def reason(self) -> str:
        return self.skip.reason if self.skip else self.code

    @property
    def gates(self) -> Sequence[dict[str, Any]]:
        return self.skip.gates if self.skip else ()


class ClaimBusy(Exception):
    """The buyer is being charged for other leads, or the lead is locked. The claim may be repeated at once."""
