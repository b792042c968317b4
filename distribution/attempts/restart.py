"""Why a try is rolled back and started again, and what the next one waits for."""

from dataclasses import dataclass
from enum import StrEnum

from distribution.engine import CompiledCampaign


class RestartReason(StrEnum):
    BUYERS_BUSY = "buyers_busy"  # other leads hold buyers that should get this one: wait for them first
    BUYERS_STAY_BUSY = "buyers_stay_busy"  # they did not become free in time: decide among the others
    PAUSED = "paused"  # something was paused after the decision: decide again
    NO_SNAPSHOT = "no_snapshot"  # the snapshot of this version may not be stored: store it first


@dataclass(frozen=True, slots=True)
class Restart:
    """`enrollment_ids`: the busy ones. `campaign`: the version without a snapshot."""

    reason: RestartReason
    enrollment_ids: frozenset[int] = frozenset()
    campaign: CompiledCampaign | None = None


@dataclass(frozen=True, slots=True)
class LockWait:
    """Which enrollments to wait for before deciding, and whether the try may ask for another wait.

    `stores_snapshot`: the campaign changes faster than its snapshots can be stored, so this transaction stores its own.
    """

    enrollment_ids: frozenset[int] = frozenset()
    may_ask: bool = False
    stores_snapshot: bool = False
