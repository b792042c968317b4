"""Payments and adjustments: once for each form, never more than what is owed, with an audit entry."""

from typing import Any
from uuid import UUID

import pytest

from distribution.models import PayableEntry
from distribution.payables.book import (
    PayableRefused,
    book_adjustment,
    book_payment,
    last_by_hand,
    read_balance,
)
from routing.models import Source
from tests.support.factories import SourceFactory
from tests.support.payables import booked
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

FIRST, SECOND, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.fixture
def source() -> Source:
    """It is owed $10.00."""
    source = SourceFactory()
    book_adjustment(source, amount_cents=1_000, token=FIRST, actor="ann", reason="opening balance")
    return source


def pay(source: Source, cents: int, token: UUID = SECOND, **changes: Any) -> bool:
    return book_payment(source, amount_cents=cents, token=token, actor="ann", reason="wire 7", **changes)


def test_payment_reduces_what_is_owed(source: Source) -> None:
    assert pay(source, 400) is True

    assert read_balance(source.pk) == 600
    entry = PayableEntry.objects.latest("id")
    assert (entry.kind, entry.amount_cents, entry.actor, entry.reason) == ("paid", -400, "ann", "wire 7")
    assert (entry.lead_id, entry.assignment_id, entry.contract_id) == (None, None, None)
    audited = AuditEntry.objects.latest("id")
    assert (audited.action, audited.before, audited.after) == (
        *("paid", {"owed_cents": 1_000}),
        {"owed_cents": 600},
    )


def test_form_sent_twice_books_once(source: Source) -> None:
    assert [pay(source, 400), pay(source, 400)] == [True, False]

    assert booked(source) == [("adjustment", 1_000), ("paid", -400)]
    assert AuditEntry.objects.filter(action="paid").count() == 1


@pytest.mark.parametrize("cents", [1_001, 0, -5])
def test_payment_beyond_what_is_owed_is_refused(source: Source, cents: int) -> None:
    with pytest.raises(PayableRefused, match=r"\$10.00 is owed"):
        pay(source, cents)
    assert booked(source) == [("adjustment", 1_000)]


def test_adjustment_may_go_below_zero(source: Source) -> None:
    assert book_adjustment(source, amount_cents=-1_500, token=SECOND, actor="ann", reason="fraud") is True
    assert read_balance(source.pk) == -500


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount_cents": 0}, "other than"),
        ({"reason": " "}, "needs a reason"),
        ({"amount_cents": 1_000_000_001}, "the most in one entry"),
    ],
)
def test_adjustment_is_refused(source: Source, changes: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"amount_cents": 1, "token": SECOND, "actor": "ann", "reason": "x", **changes}
    with pytest.raises(PayableRefused, match=message):
        book_adjustment(source, **given)
    assert booked(source) == [("adjustment", 1_000)]


@pytest.mark.parametrize("cents", [1.0, True, "1"])
def test_cents_are_an_int(source: Source, cents: Any) -> None:
    with pytest.raises(TypeError, match="cents are an int"):
        pay(source, cents)


def test_page_that_another_person_overtook_is_refused(source: Source) -> None:
    seen = last_by_hand(source)
    pay(source, 100)

    with pytest.raises(
        PayableRefused, match=r"ann booked -\$1.00 at .* \(wire 7\), after you opened this page"
    ):
        pay(source, 100, THIRD, seen=seen)
    assert pay(source, 100, THIRD, seen=last_by_hand(source)) is True


@pytest.mark.usefixtures("source")
def test_sources_have_balances_of_their_own() -> None:
    assert (read_balance(SourceFactory().pk), last_by_hand(SourceFactory())) == (0, "0")
