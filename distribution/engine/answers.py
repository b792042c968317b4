"""Whether a buyer answered an onboarding question."""

from typing import Any, Final

_BLANK: Final[tuple[Any, ...]] = (None, "", [])


def is_answered(answer: Any) -> bool:
    """An unanswered question restricts nothing, unless it is required."""
    return answer not in _BLANK
