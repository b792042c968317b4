"""A buyer asks what a change would have won. Nothing is stored."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import whatifdocuments as documents
from distribution.api.account import find_place
from distribution.api.bodies import invalid
from distribution.api.changing import ChangingView, refusals_as_errors, require_allowance
from distribution.models import Buyer, BuyerScope, Enrollment
from distribution.selfservice.effect import Effect, LeftOut, describe_remaining
from distribution.selfservice.settings import Part
from distribution.selfservice.whatif import (
    PARTS_OF_BUYER,
    Proposed,
    assess_change,
)
from routing.api.answers import write_time
from routing.api.errors import ApiError
from tracing.parsing import parse_uuid

ENROLLMENTS: Final = "enrollments"
PART_OF: Final[Mapping[str, Part]] = {name: part for part in PARTS_OF_BUYER for name in part.names}
KNOWN: Final = (*PART_OF, ENROLLMENTS)
MOST_PLACES: Final = 50


class WhatIfView(ChangingView):
    http_method_names = ["post"]
    scopes = {"post": BuyerScope.MISSED_READ}

    @documents.ASK_WHAT_IF
    def post(self, request: Request) -> Response:
        require_allowance("whatif", buyer_id=self.buyer.pk)
        body = self.read_object(request)
        buyer = Buyer.objects.select_related("workspace").get(pk=self.buyer.pk)
        with refusals_as_errors():
            effect = assess_change(buyer, read_proposed(body, buyer=buyer), at=datetime.now(UTC))
        return Response(describe_effect(effect))


def read_proposed(body: Mapping[str, Any], *, buyer: Buyer) -> Proposed:
    """The fields of `me/`, and enrollments by the id of their campaign. Raises FieldsInvalid."""
    account: dict[str, dict[str, Any]] = {}
    for name, value in body.items():
        if name in PART_OF:
            account.setdefault(PART_OF[name].name, {})[name] = value
        elif name != ENROLLMENTS:
            raise invalid(str(name)[:64], "unknown_field", f"is not a known field: send {', '.join(KNOWN)}")
    return Proposed(account, _read_places(body.get(ENROLLMENTS, {}), buyer=buyer))


def _read_places(sent: Any, *, buyer: Buyer) -> list[tuple[Enrollment, Mapping[str, Any]]]:
    if not isinstance(sent, Mapping) or len(sent) > MOST_PLACES:
        text = f"must be an object with at most {MOST_PLACES} changes by the id of their campaign"
        raise invalid(ENROLLMENTS, "invalid_type", text)
    return [_read_place(campaign_id, patch, buyer=buyer) for campaign_id, patch in sent.items()]


def _read_place(campaign_id: str, patch: Any, *, buyer: Buyer) -> tuple[Enrollment, Mapping[str, Any]]:
    name, public_id = f"{ENROLLMENTS}.{campaign_id}"[:64], parse_uuid(campaign_id)
    if not isinstance(patch, Mapping):
        raise invalid(name, "invalid_type", "must be an object with what changes")
    try:
        if public_id is not None:
            return find_place(public_id, buyer=buyer), patch
    except ApiError:
        pass
    raise invalid(name, "invalid", "is not the id of a campaign in which you are enrolled")


def describe_effect(effect: Effect) -> dict[str, Any]:
    prices = effect.prices_cents
    return {
        "from": write_time(effect.since),
        "to": write_time(effect.until),
        "missed": effect.missed,
        "checked": effect.checked,
        "unreadable": effect.unreadable,
        "is_partial": effect.is_partial,
        "left_out": [_describe_left_out(each) for each in effect.left_out],
        "won": effect.won,
        "spent_cents": sum(prices),
        "lowest_price_cents": min(prices, default=None),
        "highest_price_cents": max(prices, default=None),
        "remaining": [
            {"reason": reason, "sentence": describe_remaining(reason), "leads": leads}
            for reason, leads in effect.remaining.most_common()
        ],
        "examples": [
            {
                "lead": {"id": str(each.public_id), "zip": each.zip, "state": each.state},
                "decided_at": write_time(each.decided_at),
                "price_cents": each.price_cents,
                "missed_for": each.missed_for,
            }
            for each in effect.examples
        ],
    }


def _describe_left_out(left_out: LeftOut) -> dict[str, Any]:
    return {
        "why": left_out.why,
        "leads": left_out.leads,
        "from": write_time(left_out.since),
        "to": write_time(left_out.until),
    }
