"""What a buyer may read about the offers that it was shown. Nothing before its own head start ends."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from distribution.models import Buyer, OfferBuyer, OfferKind, OfferState

OPEN: Final = "open"
CLAIMED: Final = "claimed"
# Of the list's filter.
STATES: Final = (OPEN, CLAIMED)
_CAN_BE_CLAIMED: Final = Q(offer__state=OfferState.OPEN, offer__closes_at__gt=Now(), claimed_at__isnull=True)


def list_offers(
    buyer: Buyer, *, limit: int, before: int | None = None, state: str | None = None
) -> Sequence[OfferBuyer]:
    """Return the offers that the buyer was shown, newest first. `state` open: those it can claim now."""
    found = _shown_to(buyer)
    if before is not None:
        found = found.filter(pk__lt=before)
    if state == OPEN:
        found = found.filter(_CAN_BE_CLAIMED)
    elif state == CLAIMED:
        found = found.filter(claimed_at__isnull=False)
    return list(found.order_by("-pk")[:limit])


def list_open_offers(buyer: Buyer, *, limit: int) -> Sequence[OfferBuyer]:
    """Return those that the buyer can claim now, the one that ends first on top."""
    return list(_shown_to(buyer).filter(_CAN_BE_CLAIMED).order_by("offer__closes_at", "pk")[:limit])


def count_open_offers(buyer: Buyer) -> int:
    return _shown_to(buyer).filter(_CAN_BE_CLAIMED).count()


def find_offer(public_id: UUID, *, buyer: Buyer) -> OfferBuyer | None:
    return _shown_to(buyer).filter(offer__public_id=public_id).first()


def _shown_to(buyer: Buyer) -> QuerySet[OfferBuyer]:
    shown = OfferBuyer.objects.filter(
        buyer_id=buyer.pk, visible_at__lte=Now(), offer__kind=OfferKind.PING_POST
    )
    return shown.select_related("offer__campaign", "offer__lead", "assignment")
