"""Ledgers with entries of any time, and the statements of buyers on net terms."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import F

from distribution.locks import wait_for_wallet
from distribution.models import Account, Assignment, Buyer, BuyerStatement, Campaign, LedgerEntry, Wallet
from distribution.models.accounts import LEDGER_ACCOUNTS
from distribution.statements.issue import issue_statement
from tests.support.factories import BuyerFactory, LeadFactory

LIMIT_CENTS = 50_000_000
NEW_YORK = "America/New_York"
JANUARY = date(2026, 1, 1)
FEBRUARY = date(2026, 2, 1)
IN_FEBRUARY = datetime(2026, 2, 1, 12, tzinfo=UTC)


def buyer_on_terms(*, timezone: str = NEW_YORK, terms: dict[str, Any] | None = None, **buyer: Any) -> Buyer:
    """30 days to pay, statements from January 2026."""
    built = BuyerFactory(timezone=timezone, **buyer)
    given = {"credit_limit_cents": LIMIT_CENTS, "terms_days": 30, "statements_from": JANUARY}
    Wallet.objects.filter(buyer=built).update(**{**given, **(terms or {})})
    return built


def sale_of(buyer: Buyer, campaign: Campaign, *, price_cents: int, **lead: Any) -> Assignment:
    """A row that entries refer to. Nothing is charged."""
    return Assignment.objects.create(
        lead=LeadFactory(source__workspace=campaign.workspace, **lead),
        buyer=buyer,
        campaign=campaign,
        attempt_id=uuid4(),
        price_cents=price_cents,
    )


@transaction.atomic
def book(
    buyer: Buyer, kind: str, cents: int, *, at: datetime, assignment: Assignment | None = None
) -> LedgerEntry:
    """Move the wallet as the product does, with an entry of this time."""
    wait_for_wallet(buyer.pk)
    moved = 0 if kind in ("hold", "release") else cents
    held = {"hold": -cents, "release": -cents, "capture": cents}.get(kind, 0)
    Wallet.objects.filter(buyer=buyer).update(
        balance_cents=F("balance_cents") + moved, held_cents=F("held_cents") + held
    )
    wallet = Wallet.objects.get(buyer=buyer)
    account: Account = LEDGER_ACCOUNTS[kind][-1]
    return LedgerEntry.objects.create(
        wallet=wallet,
        kind=kind,
        amount_cents=cents,
        other_account=account,
        balance_after_cents=wallet.balance_cents,
        idempotency_key=f"{kind}:{uuid4()}",
        assignment=assignment,
        actor="ann",
        reason="Call Grace Hopper, grace@example.com",
        created_at=at,
    )


def charge(buyer: Buyer, campaign: Campaign, cents: int, *, at: datetime) -> Assignment:
    sold = sale_of(buyer, campaign, price_cents=cents)
    book(buyer, "charge", -cents, at=at, assignment=sold)
    return sold


def issue(buyer: Buyer, month: date = JANUARY, *, at: datetime = IN_FEBRUARY) -> BuyerStatement:
    statement, _ = issue_statement(Wallet.objects.get(buyer=buyer), month, at=at, actor="beat")
    return statement
