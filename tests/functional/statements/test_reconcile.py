"""`reconcile statements`: each month that ended gets its statement, also after an outage, and only once."""

from datetime import UTC, date, datetime

import pytest

from distribution.models import BuyerStatement, LedgerEntry
from distribution.reconcile import statements
from routing.reconcile import Counts, find_reconciler, run_reconciler
from tests.support.statements import book, buyer_on_terms

pytestmark = pytest.mark.usefixtures("committed_db")


def set_clock(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setattr(statements, "read_clock", lambda: at)


def run() -> Counts:
    return run_reconciler(find_reconciler("statements"), fix=True)


def issued() -> list[tuple[str, date, int]]:
    rows = BuyerStatement.objects.order_by("pk")
    return list(rows.values_list("buyer_name", "month", "number"))


@pytest.mark.finds("statements")
def test_months_of_an_outage_are_issued_in_order_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    late = buyer_on_terms(name="late")
    buyer_on_terms(
        name="soon",
        workspace=late.workspace,
        timezone="Asia/Tokyo",
        terms={"statements_from": date(2026, 3, 1)},
    )
    buyer_on_terms(name="prepaid", terms={"terms_days": None})
    book(late, "topup", 7, at=datetime(2026, 2, 3, tzinfo=UTC))
    # April in Tokyo, March in New York.
    set_clock(monkeypatch, datetime(2026, 3, 31, 20, tzinfo=UTC))

    assert run() == Counts(checked=3, repaired=3)
    assert run() == Counts()
    assert issued() == [
        ("late", date(2026, 1, 1), 1),
        ("late", date(2026, 2, 1), 2),
        ("soon", date(2026, 3, 1), 3),
    ]
    closing = BuyerStatement.objects.order_by("number").values_list("closing_cents", flat=True)
    assert list(closing) == [0, 7, 0]


def test_without_fix_nothing_is_issued(monkeypatch: pytest.MonkeyPatch) -> None:
    buyer = buyer_on_terms()
    set_clock(monkeypatch, datetime(2026, 2, 1, 5, tzinfo=UTC))

    counts = run_reconciler(find_reconciler("statements"), fix=False)

    assert counts == Counts(checked=1, skipped=1)
    assert counts.named == (f"wallet {buyer.wallet.pk}",)
    assert issued() == []


def test_wallet_that_cannot_have_one_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = buyer_on_terms(name="broken")
    buyer_on_terms(name="whole", workspace=broken.workspace)
    at = datetime(2026, 1, 10, tzinfo=UTC)
    LedgerEntry.objects.create(
        wallet=broken.wallet,
        kind="topup",
        amount_cents=1,
        other_account="manual_clearing",
        balance_after_cents=999,
        idempotency_key="topup:broken",
        actor="ann",
        created_at=at,
    )
    set_clock(monkeypatch, datetime(2026, 3, 1, 12, tzinfo=UTC))

    assert run() == Counts(checked=4, repaired=2, skipped=2)

    assert issued() == [("whole", date(2026, 1, 1), 1), ("whole", date(2026, 2, 1), 2)]
    [record] = [each for each in caplog.records if each.message == "statements.not_issued"]
    assert (record.cause, record.wallet_id) == ("FiguresDiffer", broken.wallet.pk)  # type: ignore[attr-defined]
