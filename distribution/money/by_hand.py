"""Moves money for an operator: once for each form, together with its audit entry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from distribution.locks import wait_for_wallet
from distribution.models import LedgerEntry, LedgerKind, Wallet
from distribution.money.movement import MoneyRefused
from distribution.money.wallet import adjust, set_credit_limit, top_up
from tracing import audit
from tracing.wording import moment, money

Movement = Callable[..., LedgerEntry]


def top_up_by_hand(
    wallet: Wallet,
    *,
    amount_cents: int,
    token: UUID,
    actor: str,
    reason: str,
    buyer_note: str = "",
    seen: str = "",
) -> bool:
    """Returns False if this form already moved the money. Raises MoneyRefused.

    `seen`: the last_by_hand that the form's page showed. Blank: no page.
    """
    cause = _Cause("topup", token, actor, reason, buyer_note)
    return _move(wallet, top_up, cause, amount_cents=amount_cents, seen=seen)


def adjust_by_hand(
    wallet: Wallet,
    *,
    amount_cents: int,
    token: UUID,
    actor: str,
    reason: str,
    buyer_note: str = "",
    seen: str = "",
) -> bool:
    """As top_up_by_hand, with a signed amount."""
    cause = _Cause("adjustment", token, actor, reason, buyer_note)
    return _move(wallet, adjust, cause, amount_cents=amount_cents, seen=seen)


class BalanceMoved(MoneyRefused):
    """Another person moved money of this wallet after the page was rendered."""


@dataclass(frozen=True, slots=True)
class _Cause:
    action: str
    token: UUID
    actor: str
    reason: str
    buyer_note: str

    @property
    def key(self) -> str:
        return f"desk:{self.token}"  # stored keys have this prefix: another would let an open form move money twice


def _move(wallet: Wallet, move: Movement, cause: _Cause, *, amount_cents: int, seen: str) -> bool:
    with transaction.atomic():
        # Two copies of one form wait for each other here, so the second one sees the first one's entry.
        wait_for_wallet(wallet.buyer_id)
        is_new = not LedgerEntry.objects.filter(idempotency_key=f"{cause.action}:{cause.key}").exists()
        if is_new and seen:
            _refuse_moved(wallet, seen=seen)
        before = _balance(wallet)
        move(
            wallet.buyer_id,
            amount_cents=amount_cents,
            key=cause.key,
            actor=cause.actor,
            reason=cause.reason,
            buyer_note=cause.buyer_note,
        )
        if is_new:
            audit.record(
                actor=cause.actor,
                action=cause.action,
                target=wallet,
                workspace_id=wallet.buyer.workspace_id,
                reason=cause.reason,
                before=before,
                after=_balance(wallet),
            )
    return is_new


def last_by_hand(wallet: Wallet) -> str:
    """Return the id of the wallet's last top-up or adjustment; "0" if there is none."""
    entry = _find_last(wallet)
    return "0" if entry is None else str(entry.pk)


def _find_last(wallet: Wallet) -> LedgerEntry | None:
    entries = LedgerEntry.objects.filter(wallet=wallet, kind__in=[LedgerKind.TOPUP, LedgerKind.ADJUSTMENT])
    return entries.order_by("-id").first()


def _refuse_moved(wallet: Wallet, *, seen: str) -> None:
    entry = _find_last(wallet)
    if entry is not None and str(entry.pk) != seen:
        message = (
            f"{entry.actor} moved {money(entry.amount_cents)} at {moment(entry.created_at)}"
            f" ({entry.reason or 'no reason given'}), after you opened this page; send it again if you still mean it"
        )
        raise BalanceMoved(message)


def set_credit_limit_by_hand(wallet: Wallet, *, limit_cents: int, actor: str, reason: str) -> None:
    """Raises InsufficientCredits."""
    fields = ["credit_limit_cents"]
    with transaction.atomic():
        wait_for_wallet(wallet.buyer_id)
        before = audit.read_state(wallet, fields=fields)
        set_credit_limit(wallet.buyer_id, limit_cents=limit_cents)
        audit.record(
            actor=actor,
            action="credit limit",
            target=wallet,
            workspace_id=wallet.buyer.workspace_id,
            reason=reason,
            before=before,
            after=audit.read_state(wallet, fields=fields),
        )


def set_notice_by_hand(wallet: Wallet, *, below_cents: int | None, actor: str, reason: str) -> None:
    """From now on subscribers hear of it when the wallet falls below the limit. None: never."""
    fields = ["notice_below_cents"]
    with transaction.atomic():
        wait_for_wallet(wallet.buyer_id)
        before = audit.read_state(wallet, fields=fields)
        Wallet.objects.filter(pk=wallet.pk).update(notice_below_cents=below_cents)
        audit.record(
            actor=actor,
            action="notice",
            target=wallet,
            workspace_id=wallet.buyer.workspace_id,
            reason=reason,
            before=before,
            after=audit.read_state(wallet, fields=fields),
        )


def _balance(wallet: Wallet) -> dict[str, Any]:
    return audit.read_state(wallet, fields=["balance_cents"])
