"""How many leads a buyer was shown in offers and did not get. Reads only."""

from datetime import datetime
from typing import Any, Final

from django.db import connection

from distribution.explain.missed_period import LAST_ID, MissedPeriod, Timeline, find_range
from distribution.explain.missed_places import LIST_PLACES
from distribution.models import Buyer

COUNT: Final = f"SELECT count(*) FROM ({LIST_PLACES} LIMIT %(limit)s) AS shown"  # noqa: S608 - constants only


def count_shown(buyer: Buyer, *, since: datetime, limit: int) -> int:
    """As `missed/` lists them. It counts no further than `limit`."""
    first = find_range(buyer.pk, MissedPeriod(starts_at=since), timeline=Timeline.PLACES).first
    asked: dict[str, Any] = {
        "buyer": buyer.pk,
        "from": first,
        "before": LAST_ID,
        "reason": None,
        "exclude": [],
        "starts_at": since,
        "ends_at": None,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, asked)
        row: tuple[int] = cursor.fetchone()
    return row[0]
