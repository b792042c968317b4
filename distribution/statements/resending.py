"""Sends the mail of a statement again, for an operator: to the addresses that the wallet names now. Audited."""

from datetime import datetime

from django.db import transaction

from distribution.models import BuyerStatement, StatementMail, StatementMailState, Wallet
from distribution.statements.issue import StatementRefused
from tracing import audit


def find_hindrance(statement: BuyerStatement) -> str:
    """Why it cannot be mailed now. Blank: it can."""
    if not Wallet.objects.values_list("statement_emails", flat=True).get(pk=statement.wallet_id):
        return "The wallet names no address. Enter one under “Statements go to” first."
    mail = StatementMail.objects.filter(statement=statement).first()
    is_waiting = mail is not None and mail.state == StatementMailState.WAITING
    return "Its mail is waiting to be sent already." if is_waiting else ""


def resend(statement: BuyerStatement, *, actor: str, reason: str, at: datetime) -> str:
    """Due at once, with all tries. Returns the addresses. Raises StatementRefused."""
    with transaction.atomic():
        wallet = Wallet.objects.select_for_update(no_key=True).get(pk=statement.wallet_id)
        hindrance = find_hindrance(statement)
        if hindrance:
            raise StatementRefused(hindrance)
        waiting = {
            "email_to": wallet.statement_emails,
            "state": StatementMailState.WAITING,
            "tries": 0,
            "next_try_at": at,
            "ended_at": None,
            "error": "",
        }
        StatementMail.objects.update_or_create(statement=statement, defaults=waiting)
        audit.record(
            actor=actor,
            action="statement_resent",
            target=statement,
            workspace_id=statement.workspace_id,
            reason=reason,
        )
    return wallet.statement_emails
