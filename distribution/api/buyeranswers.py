"""The response bodies for buyers, without internal ids or other buyers. Contact data only for leads they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from distribution.api.accountanswers import describe_campaign
from distribution.explain.missed import Check
from distribution.explain.missed_rows import MissedLead, ShownOffer, SkippedAttempt
from distribution.models import (
    Account,
    Assignment,
    AssignmentState,
    LedgerEntry,
    Wallet,
)
from distribution.selfservice.remedies import Remedy, find_remedy, find_remedy_of_skip
from routing.api.answers import write_time
from routing.models import Lead
from tracing import wording
from tracing.obstacles import Obstacle

# The account that moved by the opposite amount, in a buyer's words.
OTHER_SIDES: Final[Mapping[str, str]] = {
    Account.REVENUE: "The agency, for leads",
    Account.CARD_CLEARING: "Your card",
    Account.MANUAL_CLEARING: "Booked by the agency",
}


def describe_wallet(wallet: Wallet) -> dict[str, Any]:
    return {
        "balance_cents": wallet.balance_cents,
        "held_cents": wallet.held_cents,
        "credit_limit_cents": wallet.credit_limit_cents,
        "available_cents": wallet.balance_cents - wallet.held_cents + wallet.credit_limit_cents,
        "notice_below_cents": wallet.notice_below_cents,
    }


def describe_entry(entry: LedgerEntry) -> dict[str, Any]:
    """The operator who booked it, and why, is confidential to the agency."""
    return {
        "id": str(entry.public_id),
        "kind": entry.kind,
        "amount_cents": entry.amount_cents,
        "other_side": OTHER_SIDES[entry.other_account],
        "balance_after_cents": entry.balance_after_cents,
        "assignment_id": str(entry.assignment.public_id) if entry.assignment else None,
        "reason": entry.text_for_buyer,
        "created_at": write_time(entry.created_at),
    }


def describe_assignment(assignment: Assignment) -> dict[str, Any]:
    is_sold = assignment.state == AssignmentState.SOLD
    return {
        "id": str(assignment.public_id),
        "state": assignment.state,
        "price_cents": assignment.price_cents,
        "is_test": assignment.is_test,
        "campaign": describe_campaign(assignment.campaign),
        "assigned_at": write_time(assignment.created_at),
        "sold_at": write_time(assignment.sold_at),
        "settled_at": write_time(assignment.settled_at),
        "reject_reason": assignment.reject_reason or None,
        "returned_at": write_time(assignment.returned_at),
        "lead": _describe_lead(assignment.lead, is_sold=is_sold),
    }


def _describe_lead(lead: Lead, *, is_sold: bool) -> dict[str, Any]:
    """A lead that is held, rejected or returned shows only its place and vertical."""
    return {
        "id": str(lead.public_id),
        "received_at": write_time(lead.received_at),
        "vertical": lead.vertical,
        "zip": lead.zip,
        "city": lead.city,
        "county": lead.county,
        "state": lead.state,
        "country": lead.country,
        "contact": _describe_contact(lead) if is_sold else None,
        "attributes": lead.attributes if is_sold else None,
        "consent": _describe_consent(lead.consent) if is_sold else None,
    }


def _describe_consent(consent: dict[str, Any]) -> dict[str, Any]:
    given_at = wording.parse_moment(consent.get("given_at"))
    return {**consent, "given_at": write_time(given_at)} if given_at else consent


def _describe_contact(lead: Lead) -> dict[str, Any]:
    return {
        "first_name": lead.first_name,
        "last_name": lead.last_name,
        "email": lead.email,
        "phone": lead.phone,
        "phone_extension": lead.phone_extension,
        "address": lead.address,
    }


def describe_missed(missed: MissedLead) -> dict[str, Any]:
    campaign_id = missed.campaign_id
    return {
        "lead": {
            "id": str(missed.lead_id),
            "received_at": write_time(missed.received_at),
            "vertical": missed.vertical,
            "zip": missed.zip,
            "state": missed.state,
        },
        "campaign": {"id": str(campaign_id), "name": missed.campaign_name} if campaign_id else None,
        "attempts": missed.skip.number,
        "next_attempt_at": write_time(missed.next_attempt_at),
        **_describe_skip(missed.skip),
    }


def describe_missed_lead(missed: MissedLead, skips: Sequence[SkippedAttempt], check: Check) -> dict[str, Any]:
    history = [{"attempt": skip.number, **_describe_skip(skip)} for skip in skips]
    return {**describe_missed(missed), "check": asdict(check), "history": history}


def _describe_skip(skip: SkippedAttempt) -> dict[str, Any]:
    return {
        "decided_at": write_time(skip.decided_at),
        "reason": skip.reason,
        "sentence": skip.sentence,
        "change": skip.change,
        "fixer": skip.fixer,
        "price_cents": skip.price_cents,
        "ranked_higher": skip.ranked_higher,
        "change_in": _describe_remedy(find_remedy_of_skip(skip)),
        "gates": [_describe_gate(gate) for gate in skip.gates],
        "offer": _describe_offer(skip.offer) if skip.offer else None,
    }


def _describe_offer(offer: ShownOffer) -> dict[str, Any]:
    return {
        "id": str(offer.offer_id),
        "shown_from": write_time(offer.shown_from),
        "ended_at": write_time(offer.ended_at),
        "late_ms": offer.late_ms,
    }


def _describe_gate(gate: Obstacle) -> dict[str, Any]:
    return {
        "gate": gate.gate,
        "finding": gate.finding,
        "change": gate.change,
        "fixer": gate.fixer,
        "required": gate.required,
        "observed": gate.observed,
        "opens_at": gate.opens_at,
        "change_in": _describe_remedy(find_remedy(gate)),
    }


def _describe_remedy(remedy: Remedy | None) -> dict[str, Any] | None:
    return None if remedy is None else {"path": remedy.path, "fields": list(remedy.fields)}
