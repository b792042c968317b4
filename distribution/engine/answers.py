"""Whether a buyer answered an onboarding question."""

from typing import Any, Final

_BLANK: Final[tuple[Any, ...]] = (None, "", [])


def is_answered(answer: Any) -> bool:
    """A question that is not answered restricts nothing, unless it is required."""
    return answer not in _BLANK
