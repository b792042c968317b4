"""Stops what a sale that was taken back still had to send.

A sale is taken back when its assignment is neither sold nor held: the buyer returned the lead, or its system rejected
it. Messages about events are still sent: they report just that.
"""

from datetime import datetime
from typing import Final

from django.db import connection

# The end of a message whose sale was taken back before it was sent.
TAKEN_BACK: Final = "sale_taken_back"

# Whether the delivery `d` sends the lead of a sale that was taken back.
IS_TAKEN_BACK: Final = """(
    d.event_id IS NULL AND d.assignment_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM distribution_assignment a WHERE a.id = d.assignment_id AND a.state IN ('sold', 'held')
    )
)"""
_CANCEL: Final = f"""
UPDATE distribution_delivery d
SET state = 'cancelled', next_try_at = NULL, ended_at = %(at)s, end_reason = '{TAKEN_BACK}'
WHERE d.state = 'pending' AND {IS_TAKEN_BACK}
"""  # noqa: S608 - only constants are put in
CANCEL_OF_SALE: Final = f"{_CANCEL} AND d.assignment_id = %(assignment)s"
CANCEL: Final = f"{_CANCEL} AND d.id = %(delivery)s"
FIND: Final = f"""
SELECT d.id FROM distribution_delivery d WHERE d.state = 'pending' AND {IS_TAKEN_BACK} ORDER BY d.id LIMIT %s
"""  # noqa: S608 - only constants are put in


def cancel_deliveries(assignment_id: int, *, at: datetime) -> None:
    """Cancel what waits to be sent, after the state of the assignment was written.

    Needs the lead's lock and lock_deliveries_of: a message that is being sent right now is not tried again, because its
    result is written under the same lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(CANCEL_OF_SALE, {"assignment": assignment_id, "at": at})


def find_left_over(*, limit: int) -> list[int]:
    """Deliveries that wait although their sale was taken back."""
    with connection.cursor() as cursor:
        cursor.execute(FIND, [limit])
        return [delivery_id for (delivery_id,) in cursor.fetchall()]


def cancel_left_over(delivery_id: int, *, at: datetime) -> bool:
    """Return False if another process has just ended it."""
    with connection.cursor() as cursor:
        cursor.execute(CANCEL, {"delivery": delivery_id, "at": at})
        changed: int = cursor.rowcount
    return changed == 1
