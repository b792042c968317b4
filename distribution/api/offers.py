"""Buyers read the leads that they are offered, without contact data, and claim them."""

from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import buyeranswers
from distribution.api import offeranswers as answers
from distribution.api import offerdocuments as documents
from distribution.api.buyer import PAGED, BuyerView
from distribution.api.parameters import read_choice
from distribution.models import BuyerScope
from distribution.offers.claim import ClaimedSale, claim_offer
from distribution.offers.queries import STATES, find_offer, list_offers
from distribution.offers.refusals import ClaimBusy, ClaimRefused, OfferNotFound
from distribution.queries import find_assignment
from routing.api.errors import FIXED_MESSAGES, ApiError
from routing.api.keyview import not_found

NO_STREAMS: Final = "Streams are not set up here. Ask for your offers at /api/v1/buyer/offers/ instead."

# Many programs follow a redirect to another host or port without their key, and get 401 there.
ELSEWHERE: Final = (
    "Offers are streamed at `location`. Connect there with the same header Authorization. Many programs leave it out"
    " when they follow a redirect (curl: --location-trusted), so use that address from the start."
)


class OffersView(BuyerView):
    scopes = {"get": BuyerScope.OFFERS_READ}
    query_parameters = {"get": (*PAGED, "state")}

    @documents.LIST_OFFERS
    def get(self, request: Request) -> Response:
        paging = self.read_paging("offers")
        shown = list_offers(
            self.buyer,
            limit=paging.most_read,
            before=paging.before,
            state=read_choice(request, "state", STATES),
        )
        return Response(paging.describe(shown, partial(answers.describe_offer, at=datetime.now(UTC))))


class StreamView(BuyerView):
    """Streams are served by a process of their own, which a proxy reaches under this path."""

    http_method_names = ["get"]
    scopes = {"get": BuyerScope.OFFERS_READ}
    query_parameters = {"get": ("last_event_id",)}

    @documents.LISTEN
    def get(self, request: Request) -> Response:
        if not settings.LEADSWITCH_STREAMS_URL:
            raise ApiError(NO_STREAMS, status_code=503)
        location = f"{settings.LEADSWITCH_STREAMS_URL}{request.get_full_path()}"
        body = {"location": location, "message": ELSEWHERE}
        return Response(body, status=307, headers={"Location": location})


class OfferView(BuyerView):
    scopes = {"get": BuyerScope.OFFERS_READ}

    @documents.GET_OFFER
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - the signature is DRF's
        place = find_offer(public_id, buyer=self.buyer)
        if place is None:
            raise not_found()
        return Response(answers.describe_offer(place, at=datetime.now(UTC)))


class ClaimView(BuyerView):
    http_method_names = ["post"]
    scopes = {"post": BuyerScope.OFFERS_WRITE}

    @documents.CLAIM
    def post(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002 - a body is not read
        claim = self._claim(public_id)
        assignment = find_assignment(claim.assignment_id, buyer=self.buyer)
        assert assignment is not None  # noqa: S101 - it was just sold to this buyer
        headers = {"Location": reverse("buyer-assignment", args=[claim.assignment_id])}
        body = buyeranswers.describe_assignment(assignment)
        return Response(body, status=201 if claim.is_new else 200, headers=headers)

    def _claim(self, public_id: UUID) -> ClaimedSale:
        try:
            return claim_offer(public_id, buyer_id=self.buyer.pk, actor=self.actor)
        except OfferNotFound:
            raise not_found() from None
        except ClaimBusy:
            raise ApiError(FIXED_MESSAGES[503], status_code=503) from None
        except ClaimRefused as refusal:
            extra = answers.describe_refusal(refusal, timezone=self.buyer.timezone)
            raise ApiError(refusal.message, status_code=409, code=refusal.code, extra=extra) from None
