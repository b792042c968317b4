"""Why a try is rolled back and begun again, and what the next one waits for."""

from dataclasses import dataclass
from enum import StrEnum

from distribution.engine import CompiledCampaign


class RestartReason(StrEnum):
    BUYERS_BUSY = "buyers_busy"  # other leads hold buyers that this one belongs to: begin by waiting for them
    BUYERS_STAY_BUSY = "buyers_stay_busy"  # they were not free in time: decide among the others
    PAUSED = "paused"  # something was paused after the decision: decide about what is so now
    NO_SNAPSHOT = "no_snapshot"  # the snapshot of this version is not known to be kept: keep it first


@dataclass(frozen=True, slots=True)
class Restart:
    """`enrollment_ids`: of the busy buyers. `campaign`: the version without a snapshot."""

    reason: RestartReason
    enrollment_ids: frozenset[int] = frozenset()
    campaign: CompiledCampaign | None = None


@dataclass(frozen=True, slots=True)
class LockWait:
    """Which enrollments to wait for before deciding, and whether the try may ask for a further wait after that.

    `stores_snapshot`: the campaign changes faster than its versions can be stored, so this transaction stores its own.
    """

    enrollment_ids: frozenset[int] = frozenset()
    may_ask: bool = False
    stores_snapshot: bool = False
