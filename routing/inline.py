"""Has a new lead decided while its sender waits. Who decides lives in a higher app: a hook named in the settings."""

import logging
from collections.abc import Sequence
from typing import Any, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from routing import metrics
from routing.handon import hand_on
from routing.queries import LeadState, read_due_times, read_lead_state

logger = logging.getLogger(__name__)


class Outcome(Protocol):
    """What the hook returns, as far as intake reads it."""

    @property
    def result(self) -> str: ...
    @property
    def assignments(self) -> Sequence[Any]: ...


class DecideHook(Protocol):
    def __call__(self, lead_id: int, /, *, seconds: float) -> Outcome: ...


def decide_inline(lead_id: int, *, seconds: float) -> tuple[LeadState, int | None]:
    """Have the lead decided within so many seconds. Returns what it is then, and to how many buyers it was sold.

    The lead is stored already: whatever fails here, it is still due, and the workers are told.
    """
    outcome = _decide(lead_id, seconds=seconds)
    state = read_lead_state(lead_id)
    if state.status == "pending":
        hand_on(read_due_times([lead_id]))
    # An attempt whose trace could not be written still has its outcome.
    buyers = len(outcome.assignments) if outcome is not None and outcome.result else state.buyers
    return state, buyers


def _decide(lead_id: int, *, seconds: float) -> Outcome | None:
    try:
        hook = cast("DecideHook", import_string(settings.LEADSWITCH_DECIDE_HOOK))
        return hook(lead_id, seconds=seconds)
    except Exception as error:  # noqa: BLE001 - the one place that keeps a decision's failure from the sender
        cause = type(error).__name__
        metrics.INLINE_DECISIONS_FAILED.labels(cause=cause).inc()
        logger.error("routing.inline_decision_failed", extra={"lead_id": lead_id, "cause": cause})
        return None
