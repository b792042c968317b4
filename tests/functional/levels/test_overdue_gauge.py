"""The gauge and the report of buyers who are late to pay."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from leadswitch.levels.exporter.collectors import money
from tests.support.statements import FEBRUARY, JANUARY, book, buyer_on_terms, issue

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2025, 1, 15, 17, tzinfo=UTC)


def count_overdue() -> float:
    values = {series.name: value for series, value in money.read().items()}
    return float(values["leadswitch_buyers_overdue"])  # type: ignore[arg-type]  # one value


def printed() -> str:
    out = StringIO()
    call_command("statements", stdout=out)
    return out.getvalue()


def test_buyer_is_late_until_its_newest_overdue_statement_is_paid() -> None:
    late, paid, future = (buyer_on_terms(name=name) for name in ("late", "paid", "future"))
    for buyer in (late, paid, future):
        book(buyer, "adjustment", -500, at=LONG_AGO)
    for month, at in (
        (JANUARY, datetime(2026, 2, 1, 12, tzinfo=UTC)),
        (FEBRUARY, datetime(2026, 3, 1, 12, tzinfo=UTC)),
    ):
        for buyer in (late, paid):
            issue(buyer, month, at=at)
    issue(future, JANUARY, at=datetime.now(UTC))
    assert count_overdue() == 2
    book(paid, "topup", 500, at=datetime.now(UTC))
    book(late, "topup", 499, at=datetime.now(UTC))
    book(late, "adjustment", -70, at=datetime.now(UTC))

    assert count_overdue() == 1

    [line] = [line for line in printed().splitlines() if "late" in line]
    assert line.split()[1:] == ["late", "2", "2026-03-31", "0.01"]


def test_report_without_a_late_buyer_says_so() -> None:
    assert "No statement is overdue." in printed()
