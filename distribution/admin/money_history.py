"""What moved money, as lines of a history: top-ups, adjustments, returns and holds, with who, how much and why."""

from typing import Final

from django.db.models import QuerySet

from distribution.models import NOT_CHARGES, LedgerEntry, LedgerKind, Wallet
from tracing import audit
from tracing.admin.history import SHOWN, HistoryLine, build_history_line
from tracing.wording import money

IN_THE_LEDGER: Final = frozenset({"topup", "adjustment"})


def wallet_lines(wallet: Wallet) -> list[HistoryLine]:
    """The audit of the wallet, and its ledger entries other than charges for leads."""
    entries = audit.read_entries(wallet, limit=SHOWN)
    from_audit = [
        build_history_line(each, model=Wallet) for each in entries if each.action not in IN_THE_LEDGER
    ]
    return [*from_audit, *ledger_lines(LedgerEntry.objects.filter(wallet=wallet, kind__in=NOT_CHARGES))]


def ledger_lines(entries: QuerySet[LedgerEntry]) -> list[HistoryLine]:
    return [_build_line(each) for each in entries.order_by("-id")[:SHOWN]]


def _build_line(entry: LedgerEntry) -> HistoryLine:
    kind = str(LedgerKind(entry.kind).label)
    return HistoryLine(
        at=entry.created_at,
        actor=entry.actor,
        what=f"{kind[:1].upper()}{kind[1:]}: {money(entry.amount_cents)}",
        reason=entry.reason,
        details=(f"Balance after: {money(entry.balance_after_cents)}",),
    )
