"""The registry of skip reasons: why a lead, or one buyer, was skipped. Its rows: lead_reasons and buyer_reasons."""

from types import MappingProxyType
from typing import Final

from tracing.buyer_reasons import BUYER_REASONS
from tracing.lead_reasons import LEAD_REASONS
from tracing.reason_types import Fixer, Level, RetryClass, SkipReason

__all__ = [
    "OF_OFFERS",
    "SKIP_REASONS",
    "Fixer",
    "Level",
    "RetryClass",
    "SkipReason",
    "UnknownCode",
    "find_skip_reason",
]

# Why a buyer that was shown an offer did not get its lead. They follow from its place in the offer: no event has them.
OF_OFFERS: Final = frozenset(
    {
        *("offer_not_claimed", "claim_lost", "claim_late", "claim_paused", "claim_not_enrolled"),
        *("offer_not_seen", "offer_withdrawn"),
    }
)
SKIP_REASONS = MappingProxyType({reason.code: reason for reason in (*LEAD_REASONS, *BUYER_REASONS)})


class UnknownCode(ValueError):
    """There is no such reason, or not at that level."""


def find_skip_reason(code: str, *, level: Level) -> SkipReason:
    """Return the reason registered for `code` at `level`. Raises UnknownCode."""
    reason = SKIP_REASONS.get(code)
    if reason is None or level not in reason.levels:
        message = f"{code!r} is not a skip reason of {level} level"
        raise UnknownCode(message)
    return reason
