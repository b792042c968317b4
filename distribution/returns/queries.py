"""Reads of returns for the API. Every read names its buyer or its workspace."""

from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Prefetch, QuerySet

from distribution.models import Buyer, ReturnFile, ReturnRequest, ReturnState

# No index has the returns of a workspace in order, but each buyer's are: the newest few of each, merged.
_NEWEST: Final = """
SELECT found.id
FROM distribution_buyer b
CROSS JOIN LATERAL (
    SELECT r.id FROM distribution_returnrequest r
    WHERE r.buyer_id = b.id AND r.id < %(before)s {of_state}
    ORDER BY r.id DESC
    LIMIT %(limit)s
) found
WHERE b.workspace_id = %(workspace)s
ORDER BY found.id DESC
LIMIT %(limit)s
"""
NEWEST_OF_WORKSPACE: Final = _NEWEST.format(of_state="")
# A statement of its own: one for both would read every return of a buyer for a rare state.
NEWEST_OF_STATE: Final = _NEWEST.format(of_state="AND r.state = %(state)s")
NEWEST: Final = 2**63 - 1


def list_returns(buyer: Buyer, *, limit: int, before: int | None, state: str | None) -> list[ReturnRequest]:
    """Return a buyer's returns, newest first, with their assignments and the names of their files."""
    return list(_narrow(_of(buyer), before=before, state=state)[:limit])


def find_return(public_id: UUID, *, buyer: Buyer) -> ReturnRequest | None:
    return _of(buyer).filter(public_id=public_id).first()


def list_returns_of_workspace(
    workspace_id: int, *, buyer: Buyer | None, limit: int, before: int | None, state: str | None
) -> list[ReturnRequest]:
    """Return the returns of a workspace, or of one of its buyers, newest first.

    Those of one buyer have indexes with and without the state. Those that wait are few and have another.
    """
    rows = _of_workspace(workspace_id)
    if buyer is not None:
        return list(_narrow(rows.filter(buyer_id=buyer.pk), before=before, state=state)[:limit])
    if state == ReturnState.REQUESTED:
        return list(_narrow(rows, before=before, state=state)[:limit])
    parameters = {"workspace": workspace_id, "before": before or NEWEST, "state": state, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(NEWEST_OF_WORKSPACE if state is None else NEWEST_OF_STATE, parameters)
        ids = [found for (found,) in cursor.fetchall()]
    return list(rows.filter(pk__in=ids).order_by("-pk"))


def find_return_of_workspace(public_id: UUID, *, workspace_id: int) -> ReturnRequest | None:
    return _of_workspace(workspace_id).filter(public_id=public_id).first()


def find_file_of_workspace(public_id: UUID, *, request_id: UUID, workspace_id: int) -> ReturnFile | None:
    """With its content."""
    files = ReturnFile.objects.filter(public_id=public_id, request__public_id=request_id)
    return files.filter(request__buyer__workspace_id=workspace_id).first()


def find_full_return(assignment_id: int, *, workspace_id: int) -> ReturnRequest | None:
    """The return that took a lead back. None: it was taken back before returns were recorded."""
    rows = _of_workspace(workspace_id).filter(assignment_id=assignment_id)
    return rows.filter(state=ReturnState.APPROVED, is_full=True).first()


def _narrow(
    rows: QuerySet[ReturnRequest], *, before: int | None, state: str | None
) -> QuerySet[ReturnRequest]:
    if before is not None:
        rows = rows.filter(pk__lt=before)
    if state is not None:
        rows = rows.filter(state=state)
    return rows.order_by("-pk")


def _of(buyer: Buyer) -> QuerySet[ReturnRequest]:
    return _with_files(ReturnRequest.objects.filter(buyer_id=buyer.pk).select_related("assignment"))


def _of_workspace(workspace_id: int) -> QuerySet[ReturnRequest]:
    rows = ReturnRequest.objects.filter(buyer__workspace_id=workspace_id)
    return _with_files(rows.select_related("assignment", "lead", "buyer"))


def _with_files(rows: QuerySet[ReturnRequest]) -> QuerySet[ReturnRequest]:
    return rows.prefetch_related(Prefetch("files", ReturnFile.objects.defer("content").order_by("pk")))
