"""Payments to a source and corrections of what it is owed, by a person: once for each form, with an audit entry."""

from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from distribution.locks import wait_for_source
from distribution.models import Account, PayableEntry, PayableKind
from routing.models import Source
from tracing import audit
from tracing.wording import moment, money

# The maximum of one movement: ten million dollars. A larger sum is an error.
MAX_CENTS: Final = 1_000_000_000
BY_HAND: Final = (PayableKind.PAID, PayableKind.ADJUSTMENT)


class PayableRefused(ValueError):
    """The entry is not allowed. The message says why and what would be accepted."""


def book_payment(
    source: Source, *, amount_cents: int, token: UUID, actor: str, reason: str, seen: str = ""
) -> bool:
    """Record that the source was paid. Returns False if this form was booked already. Raises PayableRefused.

    `seen`: the last_by_hand that the form's page showed. Blank: no page.
    """
    _check(amount_cents, reason=reason)
    with transaction.atomic():
        wait_for_source(source.pk)
        if _is_booked(PayableKind.PAID, token):
            return False
        owed_cents = read_balance(source.pk)
        if not 0 < amount_cents <= owed_cents:
            message = f"{money(max(0, owed_cents))} is owed, so {money(amount_cents)} cannot be paid"
            raise PayableRefused(message)
        entry = PayableEntry(
            source=source,
            kind=PayableKind.PAID,
            amount_cents=-amount_cents,
            other_account=Account.MANUAL_CLEARING,
        )
        _book(entry, token=token, actor=actor, reason=reason, seen=seen)
    return True


def book_adjustment(
    source: Source, *, amount_cents: int, token: UUID, actor: str, reason: str, seen: str = ""
) -> bool:
    """Correct what is owed by a signed amount. Returns False if this form was booked already. Raises PayableRefused.

    `seen`: the last_by_hand that the form's page showed. Blank: no page.
    """
    _check(amount_cents, reason=reason)
    with transaction.atomic():
        wait_for_source(source.pk)
        if _is_booked(PayableKind.ADJUSTMENT, token):
            return False
        if amount_cents == 0:
            raise PayableRefused("an adjustment needs an amount other than $0.00")
        entry = PayableEntry(source=source, kind=PayableKind.ADJUSTMENT, amount_cents=amount_cents)
        _book(entry, token=token, actor=actor, reason=reason, seen=seen)
    return True


def read_balance(source_id: int) -> int:
    """Return what is owed to a source now, in cents. Below 0: the source owes."""
    total = PayableEntry.objects.filter(source_id=source_id).aggregate(cents=Sum("amount_cents"))["cents"]
    return int(total or 0)


def last_by_hand(source: Source) -> str:
    """Return the id of the source's last payment or adjustment; "0" if there is none."""
    entry = _find_last(source)
    return "0" if entry is None else str(entry.pk)


def _book(entry: PayableEntry, *, token: UUID, actor: str, reason: str, seen: str) -> None:
    """Needs the lock of wait_for_source."""
    _refuse_moved(entry.source, seen=seen)
    before = read_balance(entry.source_id)
    entry.idempotency_key = _key(entry.kind, token)
    entry.actor, entry.reason = actor[:150], reason.strip()
    entry.save(force_insert=True)
    audit.record(
        actor=actor,
        action=entry.kind,
        target=entry.source,
        workspace_id=entry.source.workspace_id,
        reason=reason,
        before={"owed_cents": before},
        after={"owed_cents": before + entry.amount_cents},
    )


def _key(kind: str, token: UUID) -> str:
    return f"{kind}:{token}"


def _is_booked(kind: str, token: UUID) -> bool:
    return PayableEntry.objects.filter(idempotency_key=_key(kind, token)).exists()


def _find_last(source: Source) -> PayableEntry | None:
    return PayableEntry.objects.filter(source=source, kind__in=BY_HAND).order_by("-id").first()


def _refuse_moved(source: Source, *, seen: str) -> None:
    entry = _find_last(source)
    if seen and entry is not None and str(entry.pk) != seen:
        message = (
            f"{entry.actor} booked {money(entry.amount_cents)} at {moment(entry.created_at)} ({entry.reason}),"
            " after you opened this page; send it again if you still mean it"
        )
        raise PayableRefused(message)


def _check(amount_cents: object, *, reason: str) -> None:
    """Cents must be an int: the database would silently round a float or a Decimal. A bool is refused too."""
    if type(amount_cents) is not int:
        message = f"cents are an int, not {type(amount_cents).__name__}"
        raise TypeError(message)
    if abs(amount_cents) > MAX_CENTS:
        message = f"{money(amount_cents)} is more than {money(MAX_CENTS)}, the most in one entry"
        raise PayableRefused(message)
    if not reason.strip():
        raise PayableRefused("a payment or adjustment needs a reason")
