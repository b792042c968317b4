"""The locks of one assignment, and its row read under them. Everything that changes a return begins here."""

from dataclasses import dataclass

from distribution.locks import lock_deliveries_of, lock_for_return, wait_for_wallet
from distribution.models import Assignment
from routing.locks.attempts import wait_for_lead


@dataclass(frozen=True, slots=True)
class HeldAssignment:
    """An assignment under the locks of its lead, its deliveries, its buyer's wallet and its enrollment.

    `enrollment_id`: whose counters have the sale. None: it was deleted before the database archived enrollments.
    """

    assignment: Assignment
    enrollment_id: int | None


def hold_assignment(assignment_id: int) -> HeldAssignment:
    """Needs an open transaction. Locks in the order of distribution.locks: lead, deliveries, wallet, enrollment.

    Raises Assignment.DoesNotExist.
    """
    found = Assignment.objects.values("lead_id", "campaign_id", "buyer_id").get(pk=assignment_id)
    wait_for_lead(found["lead_id"])
    lock_deliveries_of(assignment_id)
    enrollment_id = lock_for_return(campaign_id=found["campaign_id"], buyer_id=found["buyer_id"])
    wait_for_wallet(found["buyer_id"])
    rows = Assignment.objects.select_related("campaign", "buyer")
    return HeldAssignment(rows.get(pk=assignment_id), enrollment_id)
