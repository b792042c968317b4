"""Money moved by a person of the desk: once for each form that was opened, together with its audit entry."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction

from distribution.locks import wait_for_wallet
from distribution.models import Assignment, LedgerEntry, Wallet
from distribution.money import adjust, set_credit_limit, top_up
from distribution.returns import return_assignment
from tracing import audit

Movement = Callable[..., LedgerEntry]


def top_up_by_hand(wallet: Wallet, *, amount_cents: int, token: UUID, actor: str, reason: str) -> bool:
    """Returns False when this form's movement was made before. Raises MoneyRefused."""
    return _move(wallet, top_up, "topup", amount_cents=amount_cents, token=token, actor=actor, reason=reason)


def adjust_by_hand(wallet: Wallet, *, amount_cents: int, token: UUID, actor: str, reason: str) -> bool:
    """Returns False when this form's movement was made before. Raises MoneyRefused."""
    return _move(
        wallet, adjust, "adjustment", amount_cents=amount_cents, token=token, actor=actor, reason=reason
    )


def _move(
    wallet: Wallet, move: Movement, action: str, *, amount_cents: int, token: UUID, actor: str, reason: str
) -> bool:
    key = f"desk:{token}"
    with transaction.atomic():
        # Two copies of one form wait here for each other, so that the second sees the first one's entry.
        wait_for_wallet(wallet.buyer_id)
        is_new = not LedgerEntry.objects.filter(idempotency_key=f"{action}:{key}").exists()
        before = _balance(wallet)
        move(wallet.buyer_id, amount_cents=amount_cents, key=key, actor=actor, reason=reason)
        if is_new:
            audit.record(
                actor=actor,
                action=action,
                target=wallet,
                workspace_id=wallet.buyer.workspace_id,
                reason=reason,
                before=before,
                after=_balance(wallet),
            )
    return is_new


def set_credit_limit_by_hand(wallet: Wallet, *, limit_cents: int, actor: str, reason: str) -> None:
    """Raises InsufficientCredits."""
    fields = ["credit_limit_cents"]
    with transaction.atomic():
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


def _balance(wallet: Wallet) -> dict[str, Any]:
    return audit.read_state(wallet, fields=["balance_cents"])


def return_by_hand(assignment: Assignment, *, actor: str, reason: str) -> bool:
    """Take a sold lead back and refund it. Returns False when that was done before. Raises ReturnRefused."""
    fields = ["state", "returned_at"]
    with transaction.atomic():
        before = audit.read_state(assignment, fields=fields)
        return_assignment(assignment.public_id, actor=actor, reason=reason)
        after = audit.read_state(assignment, fields=fields)
        if before != after:
            audit.record(
                actor=actor,
                action="return",
                target=assignment,
                workspace_id=assignment.buyer.workspace_id,
                reason=reason,
                before=before,
                after=after,
            )
    return before != after
