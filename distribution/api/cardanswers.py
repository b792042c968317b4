"""The response bodies about cards, purchases and automatic recharge. Ids of the provider stay inside."""

from typing import Any, Final

from distribution.models import Card, CardPayment, Recharge
from distribution.payments.account import has_cards
from routing.api.answers import write_time

SETTINGS: Final = (
    *("threshold_cents", "amount_cents"),
    *("day_limit_cents", "week_limit_cents", "month_limit_cents", "max_tries"),
)


def describe_card(card: Card | None) -> dict[str, Any]:
    return {"is_available": has_cards(), "card": None if card is None else _describe(card)}


def _describe(card: Card) -> dict[str, Any]:
    return {
        "id": str(card.public_id),
        "brand": card.brand,
        "last4": card.last4,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
    }


def describe_payment(payment: CardPayment) -> dict[str, Any]:
    return {
        "id": str(payment.public_id),
        "state": payment.state,
        "origin": payment.origin,
        "amount_cents": payment.amount_cents,
        "refunded_cents": payment.refunded_cents,
        "failure_code": payment.failure_code or None,
        "created_at": write_time(payment.created_at),
        "ended_at": write_time(payment.ended_at),
    }


def describe_recharge(recharge: Recharge | None) -> dict[str, Any]:
    """Without settings, it is off and everything else is null."""
    return {
        "is_on": recharge is not None and recharge.is_on,
        "paused_at": None if recharge is None else write_time(recharge.paused_at),
        "pause_reason": None if recharge is None else recharge.pause_reason or None,
        "waits_until": None if recharge is None else write_time(recharge.not_before),
        **{name: None if recharge is None else getattr(recharge, name) for name in SETTINGS},
    }
