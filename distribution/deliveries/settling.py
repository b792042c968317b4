"""The end of a direct post: what it means for the sale and its money.

`distribution/attempts/settle.py` captures or releases the hold. It is called in the transaction that ends the delivery,
under the lead's lock, so that the buyer's answer and the money change together.
"""

from datetime import datetime
from functools import partial
from typing import Final

from distribution.attempts.settle import accept_sale, reject_sale
from distribution.deliveries.notices import tell_accepted_late
from distribution.models import Assignment, AssignmentState, Delivery, DeliveryState
from routing.dispatch.enqueue import after_commit
from tracing import audit

DECIDED: Final = (DeliveryState.ACCEPTED, DeliveryState.REJECTED)
ACTOR: Final = "deliverer"
ACCEPTED_LATE: Final = "accepted after its hold was released"


def settle(
    assignment_id: int,
    *,
    lead_id: int | None,
    state: DeliveryState,
    reason: str,
    at: datetime,
    charge_cents: int | None = None,
) -> int | None:
    """Returns the id of the lead if it is due at once. Needs the lead's lock.

    `charge_cents`: less than the held price. Raises CaptureRefused.
    """
    if state == DeliveryState.REJECTED:
        settlement = reject_sale(assignment_id, reason=reason, at=at, lead_id=lead_id)
    else:
        settlement = accept_sale(assignment_id, at=at, lead_id=lead_id, charge_cents=charge_cents)
        if not settlement.is_new:
            report_if_released(assignment_id)
    return settlement.lead_id if settlement.is_due else None


def report_if_released(assignment_id: int) -> None:
    """Tell a person that a buyer has a lead whose hold was released: the money is not taken by itself.

    The lead may be sold to another buyer. `manage.py verify` finds it too, because the delivery says so. Needs
    the lead's lock.
    """
    if not Assignment.objects.filter(pk=assignment_id, state=AssignmentState.REJECTED).exists():
        return
    rows = Delivery.objects.select_related("endpoint__buyer", "endpoint__workspace").defer(
        "endpoint__headers", "endpoint__template"
    )
    row = rows.filter(assignment_id=assignment_id, is_direct_post=True).latest("pk")
    row.end_reason = ACCEPTED_LATE
    row.save(update_fields=["end_reason"])
    audit.record(
        actor=ACTOR, action=ACCEPTED_LATE, target=row, workspace_id=row.endpoint.workspace_id, reason=""
    )
    after_commit(partial(tell_accepted_late, row))
