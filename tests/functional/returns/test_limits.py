"""How many leads a buyer may return: a number, or a percentage of its leads or its money, by the period of the sale."""

from datetime import date, timedelta

import pytest

from distribution.models import Assignment, ReturnPolicy
from distribution.returns.decide import approve_return, decline_return
from distribution.returns.limits import Period, find_period
from distribution.returns.policy import Ask
from tests.functional.returns.test_requests import ANN, ask, refused
from tests.functional.returns.world import SOLD_AT, change
from tests.support.returning import return_assignment

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        ("day", date(2026, 3, 31), date(2026, 3, 31)),
        ("week", date(2026, 3, 30), date(2026, 4, 5)),
        ("month", date(2026, 3, 1), date(2026, 3, 31)),
    ],
)
def test_period_is_a_calendar_period(kind: str, first: date, last: date) -> None:
    assert find_period(kind, day=date(2026, 3, 31)) == Period(first, last)


@pytest.mark.parametrize(
    ("basis", "value", "returned"),
    [
        ("leads", 0, 0),
        ("leads", 2, 2),
        ("leads_percent", 0, 0),
        ("leads_percent", 33, 1),  # 0.99 of a lead, rounded up
        ("leads_percent", 34, 2),
        ("revenue_percent", 33, 0),  # $24.75 of $75.00
        ("revenue_percent", 34, 1),
        ("revenue_percent", 100, 3),
    ],
)
def test_limit_stops_requests(
    sales: list[Assignment], policy: ReturnPolicy, basis: str, value: int, returned: int
) -> None:
    change(policy, limit_basis=basis, limit_value=value)

    for sold in sales[:returned]:
        ask(sold)
    for sold in sales[returned:]:
        refused("limit_reached", ask, sold)


def test_declined_request_gives_its_place_back(sales: list[Assignment], policy: ReturnPolicy) -> None:
    change(policy, limit_basis="leads", limit_value=1)
    first = ask(sales[0])
    refused("limit_reached", ask, sales[1])

    decline_return(first.pk, ANN)

    approve_return(ask(sales[1]).pk, ANN)
    refused("limit_reached", ask, sales[2])


def test_return_counts_in_the_period_of_its_sale(sales: list[Assignment], policy: ReturnPolicy) -> None:
    """Asked for in April: the lead of April has a place although March is used up."""
    change(policy, limit_basis="leads", limit_value=1)
    Assignment.objects.filter(pk=sales[2].pk).update(counted_on=date(2026, 4, 1))
    at = SOLD_AT + timedelta(days=2)

    ask(sales[0], at=at)
    refused("limit_reached", ask, sales[1], at=at)
    ask(sales[2], at=at)


def test_second_part_of_one_lead_takes_no_second_place(sales: list[Assignment], policy: ReturnPolicy) -> None:
    change(policy, limit_basis="leads", limit_value=1)

    for _ in range(2):
        approve_return(ask(sales[0], Ask("bad_phone", "x", 100)).pk, ANN)

    refused("limit_reached", ask, sales[1])


def test_returns_by_the_agency_take_no_place(sales: list[Assignment], policy: ReturnPolicy) -> None:
    change(policy, limit_basis="leads", limit_value=1)
    return_assignment(sales[0].public_id, actor="ann", reason="our mistake")

    assert ask(sales[1]).state == "requested"
