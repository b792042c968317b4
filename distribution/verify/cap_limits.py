"""What limited each buyer of a campaign, version by version, for the check of caps."""

import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple

from django.db import connection

# What limited the sales in each snapshot of a campaign, from the first one that sold since then: each buyer's caps,
# budgets and time zone.
LIMITS: Final = """
SELECT s.config_version, (e ->> 'buyer_id')::bigint, e -> 'caps', e -> 'budgets', b ->> 'timezone'
FROM distribution_campaignsnapshot s
LEFT JOIN LATERAL (
    SELECT e, b FROM jsonb_array_elements(s.config -> 'enrollments') AS e
    JOIN jsonb_array_elements(s.config -> 'buyers') AS b ON b -> 'id' = e -> 'buyer_id'
) each ON true
WHERE s.campaign_id = %(campaign)s AND s.config_version >= (
    SELECT MIN(a.config_version) FROM distribution_assignment d JOIN tracing_attempt a ON a.id = d.attempt_id
    WHERE d.campaign_id = %(campaign)s AND d.created_at >= %(since)s
)
ORDER BY s.config_version
"""


class LimitsRow(NamedTuple):
    """One row of LIMITS, in the order of its columns. `buyer_id` None: the version enrolled no buyer."""

    config_version: int
    buyer_id: int | None
    caps: Any
    budgets: Any
    timezone: str


@dataclass(frozen=True, slots=True)
class BuyerLimits:
    """What limited one buyer in one version."""

    caps: Mapping[str, int | None]
    budgets: Mapping[str, int | None]
    timezone: str


class LimitHistory:
    """The limits of a campaign's buyers by version. For each buyer it has only the versions that changed its limits."""

    def __init__(self, campaign_id: int | None, since: datetime) -> None:
        self.campaign_id = campaign_id
        self._versions: set[int] = set()
        self._changes: dict[int, tuple[list[int], list[BuyerLimits | None]]] = {}
        if campaign_id is not None:
            self._load(campaign_id, since)

    def find(self, buyer_id: int, version: int | None) -> BuyerLimits | None:
        """None if the sale has no trace, or if no snapshot has the buyer."""
        if version not in self._versions or buyer_id not in self._changes:
            return None
        versions, limits = self._changes[buyer_id]
        place = bisect_right(versions, version)
        return limits[place - 1] if place else None

    def _load(self, campaign_id: int, since: datetime) -> None:
        with connection.chunked_cursor() as cursor:
            cursor.execute(LIMITS, {"campaign": campaign_id, "since": since})
            found = (LimitsRow(*row) for row in iter(cursor.fetchone, None))
            for version, rows in groupby(found, key=attrgetter("config_version")):
                self._add(version, {row.buyer_id: row for row in rows if row.buyer_id is not None})

    def _add(self, version: int, limits: Mapping[int, LimitsRow]) -> None:
        self._versions.add(version)
        for buyer_id in self._changes.keys() - limits.keys():
            self._note(version, buyer_id, None)
        for buyer_id, row in limits.items():
            self._note(version, buyer_id, BuyerLimits(_object(row.caps), _object(row.budgets), row.timezone))

    def _note(self, version: int, buyer_id: int, limits: BuyerLimits | None) -> None:
        versions, known = self._changes.setdefault(buyer_id, ([], []))
        if not known or known[-1] != limits:
            versions.append(version)
            known.append(limits)


def _object(value: Any) -> Mapping[str, int | None]:
    parsed: Mapping[str, int | None] = json.loads(value) if isinstance(value, str) else value
    return parsed
