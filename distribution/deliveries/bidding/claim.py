"""Claims open auctions for this process, and reads what each buyer's system is sent.

One statement marks every buyer as asked and commits, before anything is sent. So each is asked once: another process
that claims at the same moment finds the auction locked, or its buyers marked. A process that is killed afterwards asks
nobody again, and the auction is closed with the bids that were written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from django.db import connection
from psycopg.pq import Format
from uuid6 import uuid7

from distribution.deliveries.bidding.health import Health
from distribution.deliveries.bidding.targets import PingTarget, read_target
from distribution.deliveries.payloads.fields import Facts
from distribution.deliveries.payloads.pings import describe_partial
from distribution.models import Endpoint
from distribution.models.offer import WRITING

AUCTIONS_AT_ONCE: Final = 50
# An endpoint of the campaign itself comes first. Its version is that of its row, as in the claim of deliveries.
CLAIM: Final = f"""
WITH auction AS MATERIALIZED (
    SELECT o.id FROM distribution_offer o
    WHERE o.state = 'open' AND o.kind = 'auction' AND o.closes_at > clock_timestamp() AND EXISTS (
        SELECT FROM distribution_offerbuyer b
        WHERE b.offer_id = o.id AND b.bid_outcome = '' AND b.asked_at IS NULL
    )
    ORDER BY o.closes_at LIMIT {AUCTIONS_AT_ONCE}
    FOR NO KEY UPDATE OF o SKIP LOCKED
), asked AS (
    UPDATE distribution_offerbuyer b SET asked_at = clock_timestamp()
    FROM auction
    WHERE b.offer_id = auction.id AND b.bid_outcome = '' AND b.asked_at IS NULL
    RETURNING b.id, b.offer_id, b.buyer_id, b.asked_at
)
SELECT asked.id, asked.offer_id, o.lead_id, c.workspace_id, o.partial::text, l.received_at, l.is_test, c.name, y.name,
    t.id, concat_ws('.', t.xmin, t.ctid), t.failing_since,
    t.failing_since IS NULL AND COALESCE(t.last_success_at > asked.asked_at - interval '30 seconds', false),
    asked.asked_at,
    extract(epoch FROM o.closes_at - interval '{WRITING.total_seconds()} seconds' - clock_timestamp())::float8
FROM asked
JOIN distribution_offer o ON o.id = asked.offer_id
JOIN routing_lead l ON l.id = o.lead_id
JOIN distribution_campaign c ON c.id = o.campaign_id
JOIN distribution_buyer y ON y.id = asked.buyer_id
LEFT JOIN LATERAL (
    SELECT e.id, e.xmin, e.ctid, e.failing_since, e.last_success_at FROM distribution_endpoint e
    WHERE e.buyer_id = asked.buyer_id AND e.purpose = 'ping' AND e.active AND e.disabled_at IS NULL
        AND (e.campaign_id IS NULL OR e.campaign_id = o.campaign_id)
    ORDER BY e.campaign_id IS NULL, e.id LIMIT 1
) t ON true
ORDER BY asked.offer_id, asked.id
"""  # noqa: S608 - only numbers are put in


class _Row(NamedTuple):
    """One row of CLAIM, in the order of its columns."""

    id: int
    offer_id: int
    lead_id: int
    workspace_id: int
    partial: str
    received_at: datetime
    is_test: bool
    campaign: str
    buyer: str
    endpoint_id: int | None
    version: str
    failing_since: datetime | None
    is_known_to_work: bool
    asked_at: datetime
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One buyer to ask. `target` None: its endpoint is off. `seconds_left`: until the bid deadline, from `asked_at`.

    `workspace_id`: of the campaign.
    """

    id: int
    offer_id: int
    lead_id: int
    workspace_id: int
    target: PingTarget | None
    health: Health
    facts: Facts = field(repr=False)
    is_test: bool
    asked_at: datetime
    seconds_left: float


class Targets:
    """Endpoints that are ready to be asked, remembered until their rows change. Used by one thread."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[str, PingTarget]] = {}

    def find(self, versions: Mapping[int, str]) -> dict[int, PingTarget]:
        """By id. One statement for those that changed."""
        changed = [pk for pk, version in versions.items() if self._kept.get(pk, ("",))[0] != version]
        for pk in changed:
            endpoint = Endpoint.objects.defer("headers", "template").filter(pk=pk).first()
            if endpoint is not None:
                self._kept[pk] = (versions[pk], read_target(endpoint))
        return {pk: self._kept[pk][1] for pk in versions if pk in self._kept}


def claim_auctions(targets: Targets) -> list[Question]:
    """The buyers to ask now, each once in the life of an auction. Needs no open transaction."""
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(CLAIM)
        rows = list(map(_Row._make, cursor.fetchall()))
    found = targets.find({row.endpoint_id: row.version for row in rows if row.endpoint_id is not None})
    partials = _read_partials(rows)
    return [_make_question(row, found, partials[row.offer_id]) for row in rows]


def _read_partials(rows: Sequence[_Row]) -> dict[int, Mapping[str, Any]]:
    """By auction: all of its buyers are sent the same."""
    return {row.offer_id: orjson.loads(row.partial) for row in rows}


def _make_question(row: _Row, found: Mapping[int, PingTarget], partial: Mapping[str, Any]) -> Question:
    lead = describe_partial(
        partial,
        received_at=row.received_at,
        campaign=row.campaign,
        buyer=row.buyer,
        is_test=row.is_test,
    )
    return Question(
        id=row.id,
        offer_id=row.offer_id,
        lead_id=row.lead_id,
        workspace_id=row.workspace_id,
        target=None if row.endpoint_id is None else found.get(row.endpoint_id),
        health=Health(row.failing_since, row.is_known_to_work),
        facts=Facts(lead=lead, message_id=str(uuid7())),
        is_test=row.is_test,
        asked_at=row.asked_at,
        seconds_left=row.seconds_left,
    )
