"""Reads of deliveries for the API. Every read names its workspace. Nothing of an endpoint is decrypted."""

from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Prefetch, QuerySet

from distribution.models import Delivery, DeliveryState, DeliveryTry, Endpoint

# Deliveries without an end are few, and have indexes by state. Of the others, each endpoint's are in order.
STATES: Final = (DeliveryState.PENDING, DeliveryState.POSTING, DeliveryState.UNKNOWN)
# No index has the deliveries of a workspace in order: the newest few of each endpoint, merged.
NEWEST_OF_WORKSPACE: Final = """
SELECT found.id
FROM distribution_endpoint e
CROSS JOIN LATERAL (
    SELECT d.id FROM distribution_delivery d
    WHERE d.endpoint_id = e.id AND d.id < %(before)s
    ORDER BY d.id DESC
    LIMIT %(limit)s
) found
WHERE e.workspace_id = %(workspace)s
ORDER BY found.id DESC
LIMIT %(limit)s
"""
NEWEST: Final = 2**63 - 1


def list_deliveries(
    workspace_id: int,
    *,
    limit: int,
    before: int | None,
    state: str | None = None,
    lead_id: int | None = None,
    endpoint_id: int | None = None,
) -> list[Delivery]:
    """Return deliveries of a workspace, newest first, without their requests."""
    narrowed = {"state": state, "lead_id": lead_id, "endpoint_id": endpoint_id}
    asked = {name: value for name, value in narrowed.items() if value is not None}
    rows = _of_workspace(workspace_id).order_by("-pk")
    if not asked:
        return list(rows.filter(pk__in=_find_newest(workspace_id, limit=limit, before=before)))
    return list(rows.filter(pk__lt=before or NEWEST, **asked)[:limit])


def find_delivery(message_id: UUID, *, workspace_id: int) -> Delivery | None:
    """With every request, the newest first."""
    requests = Prefetch("requests", DeliveryTry.objects.order_by("-number"))
    return _of_workspace(workspace_id).prefetch_related(requests).filter(message_id=message_id).first()


def _find_newest(workspace_id: int, *, limit: int, before: int | None) -> list[int]:
    parameters = {"workspace": workspace_id, "limit": limit, "before": before or NEWEST}
    with connection.cursor() as cursor:
        cursor.execute(NEWEST_OF_WORKSPACE, parameters)
        return [found for (found,) in cursor.fetchall()]


def _of_workspace(workspace_id: int) -> QuerySet[Delivery]:
    """By endpoints that are looked up first, so that a plan can use the index of each."""
    endpoints = Endpoint.objects.filter(workspace_id=workspace_id).values_list("pk", flat=True)
    rows = Delivery.objects.filter(endpoint_id__in=list(endpoints))
    parts = ("endpoint__buyer", "endpoint__source", "lead", "assignment", "event")
    return rows.select_related(*parts).defer("endpoint__headers", "endpoint__template")
