"""Reads of returns for the API and the admin. Every read names its buyer, or gets the visible rows."""

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from distribution.models import Buyer, ReturnFile, ReturnRequest


def list_returns(buyer: Buyer, *, limit: int, before: int | None, state: str | None) -> list[ReturnRequest]:
    """Return a buyer's returns, newest first, with their assignments and the names of their files."""
    found = _of(buyer).order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    if state is not None:
        found = found.filter(state=state)
    return list(found[:limit])


def find_return(public_id: UUID, *, buyer: Buyer) -> ReturnRequest | None:
    return _of(buyer).filter(public_id=public_id).first()


def _of(buyer: Buyer) -> QuerySet[ReturnRequest]:
    files = Prefetch("files", ReturnFile.objects.defer("content").order_by("pk"))
    rows = ReturnRequest.objects.filter(buyer_id=buyer.pk).select_related("assignment")
    return rows.prefetch_related(files)
