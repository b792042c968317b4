"""Statements by day in the workspace's time zone, and running balances."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from distribution.models import PayableEntry
from distribution.payables.contracts import today_of
from distribution.payables.statement import (
    Figures,
    PeriodRefused,
    current_month,
    read_balances_after,
    read_statement,
)
from routing.models import Source
from tests.support.factories import SourceFactory
from tests.support.payables import build_campaign, build_source, refund_part, sell_lead

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return SourceFactory(workspace__timezone="America/New_York")


def adjust(source: Source, cents: int, at: datetime, kind: str = "adjustment") -> PayableEntry:
    key = f"{kind}:{source.pk}:{cents}:{at}"
    row: dict[str, Any] = {"amount_cents": cents, "idempotency_key": key, "actor": "ann", "reason": "x"}
    return PayableEntry.objects.create(source=source, kind=kind, created_at=at, **row)


def test_days_are_those_of_the_workspace(source: Source) -> None:
    """Midnight in New York is 05:00 UTC in winter and 04:00 in summer."""
    adjust(source, 1, datetime(2026, 1, 31, 4, 59, 59, tzinfo=UTC))
    adjust(source, 20, datetime(2026, 1, 31, 5, 0, tzinfo=UTC))
    adjust(source, 300, datetime(2026, 2, 1, 4, 59, 59, tzinfo=UTC))
    adjust(source, -100, datetime(2026, 2, 1, 4, 59, 59, tzinfo=UTC), kind="paid")
    adjust(source, 4_000, datetime(2026, 2, 1, 5, 0, tzinfo=UTC))
    adjust(source, 50_000, datetime(2026, 2, 2, 5, 0, tzinfo=UTC))

    statement = read_statement(source, first_day=date(2026, 1, 31), last_day=date(2026, 2, 1))

    assert (statement.opening_cents, statement.closing_cents) == (1, 4_221)
    assert statement.total == Figures(adjusted_cents=4_320, paid_cents=-100)
    assert [(each.day, each.figures.change_cents, each.balance_cents) for each in statement.days] == [
        (date(2026, 1, 31), 220, 221),
        (date(2026, 2, 1), 4_000, 4_221),
    ]


def test_day_of_the_clock_change_is_whole(source: Source) -> None:
    """2026-03-08 has 23 hours in New York."""
    adjust(source, 1, datetime(2026, 3, 8, 5, 0, tzinfo=UTC))
    adjust(source, 20, datetime(2026, 3, 9, 3, 59, 59, tzinfo=UTC))
    adjust(source, 300, datetime(2026, 3, 9, 4, 0, tzinfo=UTC))

    statement = read_statement(source, first_day=date(2026, 3, 8), last_day=date(2026, 3, 8))

    assert statement.closing_cents == 21


def test_empty_statement(source: Source) -> None:
    statement = read_statement(source, first_day=date(2026, 1, 1), last_day=date(2026, 1, 31))

    assert (statement.opening_cents, statement.closing_cents, statement.days) == (0, 0, ())
    assert statement.total == Figures()


def test_sales_of_a_lead_count_it_once() -> None:
    source = build_source(build_campaign(buyers=2), amount_cents=700)
    sell_lead(source)
    sell_lead(source)
    other = build_source(build_campaign())
    sell_lead(other)
    sold_on = today_of(source, at=PayableEntry.objects.earliest("id").created_at)

    statement = read_statement(source, first_day=sold_on, last_day=sold_on + timedelta(days=1))

    assert statement.total == Figures(leads=2, sales=4, earned_cents=1_400)
    assert statement.closing_cents == 1_400


@pytest.mark.parametrize(("returns_deducted", "charged_back"), [(True, 1), (False, 0)])
def test_lead_is_charged_back_if_the_contract_says_so(*, returns_deducted: bool, charged_back: int) -> None:
    """Two buyers return one lead, and get money back twice: it is one lead that is charged back."""
    source = build_source(
        build_campaign(buyers=2), pays="share", share_bps=4_000, returns_deducted=returns_deducted
    )
    first, second = sell_lead(source)
    sell_lead(source)
    refund_part(first, 500)
    refund_part(second, 2_500)
    day = today_of(source, at=timezone.now())

    statement = read_statement(source, first_day=day, last_day=day)

    deducted = -1_200 if returns_deducted else 0
    assert statement.total == Figures(
        leads=2,
        sales=4,
        returns=2,
        charged_back=charged_back,
        earned_cents=4_000,
        deducted_cents=deducted,
    )
    listed = [(each.day, each.lead_id, each.deducted_cents) for each in statement.charged_back]
    lead_id = first.lead.public_id
    assert listed == ([(day, lead_id, -1_000), (day, lead_id, -200)] if returns_deducted else [])


@pytest.mark.parametrize(
    ("first_day", "last_day", "message"),
    [
        (date(2026, 2, 1), date(2026, 1, 31), "before the first"),
        (date(2026, 1, 1), date(2027, 1, 2), "at most 366 days"),
        (date(1, 1, 1), date(1, 1, 1), "year"),
        (date(9999, 12, 31), date(9999, 12, 31), "year"),
    ],
)
def test_period_is_refused(source: Source, first_day: date, last_day: date, message: str) -> None:
    with pytest.raises(PeriodRefused, match=message):
        read_statement(source, first_day=first_day, last_day=last_day)


def test_current_month_is_that_of_the_workspace(source: Source) -> None:
    at = datetime(2026, 2, 1, 4, tzinfo=UTC)

    assert current_month(source, at=at) == (date(2026, 1, 1), date(2026, 1, 31))


def test_running_balances_of_some_entries(source: Source) -> None:
    """Of several sources, with entries between them that are not asked for."""
    other = SourceFactory()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    own = [adjust(source, cents, at) for cents in (1, 20, 300, 4_000)]
    others = [adjust(other, cents, at) for cents in (5, 60)]

    balances = read_balances_after([own[1], own[3], others[1]])

    assert balances == {own[1].pk: 21, own[3].pk: 4_321, others[1].pk: 65}
    assert read_balances_after([]) == {}
