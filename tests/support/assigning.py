"""A sale by hand, without the confirmation page."""

from datetime import datetime

from distribution.attempts.assign_by_hand import (
    CHANGING,
    ManualAssignment,
    assign_within,
)
from distribution.attempts.campaigns import SnapshotMissing, run_with_snapshots
from routing.leads.actions import ActionRefused


def assign_by_hand(lead_id: int, *, enrollment_id: int, at: datetime | None = None) -> ManualAssignment:
    try:
        return run_with_snapshots(lambda: assign_within(lead_id, enrollment_id=enrollment_id, at=at))
    except SnapshotMissing:
        raise ActionRefused(CHANGING) from None
