"""Sets the net terms of a buyer, with an audit entry."""

from datetime import datetime
from typing import Any

from django.db import transaction

from distribution.locks import wait_for_wallet
from distribution.models import Wallet
from distribution.statements.months import Month
from tracing import audit


def set_terms_by_hand(
    wallet: Wallet, *, terms_days: int | None, at: datetime, actor: str, reason: str
) -> None:
    """None: prepaid. The first statement of a buyer who gets terms is that of the month that runs."""
    fields = ["terms_days"]
    with transaction.atomic():
        wait_for_wallet(wallet.buyer_id)
        before = audit.read_state(wallet, fields=fields)
        changes: dict[str, object] = {"terms_days": terms_days}
        if before["terms_days"] is None:
            changes["statements_from"] = Month.of(at, timezone=wallet.buyer.timezone).first_day
        Wallet.objects.filter(pk=wallet.pk).update(**changes)
        _audit(wallet, action="terms", actor=actor, reason=reason, fields=fields, before=before)


def set_emails_by_hand(wallet: Wallet, *, emails: str, actor: str, reason: str) -> None:
    """Statements that are issued from now on go to these addresses."""
    fields = ["statement_emails"]
    with transaction.atomic():
        wait_for_wallet(wallet.buyer_id)
        before = audit.read_state(wallet, fields=fields)
        Wallet.objects.filter(pk=wallet.pk).update(statement_emails=emails)
        _audit(wallet, action="statement emails", actor=actor, reason=reason, fields=fields, before=before)


def _audit(
    wallet: Wallet, *, action: str, actor: str, reason: str, fields: list[str], before: dict[str, Any]
) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=wallet,
        workspace_id=wallet.buyer.workspace_id,
        reason=reason,
        before=before,
        after=audit.read_state(wallet, fields=fields),
    )
