"""Row locks of deliveries.

Order: lead (routing.locks.attempts) -> deliveries, by id -> wallet and enrollment (distribution.locks) -> endpoint. A
deliverer claims deliveries with SKIP LOCKED and holds nothing else. A sale inserts deliveries under its own locks.
"""

from collections.abc import Sequence
from typing import Final

from django.db import connection
from django.db.models import QuerySet

from distribution.models import Delivery, Endpoint
from distribution.sql_arrays import array_literal
from routing.locks.attempts import wait_for_lead

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
    """Wait for a delivery. One of a sale needs its lead's lock first."""
    return Delivery.objects.select_for_update(no_key=True, of=("self",)).get(pk=delivery_id)


LOCK_DELIVERIES: Final = """
SELECT id FROM distribution_delivery WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""


def lock_deliveries(delivery_ids: Sequence[int]) -> None:
    """Wait for these deliveries. A direct post needs its lead's lock first."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_DELIVERIES, [array_literal(delivery_ids)])


def lock_expired(rows: QuerySet[Delivery], *, limit: int) -> list[Delivery]:
    """Lock the first of these deliveries that nobody else holds, with their endpoints read."""
    ordered = rows.order_by("pk").select_related("endpoint").defer("endpoint__headers")
    return list(ordered.select_for_update(no_key=True, skip_locked=True, of=("self",))[:limit])


def lock_for_settling(lead_id: int | None) -> None:
    """Wait for the lead of a sale: its lock comes before those of its deliveries and of the money."""
    assert lead_id is not None  # noqa: S101 - a delivery of a sale has a lead
    wait_for_lead(lead_id)
