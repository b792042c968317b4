"""Finds the months that have ended without a statement of a buyer on net terms, oldest first for each buyer."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from django.db import connection

MISSING: Final = """
SELECT w.id, m::date
FROM distribution_wallet w
JOIN distribution_buyer b ON b.id = w.buyer_id
CROSS JOIN LATERAL generate_series(
    w.statements_from::timestamp,
    date_trunc('month', %(at)s::timestamptz AT TIME ZONE b.timezone) - interval '1 month',
    interval '1 month'
) m
WHERE w.terms_days IS NOT NULL AND NOT EXISTS (
    SELECT FROM distribution_buyerstatement s WHERE s.wallet_id = w.id AND s.month = m::date
)
ORDER BY w.id, m
LIMIT %(limit)s
"""


class Missing(NamedTuple):
    """One row of MISSING, in the order of its columns."""

    wallet_id: int
    first_day: date


def find_missing(*, at: datetime, limit: int) -> Sequence[Missing]:
    with connection.cursor() as cursor:
        cursor.execute(MISSING, {"at": at, "limit": limit})
        return [Missing(*row) for row in cursor.fetchall()]
