"""A wallet's card and automatic recharge in words, for the page of the wallet."""

from distribution.models import Card, PauseReason, Recharge, Wallet
from tracing.admin.columns import NOTHING
from tracing.wording import moment, money


def describe_card(wallet: Wallet) -> str:
    card = Card.objects.filter(buyer_id=wallet.buyer_id, removed_at__isnull=True).first()
    return NOTHING if card is None else str(card)


def describe_recharge(wallet: Wallet) -> str:
    recharge = Recharge.objects.filter(wallet=wallet).first()
    if recharge is None or not recharge.is_on:
        return "off"
    terms = f"{money(recharge.amount_cents)} when less than {money(recharge.threshold_cents)} is available"
    if recharge.paused_at is None:
        return terms
    return f"{terms}; paused since {moment(recharge.paused_at)}: {PauseReason(recharge.pause_reason).label}"
