"""The response bodies about offers. They have no contact data, and nothing about other buyers."""

from datetime import datetime
from typing import Any, Final

from distribution.models import OfferBuyer, OfferEnd
from distribution.offers.refusals import ClaimRefused, NotEligible, OfferEnded
from routing.api.answers import write_time
from tracing.obstacles import describe_clause, describe_gate

STATES: Final = ("open", "claimed", "taken", "over")


def describe_offer(place: OfferBuyer, *, at: datetime) -> dict[str, Any]:
    offer = place.offer
    return {
        "id": str(offer.public_id),
        "state": _find_state(place, at=at),
        "campaign": {"id": str(offer.campaign.public_id), "name": offer.campaign.name},
        "price_cents": place.price_cents,
        "max_buyers": offer.max_buyers,
        "is_test": offer.lead.is_test,
        "shown_at": write_time(place.visible_at),
        "closes_at": write_time(offer.closes_at),
        "ended_at": write_time(min(offer.closed_at, offer.closes_at) if offer.closed_at else None),
        "claimed_at": write_time(place.claimed_at),
        "assignment_id": str(place.assignment.public_id) if place.assignment else None,
        "lead": offer.partial,
        "refused": _describe_refused(place),
    }


def describe_ended(place: OfferBuyer, *, at: datetime) -> dict[str, Any]:
    """What a stream says about an offer that this buyer cannot claim any more."""
    offer = place.offer
    return {
        "id": str(offer.public_id),
        "state": _find_state(place, at=at),
        "ended_at": write_time(at),
        "assignment_id": str(place.assignment.public_id) if place.assignment else None,
    }


def _find_state(place: OfferBuyer, *, at: datetime) -> str:
    """For this buyer. The time may be over before the offer is closed."""
    if place.claimed_at is not None:
        return "claimed"
    if place.offer.end_reason == OfferEnd.CLAIMED:
        return "taken"
    return "open" if place.offer.closed_at is None and at < place.offer.closes_at else "over"


def _describe_refused(place: OfferBuyer) -> dict[str, Any] | None:
    if place.lost_at is None:
        return None
    return {"at": write_time(place.lost_at), "reason": place.lost_reason, "late_ms": place.late_ms}


def describe_refusal(refusal: ClaimRefused, *, timezone: str) -> dict[str, Any]:
    """What is added to the error of a refused claim."""
    if isinstance(refusal, OfferEnded):
        return {"ended_at": write_time(refusal.ended_at), "late_ms": refusal.late_ms}
    if not isinstance(refusal, NotEligible):
        return {}
    gates = [describe_gate(gate, timezone=timezone) for gate in refusal.gates]
    return {
        "reason": refusal.reason,
        "sentence": describe_clause(refusal.reason) if refusal.skip else refusal.message,
        "gates": [
            {"gate": each.gate, "finding": each.finding, "change": each.change, "fixer": each.fixer}
            for each in gates
        ],
    }
