"""What moved money, as lines of a history: top-ups, adjustments and refunds, with who, how much and why."""

from typing import Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst

from distribution.models import NOT_OF_SALES, LedgerEntry, LedgerKind, Wallet
from tracing import audit
from tracing.admin.history import SHOWN, HistoryLine, build_history_lines
from tracing.wording import money

IN_THE_LEDGER: Final = frozenset({"topup", "adjustment"})


def wallet_lines(wallet: Wallet, *, request: HttpRequest) -> list[HistoryLine]:
    """The audit entries of the wallet, and its ledger entries other than charges and holds, one for each lead."""
    entries = [each for each in audit.read_entries(wallet, limit=SHOWN) if each.action not in IN_THE_LEDGER]
    from_audit = build_history_lines(entries, model=Wallet, request=request)
    return [*from_audit, *ledger_lines(LedgerEntry.objects.filter(wallet=wallet, kind__in=NOT_OF_SALES))]


def ledger_lines(entries: QuerySet[LedgerEntry]) -> list[HistoryLine]:
    return [_build_line(each) for each in entries.order_by("-id")[:SHOWN]]


def _build_line(entry: LedgerEntry) -> HistoryLine:
    kind = str(LedgerKind(entry.kind).label)
    details = [format_html("Balance after: {}", money(entry.balance_after_cents))]
    if entry.buyer_note:
        details.append(format_html("Shown to the buyer: {}", entry.buyer_note))
    return HistoryLine(
        at=entry.created_at,
        actor=entry.actor,
        what=f"{capfirst(kind)}: {money(entry.amount_cents)}",
        reason=entry.reason,
        details=tuple(details),
    )
