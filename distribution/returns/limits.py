"""How much of a buyer's limit is used. A return counts in the period in which its lead was sold.

So a lead that is sold on the last day of a month and returned on the first of the next counts in the first of them. A
buyer is not refused at the start of a month because it has bought little yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db import connection

from distribution.configuration.return_reasons import BY_AGENCY
from distribution.models import Assignment, ReturnLimit, ReturnPolicy
from distribution.returns.refusals import ReturnRefused
from distribution.sql_arrays import array_literal
from tracing.wording import count, money

PERCENT: Final = 100

# One row for each buyer `g` with its period. The inner SELECT of `sold` walks the buyer's sales back to the first one
# before the period. A change of its time zone moves a date by one day at most.
#
# An open request counts with what it asks for, and never with more than what is left of the charge: earlier refunds of
# the same lead count by themselves.
READ: Final = """
SELECT g.buyer, sold.count, sold.cents::bigint, returned.count, returned.cents::bigint
FROM unnest(%(buyers)s::bigint[], %(first)s::date[], %(last)s::date[]) AS g(buyer, first, last), LATERAL (
    SELECT count(*), COALESCE(SUM(price_cents), 0) AS cents FROM distribution_assignment
    WHERE buyer_id = g.buyer AND state IN ('sold', 'returned') AND NOT is_test
        AND counted_on BETWEEN g.first AND g.last
        AND id > COALESCE((
            SELECT id FROM distribution_assignment
            WHERE buyer_id = g.buyer AND counted_on < g.first - 1 ORDER BY id DESC LIMIT 1
        ), 0)
) sold, LATERAL (
    SELECT count(DISTINCT r.assignment_id), COALESCE(SUM(COALESCE(r.refund_cents, LEAST(r.asked_cents, (
        SELECT SUM(-l.amount_cents) FROM distribution_ledgerentry l
        WHERE l.assignment_id = a.id AND l.kind IN ('charge', 'capture', 'refund')
    )))), 0) AS cents
    FROM distribution_returnrequest r JOIN distribution_assignment a ON a.id = r.assignment_id
    WHERE r.buyer_id = g.buyer AND r.state IN ('requested', 'approved') AND r.reason <> %(agency)s AND NOT a.is_test
        AND a.counted_on BETWEEN g.first AND g.last
) returned
"""


@dataclass(frozen=True, slots=True)
class Period:
    """Calendar days of the buyer, both included."""

    first: date
    last: date

    def __str__(self) -> str:
        """ "from Nov 1, 2026 to Nov 30, 2026"."""
        first, last = (f"{day:%b} {day.day}, {day.year}" for day in (self.first, self.last))
        return f"on {first}" if first == last else f"from {first} to {last}"


@dataclass(frozen=True, slots=True)
class Usage:
    """Leads and cents of one period: sold, and returned or waiting for review."""

    sold: int
    sold_cents: int
    returned: int
    returned_cents: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """In leads or in cents, by the basis of the limit. None: no limit."""

    allowed: int | None
    used: int

    @property
    def left(self) -> int | None:
        return None if self.allowed is None else max(0, self.allowed - self.used)


@dataclass(frozen=True, slots=True)
class Limit:
    """`is_money`: the amounts are cents, not leads. `least`: what the smallest return of the lead takes."""

    period: Period
    allowance: Allowance
    is_money: bool
    least: int

    @property
    def is_used_up(self) -> bool:
        return not self.allows(self.least)

    def allows(self, needed: int) -> bool:
        return self.allowance.left is None or needed <= self.allowance.left

    def show(self, amount: int) -> str:
        return money(amount) if self.is_money else count(amount, "lead")


def find_period(kind: str, *, day: date) -> Period:
    if kind == "day":
        return Period(day, day)
    if kind == "week":
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=6))
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def read_usage(buyer_id: int, period: Period) -> Usage:
    """For a decision it needs the lock of the buyer's wallet, which every request takes."""
    return read_usages({buyer_id: period})[buyer_id]


def read_usages(periods: Mapping[int, Period]) -> dict[int, Usage]:
    """By the buyer's id, each in its own period. One statement."""
    values = {
        "buyers": array_literal(periods),
        "first": array_literal(period.first for period in periods.values()),
        "last": array_literal(period.last for period in periods.values()),
        "agency": BY_AGENCY,
    }
    with connection.cursor() as cursor:
        cursor.execute(READ, values)
        return {buyer_id: Usage(*figures) for buyer_id, *figures in cursor.fetchall()}


def find_allowance(policy: ReturnPolicy, usage: Usage) -> Allowance:
    """A percentage of leads is rounded up, so that the first lead of a period can be returned."""
    value = policy.limit_value or 0
    match policy.limit_basis:
        case ReturnLimit.LEADS:
            return Allowance(value, usage.returned)
        case ReturnLimit.LEADS_PERCENT:
            return Allowance(-(-usage.sold * value // PERCENT), usage.returned)
        case ReturnLimit.REVENUE_PERCENT:
            return Allowance(usage.sold_cents * value // PERCENT, usage.returned_cents)
    return Allowance(None, usage.returned)


def find_limit(assignment: Assignment, *, policy: ReturnPolicy) -> Limit | None:
    """What the limit leaves of the period in which the lead was sold. None: no limit."""
    if policy.limit_basis == ReturnLimit.NONE or assignment.is_test:
        return None
    assert assignment.counted_on is not None  # noqa: S101 - a constraint of the table
    period = find_period(policy.limit_period, day=assignment.counted_on)
    allowance = find_allowance(policy, read_usage(assignment.buyer_id, period))
    is_money = policy.limit_basis == ReturnLimit.REVENUE_PERCENT
    return Limit(period, allowance, is_money, 1 if is_money else _count_lead(assignment))


def refuse_above_limit(assignment: Assignment, *, policy: ReturnPolicy, amount_cents: int) -> None:
    """Raises ReturnRefused. Needs the wallet's lock: two requests must not both take the last place."""
    limit = find_limit(assignment, policy=policy)
    if limit is None or limit.allows(amount_cents if limit.is_money else limit.least):
        return
    message = (
        f"Your return limit for leads sold {limit.period} is reached: {limit.show(limit.allowance.left or 0)} left."
        " Contact your agency."
    )
    raise ReturnRefused(message, code="limit_reached")


def _count_lead(assignment: Assignment) -> int:
    """A lead with an approved partial refund counts already."""
    counted = assignment.returns.filter(state="approved").exclude(reason=BY_AGENCY)
    return 0 if counted.exists() else 1
