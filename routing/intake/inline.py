"""Decides a new lead while its sender waits. A hook in the settings names the decision, which is in a higher app."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from routing.after_commit import after_commit_try
from routing.dispatch.enqueue import enqueue
from routing.metrics.intake import INLINE_DECISIONS_FAILED
from routing.models import TIMED
from routing.queries import LeadState, read_due_times, read_state_after_commit

logger = logging.getLogger(__name__)


class Outcome(Protocol):
    """The part of the hook's result that intake reads. `result` is "" if no attempt finished.

    `status` is the lead's status after the attempt.
    """

    @property
    def result(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def skip_reason(self) -> str: ...
    @property
    def next_attempt_at(self) -> datetime | None: ...
    @property
    def assignments(self) -> Sequence[Any]: ...


class DecideHook(Protocol):
    def __call__(self, lead_id: int, /, *, seconds: float) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class InlineDecision:
    """What is known about a lead after its decision.

    `outcome` is None if no attempt finished here; `state` is None if the database could not be read.
    """

    outcome: Outcome | None
    state: LeadState | None


def decide_inline(lead_id: int, public_id: UUID, *, seconds: float) -> InlineDecision:
    """Decide the lead within `seconds`, and return what is known about it after that. Never raises.

    The lead is already stored. If the decision fails, the lead is still due and is enqueued for the workers.
    """
    outcome = _decide(lead_id, seconds=seconds)
    state = read_state_after_commit("inline", public_id)
    if state is None or state.status in TIMED:
        after_commit_try("enqueue", lambda: enqueue(read_due_times([lead_id])))
    return InlineDecision(outcome if outcome is not None and outcome.result else None, state)


def _decide(lead_id: int, *, seconds: float) -> Outcome | None:
    try:
        hook = cast("DecideHook", import_string(settings.LEADSWITCH_DECIDE_HOOK))
        return hook(lead_id, seconds=seconds)
    except Exception as error:  # noqa: BLE001 - the one place that keeps a decision's failure from the sender
        cause = type(error).__name__
        INLINE_DECISIONS_FAILED.labels(cause=cause).inc()
        logger.error("routing.inline_decision_failed", extra={"lead_id": lead_id, "cause": cause})
        return None
