"""A wallet's card and automatic recharge in words, for the page of the wallet."""

from datetime import datetime

from distribution.models import Card, PauseReason, Recharge, RechargeNotice, RechargeNoticeState, Wallet
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
    reason = PauseReason(recharge.pause_reason).label
    notice = _describe_notice(recharge, paused_at=recharge.paused_at)
    return f"{terms}; paused since {moment(recharge.paused_at)}: {reason}{notice}"


def _describe_notice(recharge: Recharge, *, paused_at: datetime) -> str:
    """Whether the buyer knows of this pause."""
    notice = RechargeNotice.objects.filter(recharge=recharge, paused_at=paused_at).first()
    if notice is None:
        return ""
    if notice.state == RechargeNoticeState.SENT:
        return "; the buyer got an email"
    if notice.state == RechargeNoticeState.FAILED:
        return f"; the email to the buyer failed: {notice.error}"
    return "; an email to the buyer waits to be sent"
