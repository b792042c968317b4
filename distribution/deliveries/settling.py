"""The end of a direct post: what it means for the sale and its money.

`distribution/attempts/settle.py` captures or releases the hold. It is called in the transaction that ends the delivery,
under the lead's lock, so that the buyer's answer and the money change together.
"""

from datetime import datetime

from distribution.models import DeliveryState


def settle(assignment_id: int, *, state: DeliveryState, reason: str, at: datetime) -> int | None:
    """Returns the id of the lead if it is due at once. Needs the lead's lock."""
    raise NotImplementedError
