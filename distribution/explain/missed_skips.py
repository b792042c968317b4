"""The leads that a buyer missed because an attempt skipped it: rows of the trace. Reads only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from distribution.explain.decisive import IS_DECISIVE, LEFT_OUT
from distribution.explain.missed_rows import (
    ALREADY_HAD,
    HEAD_COLUMNS,
    FoundLead,
    Head,
    SkippedAttempt,
    hide_person,
)
from distribution.explain.missed_systems import DECIDED_BY_BIDS, find_answered
from distribution.models import Buyer
from tracing import wording
from tracing.names import BuyerName, Names
from tracing.narrator import describe_change, describe_events, describe_obstacles
from tracing.obstacles import fixer_of
from tracing.vocabulary import Event

# Before a buyer has bid in an auction, its gates are checked at 0 cents. That is no price.
COST: Final = "CASE WHEN c.mode = 'auction' THEN NULLIF(e.cost_cents, 0) ELSE e.cost_cents END"
# The event must be a constant in the text, because the partial index event_buyer_skipped requires it.
_SKIPS: Final = f"""
SELECT e.id, a.id, e.skip_reason, {COST}, e.data::text, a.number, a.result, a.finished_at, {HEAD_COLUMNS}
FROM tracing_leaddistributionevent e
JOIN tracing_attempt a ON a.id = e.attempt_id
JOIN routing_lead l ON l.id = e.lead_id
LEFT JOIN distribution_campaign c ON c.id = a.campaign_id
WHERE e.event = '{Event.BUYER_SKIPPED}' AND e.buyer_id = %(buyer)s AND NOT l.is_test
"""  # noqa: S608 - constants only
_MISSED: Final = (
    f"""{_SKIPS} AND e.skip_reason <> '{ALREADY_HAD}' AND NOT {LEFT_OUT.format("e")} AND {IS_DECISIVE}"""
)
LIST_MISSED: Final = f"""{_MISSED}
    AND e.id < %(before)s AND e.id >= %(from)s AND (%(reason)s::text IS NULL OR e.skip_reason = %(reason)s)
    AND e.skip_reason <> ALL(%(exclude)s)
    AND (%(starts_at)s::timestamptz IS NULL OR a.finished_at >= %(starts_at)s)
    AND (%(ends_at)s::timestamptz IS NULL OR a.finished_at < %(ends_at)s)
ORDER BY e.id DESC
"""
# By the lead's attempts first: a buyer has many events, a lead few.
_OF_LEAD: Final = """
    AND e.attempt_id IN (SELECT x.id FROM tracing_attempt x JOIN routing_lead y ON y.id = x.lead_id
                         WHERE y.public_id = %(lead)s)
"""
FIND_MISSED: Final = f"{_MISSED}{_OF_LEAD}ORDER BY a.number DESC"
LIST_SKIPS: Final = f"{_SKIPS}{_OF_LEAD}ORDER BY a.number DESC"


@dataclass(slots=True)
class SkipRow:
    """What the narrator reads of an event."""

    buyer_id: int
    skip_reason: str
    cost_cents: int | None
    data: Mapping[str, Any]
    seq: int = 0
    event: str = Event.BUYER_SKIPPED
    outcome: str = "skipped"


class _SkipColumns(NamedTuple):
    """What a row of _SKIPS has before the columns of Head."""

    event_id: int
    attempt_id: UUID
    skip_reason: str
    cost_cents: int | None
    data: str
    number: int
    result: str
    finished_at: datetime


_OWN: Final = len(_SkipColumns._fields)


def read_skips(sql: str, buyer: Buyer, *, limit: int, **parameters: Any) -> list[FoundLead]:
    """The limit is in the text, because the planner must know that only a page is read."""
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} LIMIT {int(limit)}", {"buyer": buyer.pk, **parameters})
        rows = cursor.fetchall()
    skips = [(_SkipColumns(*row[:_OWN]), Head(*row[_OWN:])) for row in rows]
    of_bids = [row.attempt_id for row, _ in skips if row.skip_reason in DECIDED_BY_BIDS]
    answered = find_answered(buyer, of_bids)
    return [_describe(row, head, buyer, has_own_answer=row.attempt_id in answered) for row, head in skips]


def _describe(row: _SkipColumns, head: Head, buyer: Buyer, *, has_own_answer: bool) -> FoundLead:
    data = hide_person(json.loads(row.data), head.person())
    event = SkipRow(buyer.pk, row.skip_reason, row.cost_cents, data)
    names = Names(buyers={buyer.pk: BuyerName(buyer.name, buyer.timezone)})
    higher = _ranked_higher(event)
    gates = tuple(describe_obstacles(event, names=names))
    skip = SkippedAttempt(
        attempt_id=row.attempt_id,
        number=row.number,
        decided_at=row.finished_at,
        reason=row.skip_reason,
        sentence=describe_events([event], names=names)[0]
        if higher is None
        else _outranked(buyer, event, higher, row.result),
        change=describe_change(event, names=names),
        fixer=gates[0].fixer if gates else fixer_of(row.skip_reason),
        price_cents=row.cost_cents,
        ranked_higher=higher,
        gates=gates,
        has_own_answer=has_own_answer,
    )
    return FoundLead(row.event_id, head, skip)


def _ranked_higher(event: SkipRow) -> int | None:
    """Return how many buyers ranked higher, but not which ones."""
    rank = event.data.get("rank")
    return rank - 1 if event.skip_reason in ("outranked", "outbid") and isinstance(rank, int) else None


def _outranked(buyer: Buyer, event: SkipRow, higher: int, result: str) -> str:
    if event.skip_reason == "outbid":
        sold = "was sold at another bid" if result == "success" else "went to another bid"
        bid = wording.money(event.cost_cents or 0)
        return f"{buyer.name}: its bid of {bid} ranked {wording.ordinal(higher + 1)}. The lead {sold}."
    if higher == 0 or result != "success":
        return f"{buyer.name}: eligible, but the lead is sold to as many buyers as the campaign allows."
    return f"{buyer.name}: eligible, but {wording.count(higher, 'buyer')} ranked higher."
