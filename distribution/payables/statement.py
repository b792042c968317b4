"""The statement of a source for a period: what it earned, what was deducted and paid, and what is owed at the end.

Days are those of the workspace's time zone. An entry is in the day on which it was written, so a statement of past days
never changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection

from distribution.models import PayableEntry
from distribution.payables.charged_back import ChargedBackLead, read_charged_back
from routing.calendar.zones import load_zone, start_of_day
from routing.models import Source

LONGEST_DAYS: Final = 366
DAY: Final = timedelta(days=1)

OPENING: Final = """
SELECT COALESCE(SUM(amount_cents), 0) FROM distribution_payableentry
WHERE source_id = %(source)s AND created_at < %(starts_at)s
"""
# The row without a day has the totals: a lead of two days counts once.
DAYS: Final = """
SELECT (created_at AT TIME ZONE %(timezone)s)::date AS day,
    count(DISTINCT lead_id) FILTER (WHERE kind = 'earned') AS leads,
    count(*) FILTER (WHERE kind = 'earned') AS sales,
    count(*) FILTER (WHERE kind = 'deducted') AS returns,
    count(DISTINCT lead_id) FILTER (WHERE kind = 'deducted' AND amount_cents < 0) AS charged_back,
    COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'earned'), 0)::bigint AS earned_cents,
    COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'deducted'), 0)::bigint AS deducted_cents,
    COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'adjustment'), 0)::bigint AS adjusted_cents,
    COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'paid'), 0)::bigint AS paid_cents
FROM distribution_payableentry
WHERE source_id = %(source)s AND created_at >= %(starts_at)s AND created_at < %(ends_at)s
GROUP BY GROUPING SETS ((1), ())
ORDER BY day NULLS FIRST
"""
BALANCES: Final = """
WITH shown AS (
    SELECT source_id, MIN(id) AS first_id, MAX(id) AS last_id FROM distribution_payableentry
    WHERE id = ANY(%(ids)s) GROUP BY source_id
)
SELECT summed.id, summed.balance_cents FROM shown, LATERAL (
    SELECT e.id, SUM(e.amount_cents) OVER (ORDER BY e.id) + COALESCE((
        SELECT SUM(amount_cents) FROM distribution_payableentry
        WHERE source_id = shown.source_id AND id < shown.first_id
    ), 0) AS balance_cents
    FROM distribution_payableentry e
    WHERE e.source_id = shown.source_id AND e.id BETWEEN shown.first_id AND shown.last_id
) summed
WHERE summed.id = ANY(%(ids)s)
"""


class PeriodRefused(ValueError):
    """The period cannot be shown. The message says why."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Amounts are signed: deductions and payments are 0 or below.

    `charged_back`: leads of which something was deducted, because a buyer got money back.
    """

    leads: int = 0
    sales: int = 0
    returns: int = 0
    charged_back: int = 0
    earned_cents: int = 0
    deducted_cents: int = 0
    adjusted_cents: int = 0
    paid_cents: int = 0

    @property
    def change_cents(self) -> int:
        return self.earned_cents + self.deducted_cents + self.adjusted_cents + self.paid_cents


@dataclass(frozen=True, slots=True)
class StatementDay:
    """`balance_cents`: what is owed at the end of the day."""

    day: date
    figures: Figures
    balance_cents: int


@dataclass(frozen=True, slots=True)
class Statement:
    """`days`: those with an entry. `charged_back`: the newest returned leads that the source pays for."""

    source: Source
    timezone: str
    first_day: date
    last_day: date
    opening_cents: int
    total: Figures
    days: Sequence[StatementDay]
    charged_back: Sequence[ChargedBackLead]

    @property
    def closing_cents(self) -> int:
        return self.opening_cents + self.total.change_cents


def read_statement(source: Source, *, first_day: date, last_day: date) -> Statement:
    """Both days are included. Raises PeriodRefused."""
    check_period(first_day, last_day)
    timezone = source.workspace.timezone
    zone = load_zone(timezone)
    given = {
        "source": source.pk,
        "timezone": timezone,
        "starts_at": start_of_day(first_day, zone=zone),
        "ends_at": start_of_day(last_day + DAY, zone=zone),
    }
    total, *days = _rows(DAYS, given)
    figures = Figures(*total[1:])
    opening_cents = int(_rows(OPENING, given)[0][0])
    return Statement(
        source=source,
        timezone=timezone,
        first_day=first_day,
        last_day=last_day,
        opening_cents=opening_cents,
        total=figures,
        days=tuple(_add_up(days, opening_cents)),
        charged_back=read_charged_back(given) if figures.charged_back else (),
    )


def check_period(first_day: date, last_day: date) -> None:
    if last_day < first_day:
        raise PeriodRefused("the last day is before the first")
    if (last_day - first_day).days >= LONGEST_DAYS:
        message = f"a statement has at most {LONGEST_DAYS} days"
        raise PeriodRefused(message)
    if first_day.year < 2000 or last_day.year > 9000:
        raise PeriodRefused("the year is not one of this product's")


def current_month(source: Source, *, at: datetime) -> tuple[date, date]:
    """The first day of the month, and today, in the time zone of the source's workspace."""
    today = at.astimezone(load_zone(source.workspace.timezone)).date()
    return today.replace(day=1), today


def read_balances_after(entries: Sequence[PayableEntry]) -> dict[int, int]:
    """Return what was owed to the source after each of these entries, by the entry's id.

    Reads the index of each source once. Entries of sales that commit at the same time are in the order of their ids.
    """
    return {row_id: int(cents) for row_id, cents in _rows(BALANCES, {"ids": [each.pk for each in entries]})}


def _add_up(days: Sequence[tuple[Any, ...]], opening_cents: int) -> Iterator[StatementDay]:
    balance_cents = opening_cents
    for day, *figures in days:
        found = Figures(*figures)
        balance_cents += found.change_cents
        yield StatementDay(day, found, balance_cents)


def _rows(sql: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
