"""Row locks of deliveries.

Order: lead (routing.locks.attempts) -> delivery -> wallet and enrollment (distribution.locks) -> endpoint. A deliverer
claims deliveries with SKIP LOCKED and holds nothing else. A sale inserts deliveries under its own locks.
"""

from typing import Final

from django.db import connection

from distribution.models import Delivery, Endpoint

# Any fixed number that no other advisory lock uses.
CLAIM_LOCK: Final = 0xDE11_7E4


def lock_claims() -> None:
    """Serialize the claims of all deliverers, until the transaction ends.

    Two claims at once would both count the requests of an endpoint before either adds to them, and exceed its limit.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])


def lock_endpoint(endpoint_id: int) -> Endpoint:
    """Wait for an endpoint, e.g. to replace its secret. Deliveries that refer to it can still be inserted."""
    return Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)


def lock_delivery(delivery_id: int) -> Delivery:
    """Wait for a delivery. A direct post needs its lead's lock first."""
    return Delivery.objects.select_for_update(no_key=True, of=("self",)).get(pk=delivery_id)
