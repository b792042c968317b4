"""A case for each constraint of the tables of statements, which the database must refuse by its name."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

from django.utils import timezone

from distribution.models import BuyerStatement, StatementMail, Wallet
from distribution.models.statements import MOVED
from tests.support.factories import BuyerFactory

JANUARY: Final = datetime(2026, 1, 1, tzinfo=UTC)
FEBRUARY: Final = datetime(2026, 2, 1, tzinfo=UTC)
MARCH: Final = datetime(2026, 3, 1, tzinfo=UTC)


def _new_wallet(**buyer: Any) -> Wallet:
    return Wallet.objects.get(buyer=BuyerFactory(**buyer))


def _new_statement(**columns: Any) -> BuyerStatement:
    """Of January, in which nothing moved, if `columns` do not say otherwise."""
    wallet = columns.pop("wallet", None) or _new_wallet()
    sums = ("opening_cents", *MOVED, "closing_cents", "due_cents", "held_cents", "credit_limit_cents")
    given: dict[str, Any] = {
        **dict.fromkeys((*sums, "leads", "after_entry_id", "last_entry_id"), 0),
        "number": 1,
        "month": date(2026, 1, 1),
        "starts_at": JANUARY,
        "ends_at": FEBRUARY,
        "due_on": date(2026, 3, 1),
        "due_at": MARCH,
        "issued_at": FEBRUARY,
        "details": {},
        **columns,
    }
    return BuyerStatement.objects.create(wallet=wallet, workspace=wallet.buyer.workspace, **given)


def _issue_a_month_again() -> None:
    first = _new_statement()
    _new_statement(wallet=first.wallet, number=2)


def _use_a_number_again() -> None:
    first = _new_statement()
    _new_statement(wallet=_new_wallet(workspace=first.workspace), number=first.number)


def _new_mail(**columns: Any) -> StatementMail:
    return StatementMail.objects.create(statement=_new_statement(), email_to="ann@example.com", **columns)


STATEMENT_BREACHES: Final[list[tuple[str, Callable[[], Any]]]] = [
    ("statement_one_each_month", _issue_a_month_again),
    ("statement_number_once", _use_a_number_again),
    *[("statement_adds_up", lambda name=name: _new_statement(**{name: 1})) for name in MOVED],
    ("statement_adds_up", lambda: _new_statement(opening_cents=1)),
    ("statement_adds_up", lambda: _new_statement(closing_cents=1)),
    ("statement_due_fits", lambda: _new_statement(due_cents=1)),
    ("statement_due_fits", lambda: _new_statement(opening_cents=-5, closing_cents=-5)),
    ("statement_due_fits", lambda: _new_statement(opening_cents=5, closing_cents=5, due_cents=-5)),
    ("statement_month_is_first_day", lambda: _new_statement(month=date(2026, 1, 2))),
    ("statement_range_fits", lambda: _new_statement(ends_at=JANUARY)),
    ("statement_range_fits", lambda: _new_statement(after_entry_id=1)),
    ("statement_mail_state_fits", lambda: _new_mail()),
    ("statement_mail_state_fits", lambda: _new_mail(next_try_at=timezone.now(), ended_at=timezone.now())),
    ("statement_mail_state_fits", lambda: _new_mail(state="sent")),
    ("statement_mail_state_fits", lambda: _new_mail(state="failed", next_try_at=timezone.now())),
    ("statement_mail_state_fits", lambda: _new_mail(state="lost", ended_at=timezone.now())),
]
