"""The end of a direct post: what it means for the sale and its money.

`distribution/attempts/settle.py` captures or releases the hold. It is called in the transaction that ends the delivery,
under the lead's lock, so that the buyer's answer and the money change together.
"""

from datetime import datetime

from distribution.attempts.settle import accept_sale, reject_sale
from distribution.models import DeliveryState


def settle(assignment_id: int, *, state: DeliveryState, reason: str, at: datetime) -> int | None:
    """Returns the id of the lead if it is due at once. Needs the lead's lock."""
    if state == DeliveryState.ACCEPTED:
        settlement = accept_sale(assignment_id, at=at)
    else:
        settlement = reject_sale(assignment_id, reason=reason, at=at)
    return settlement.lead_id if settlement.is_due else None
