"""Statements of buyers: exact figures, months of the buyer's calendar, numbers without gaps, never changed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from distribution.models import BuyerStatement, LedgerEntry, StatementMail, Wallet
from distribution.statements.figures import FiguresDiffer
from distribution.statements.issue import StatementRefused, issue_statement
from tests.support.factories import CampaignFactory, WorkspaceFactory
from tests.support.statements import (
    FEBRUARY,
    IN_FEBRUARY,
    JANUARY,
    LIMIT_CENTS,
    book,
    buyer_on_terms,
    charge,
    issue,
    sale_of,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

MIDDLE = datetime(2026, 1, 15, 17, tzinfo=UTC)


def test_month_has_each_movement_in_its_group() -> None:
    campaign = CampaignFactory(name="Roofing")
    second = CampaignFactory(name="Solar", workspace=campaign.workspace)
    buyer = buyer_on_terms(workspace=campaign.workspace)
    book(buyer, "topup", 1_000, at=datetime(2025, 12, 20, tzinfo=UTC))
    returned = charge(buyer, campaign, 2_500, at=MIDDLE)
    charge(buyer, campaign, 2_600, at=MIDDLE)
    charge(buyer, second, 4_000, at=MIDDLE)
    refund = book(buyer, "refund", 2_500, at=MIDDLE, assignment=returned)
    for kind, cents in (
        ("topup", 300),
        ("adjustment", -70),
        ("cardrefund", -20),
        ("chargeback", -9),
        ("won_back", 5),
    ):
        book(buyer, kind, cents, at=MIDDLE)
    held = sale_of(buyer, campaign, price_cents=1_100)
    book(buyer, "hold", -1_100, at=MIDDLE, assignment=held)

    statement = issue(buyer)

    assert (statement.opening_cents, statement.leads) == (1_000, 3)
    assert (statement.charged_cents, statement.refunded_cents) == (-9_100, 2_500)
    assert (statement.topped_up_cents, statement.adjusted_cents) == (300, -70)
    assert (statement.card_refunded_cents, statement.charged_back_cents, statement.won_back_cents) == (
        -20,
        -9,
        5,
    )
    assert (statement.closing_cents, statement.held_cents) == (-5_394, 1_100)
    assert (statement.due_cents, statement.due_on) == (5_394, date(2026, 3, 3))
    assert statement.due_at == datetime(2026, 3, 4, 5, tzinfo=UTC)
    assert statement.details["campaigns"] == [
        {"id": str(campaign.public_id), "name": "Roofing", "leads": 2, "amount_cents": -5_100},
        {"id": str(second.public_id), "name": "Solar", "leads": 1, "amount_cents": -4_000},
    ]
    assert [each["kind"] for each in statement.details["movements"]] == [
        *("won_back", "chargeback", "cardrefund", "adjustment", "topup", "refund")
    ]
    assert statement.details["movements"][-1] == {
        "day": "2026-01-15",
        "kind": "refund",
        "entry_id": str(LedgerEntry.objects.get(pk=refund.pk).public_id),
        "lead_id": str(returned.lead.public_id),
        "amount_cents": 2_500,
    }
    assert (statement.issued_by, statement.issued_at, statement.terms_days) == ("beat", IN_FEBRUARY, 30)
    assert statement.credit_limit_cents == LIMIT_CENTS


def test_capture_is_a_charge_and_ends_what_is_held() -> None:
    campaign = CampaignFactory()
    buyer = buyer_on_terms(workspace=campaign.workspace)
    asked = sale_of(buyer, campaign, price_cents=2_500)
    book(buyer, "hold", -2_500, at=MIDDLE, assignment=asked)
    book(buyer, "capture", -2_500, at=datetime(2026, 2, 2, tzinfo=UTC), assignment=asked)

    january = issue(buyer)
    february = issue(buyer, FEBRUARY, at=datetime(2026, 3, 1, 12, tzinfo=UTC))

    assert (january.closing_cents, january.held_cents, january.leads) == (0, 2_500, 0)
    assert (february.closing_cents, february.held_cents, february.leads) == (-2_500, 0, 1)


@pytest.mark.parametrize(
    ("timezone", "starts_at", "ends_at"),
    [
        ("America/New_York", datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 4, 1, 4, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 2, 28, 11, tzinfo=UTC), datetime(2026, 3, 31, 11, tzinfo=UTC)),
        ("Pacific/Honolulu", datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 4, 1, 10, tzinfo=UTC)),
        ("UTC", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
    ],
)
def test_month_is_the_buyers_with_changes_of_the_clocks(
    timezone: str, starts_at: datetime, ends_at: datetime
) -> None:
    buyer = buyer_on_terms(timezone=timezone)
    moment = timedelta(microseconds=1)
    for cents, at in ((1, starts_at - moment), (20, starts_at), (300, ends_at - moment), (4_000, ends_at)):
        book(buyer, "topup", cents, at=at)

    statement = issue(buyer, date(2026, 3, 1), at=ends_at)

    assert (statement.starts_at, statement.ends_at) == (starts_at, ends_at)
    assert (statement.opening_cents, statement.topped_up_cents, statement.closing_cents) == (1, 320, 321)


def test_running_month_is_refused() -> None:
    buyer = buyer_on_terms()

    with pytest.raises(StatementRefused, match=r"^January 2026 has not ended in America/New_York"):
        issue(buyer, at=datetime(2026, 2, 1, 4, 59, 59, tzinfo=UTC))

    assert not BuyerStatement.objects.exists()


def test_statement_is_issued_once_and_number_has_no_gap() -> None:
    workspace = WorkspaceFactory()
    first, second = (buyer_on_terms(workspace=workspace) for _ in range(2))
    other = buyer_on_terms()
    numbers = [issue(buyer).number for buyer in (first, second, other, first)]
    with transaction.atomic():
        issue(first, FEBRUARY, at=datetime(2026, 3, 2, tzinfo=UTC))
        transaction.set_rollback(True)

    later = issue(second, FEBRUARY, at=datetime(2026, 3, 2, tzinfo=UTC))

    assert numbers == [1, 2, 1, 1]
    assert later.number == 3


def test_late_entry_of_a_month_is_in_the_next_one() -> None:
    """It carries a time of January, and is committed after the statement: in no statement twice, and in one."""
    buyer = buyer_on_terms()
    book(buyer, "topup", 100, at=MIDDLE)
    january = issue(buyer)
    book(buyer, "topup", 20, at=MIDDLE)
    book(buyer, "topup", 3, at=datetime(2026, 2, 10, tzinfo=UTC))

    february = issue(buyer, FEBRUARY, at=datetime(2026, 3, 1, 12, tzinfo=UTC))

    assert (january.topped_up_cents, january.closing_cents) == (100, 100)
    assert (february.opening_cents, february.topped_up_cents, february.closing_cents) == (100, 23, 123)


def test_month_before_an_issued_one_ends_where_that_begins() -> None:
    buyer = buyer_on_terms()
    book(buyer, "topup", 100, at=MIDDLE)
    book(buyer, "topup", 20, at=datetime(2026, 2, 10, tzinfo=UTC))
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    february, january = issue(buyer, FEBRUARY, at=at), issue(buyer, JANUARY, at=at)

    assert (january.closing_cents, february.opening_cents, february.closing_cents) == (100, 100, 120)
    assert january.last_entry_id == february.after_entry_id


def test_next_month_begins_where_this_one_ended_after_a_move_to_another_time_zone() -> None:
    buyer = buyer_on_terms(timezone="America/New_York")
    january = issue(buyer)
    type(buyer).objects.filter(pk=buyer.pk).update(timezone="Asia/Tokyo")
    # Not February in New York, and the last hours of January are February in Tokyo.
    book(buyer, "topup", 100, at=datetime(2026, 2, 1, 4, tzinfo=UTC))

    february = issue(buyer, FEBRUARY, at=datetime(2026, 3, 1, tzinfo=UTC))

    assert (february.starts_at, february.topped_up_cents) == (january.ends_at, 100)


def test_statement_never_changes() -> None:
    statement = issue(buyer_on_terms())

    for change in (
        lambda: BuyerStatement.objects.update(issued_by="eve"),
        lambda: BuyerStatement.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change()
    assert BuyerStatement.objects.get() == statement


def test_database_refuses_figures_that_do_not_add_up() -> None:
    values = BuyerStatement.objects.filter(pk=issue(buyer_on_terms()).pk).values().get()
    for change, name in (
        ({"closing_cents": 1, "due_cents": 0}, "statement_adds_up"),
        ({"due_cents": 1}, "statement_due_fits"),
        ({"month": date(2026, 2, 2)}, "statement_month_is_first_day"),
        ({"after_entry_id": values["last_entry_id"] + 1}, "statement_range_fits"),
        ({"month": date(2026, 1, 1)}, "statement_one_each_month"),
    ):
        row = {**values, "id": None, "number": 99, "month": FEBRUARY, **change}
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            BuyerStatement.objects.create(**row)


def test_ledger_that_does_not_add_up_gets_no_statement() -> None:
    buyer = buyer_on_terms()
    book(buyer, "topup", 100, at=MIDDLE)
    LedgerEntry.objects.create(
        wallet=buyer.wallet,
        kind="topup",
        amount_cents=1,
        other_account="manual_clearing",
        balance_after_cents=999,
        idempotency_key="topup:broken",
        actor="ann",
        created_at=MIDDLE,
    )

    with pytest.raises(FiguresDiffer, match="do not add up"):
        issue(buyer)

    assert not BuyerStatement.objects.exists()


def test_operators_statement_has_an_audit_entry() -> None:
    buyer = buyer_on_terms(terms={"terms_days": None})
    book(buyer, "adjustment", -500, at=MIDDLE)
    wallet = Wallet.objects.get(buyer=buyer)

    statement, is_new = issue_statement(wallet, JANUARY, at=IN_FEBRUARY, actor="ann", reason="asked")
    again, is_new_again = issue_statement(wallet, JANUARY, at=IN_FEBRUARY, actor="ann", reason="asked")

    assert (is_new, is_new_again, again.pk) == (True, False, statement.pk)
    # Prepaid: what it owes is due at once.
    assert (statement.terms_days, statement.due_cents, statement.due_on) == (None, 500, date(2026, 2, 1))
    [entry] = AuditEntry.objects.filter(action="statement")
    assert (entry.actor, entry.reason, entry.workspace_id) == ("ann", "asked", buyer.workspace_id)
    assert entry.after == {"statement": 1, "month": "2026-01-01"}


def test_mail_waits_for_addresses_of_the_time_of_issue() -> None:
    with_mail = buyer_on_terms(terms={"statement_emails": "pay@example.com, boss@example.com"})
    issue(with_mail)
    issue(buyer_on_terms())

    [mail] = StatementMail.objects.all()
    assert (mail.email_to, mail.state, mail.next_try_at, mail.tries) == (
        *("pay@example.com, boss@example.com", "waiting", IN_FEBRUARY, 0),
    )
