"""Issues the statement of a buyer for a month that has ended: once, with the next number of its workspace."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection, transaction

from distribution.locks import wait_for_wallet
from distribution.models import BuyerStatement, StatementMail, Wallet
from distribution.statements.figures import Figures, Range, find_last_entry, read_figures
from distribution.statements.months import Month, end_of_day, today_in
from tracing import audit

# The row of the counter is locked until the commit, so a statement that is not stored leaves no gap.
NEXT_NUMBER: Final = """
INSERT INTO distribution_statementcounter AS c (workspace_id, last_number) VALUES (%s, 1)
ON CONFLICT (workspace_id) DO UPDATE SET last_number = c.last_number + 1
RETURNING last_number
"""
BEAT: Final = "beat"


class StatementRefused(ValueError):
    """No statement is issued. The message says why."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement that has no number yet. `month`: in the buyer's time zone, with the entries that it covers."""

    wallet: Wallet
    month: Month
    entries: Range
    starts_at: datetime
    figures: Figures

    @property
    def due_cents(self) -> int:
        return max(0, -self.figures.closing_cents)


@transaction.atomic
def issue_statement(
    wallet: Wallet, first_day: date, *, at: datetime, actor: str, reason: str = ""
) -> tuple[BuyerStatement, bool]:
    """Return the statement of the month, and whether it is new. Raises StatementRefused, FiguresDiffer.

    Locks the wallet: two workers issue it once, and no entry of the month is on its way. An operator's statement has
    an audit entry.
    """
    wait_for_wallet(wallet.buyer_id)
    earlier = BuyerStatement.objects.filter(wallet=wallet, month=first_day).first()
    if earlier is not None:
        return earlier, False
    fresh = Wallet.objects.select_related("buyer__workspace").get(pk=wallet.pk)
    draft = read_draft(fresh, first_day)
    if not draft.month.is_closed(at=at):
        message = f"{first_day:%B %Y} has not ended in {draft.month.timezone}. Look at its preview."
        raise StatementRefused(message)
    statement = _store(draft, at=at, actor=actor)
    if actor != BEAT:
        _audit(statement, wallet=fresh, actor=actor, reason=reason)
    return statement, True


def read_draft(wallet: Wallet, first_day: date) -> Draft:
    """Begins where the statement of the month before ended, and ends where that of the next one began.

    Needs the buyer with its workspace.
    """
    month = Month(first_day, wallet.buyer.timezone)
    before = BuyerStatement.objects.filter(wallet=wallet, month=month.previous_first_day).first()
    behind = BuyerStatement.objects.filter(wallet=wallet, month=month.next_first_day).first()
    starts_at = month.starts_at if before is None else before.ends_at
    after = find_last_entry(wallet.pk, at=starts_at) if before is None else before.last_entry_id
    last = find_last_entry(wallet.pk, at=month.ends_at) if behind is None else behind.after_entry_id
    entries = Range(wallet.pk, after, max(after, last), month.timezone)
    return Draft(wallet, month, entries, starts_at, read_figures(entries))


def _store(draft: Draft, *, at: datetime, actor: str) -> BuyerStatement:
    buyer, figures = draft.wallet.buyer, draft.figures
    due_on = today_in(buyer.timezone, at=at) + timedelta(days=draft.wallet.terms_days or 0)
    statement = BuyerStatement.objects.create(
        workspace=buyer.workspace,
        wallet=draft.wallet,
        number=_take_number(buyer.workspace_id),
        month=draft.month.first_day,
        timezone=draft.month.timezone,
        starts_at=draft.starts_at,
        ends_at=draft.month.ends_at,
        after_entry_id=draft.entries.after_entry_id,
        last_entry_id=draft.entries.last_entry_id,
        buyer_name=buyer.name,
        workspace_name=buyer.workspace.name,
        opening_cents=figures.opening_cents,
        leads=figures.leads,
        **figures.moved,
        closing_cents=figures.closing_cents,
        held_cents=figures.held_cents,
        credit_limit_cents=draft.wallet.credit_limit_cents,
        terms_days=draft.wallet.terms_days,
        due_cents=draft.due_cents,
        due_on=due_on,
        due_at=end_of_day(due_on, timezone=buyer.timezone),
        details=figures.details,
        issued_at=at,
        issued_by=actor[:150],
    )
    if draft.wallet.statement_emails:
        StatementMail.objects.create(
            statement=statement, email_to=draft.wallet.statement_emails, next_try_at=at
        )
    return statement


def _take_number(workspace_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(NEXT_NUMBER, [workspace_id])
        return int(cursor.fetchone()[0])


def _audit(statement: BuyerStatement, *, wallet: Wallet, actor: str, reason: str) -> None:
    audit.record(
        actor=actor,
        action="statement",
        target=wallet,
        workspace_id=statement.workspace_id,
        reason=reason,
        after={"statement": statement.number, "month": statement.month.isoformat()},
    )
