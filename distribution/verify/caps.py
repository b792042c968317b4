"""Invariant 8: counters tell the sales of the current windows, and no cap or budget was ever sold past.

The sales of each enrollment are counted again in their order, in the timezone and under the limits of the version
that made them. Returns are the one thing a count cannot repeat exactly: whether one was given back is the campaign's
setting at that time. So a counter may hold all returned sales or none of them. A limit on the leads does not narrow
this check: a counter needs all its sales.
"""

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from django.db import connection

from distribution.verify.findings import Findings, Scope
from distribution.verify.reading import stream
from routing.windows import WINDOW_KINDS, WindowKind, get_window

MAX_SNAPSHOTS: Final = 2_000

_COUNTERS: Final = ", ".join(
    f"e.{kind}_starts_at, e.{kind}_leads, e.{kind}_spent_cents" for kind in WINDOW_KINDS
)

# Every enrollment with its counters, once for each sale that a current window can hold (or once, without a sale).
SALES: Final = f"""
SELECT e.id, b.timezone, {_COUNTERS},
    d.id, d.created_at, d.returned_at, d.price_cents, a.campaign_id, a.config_version
FROM distribution_enrollment e
JOIN distribution_buyer b ON b.id = e.buyer_id
LEFT JOIN distribution_assignment d ON d.enrollment_id = e.id AND d.created_at >= %(since)s
LEFT JOIN tracing_attempt a ON a.id = d.attempt_id
ORDER BY e.id, d.id
"""  # noqa: S608 - only a constant column list is put in

# Of a snapshot only what limits a sale: enrollment -> its caps, budgets and its buyer's timezone.
LIMITS: Final = """
SELECT (e ->> 'id')::bigint, e -> 'caps', e -> 'budgets', b ->> 'timezone'
FROM distribution_campaignsnapshot s
CROSS JOIN jsonb_array_elements(s.config -> 'enrollments') AS e
JOIN jsonb_array_elements(s.config -> 'buyers') AS b ON b -> 'id' = e -> 'buyer_id'
WHERE s.campaign_id = %s AND s.config_version = %s
"""

LONGEST_WINDOW: Final = timedelta(days=33)


@dataclass(frozen=True, slots=True)
class Sale:
    at: datetime
    returned_at: datetime | None
    price_cents: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What limited one enrollment in one version."""

    caps: Mapping[str, int | None]
    budgets: Mapping[str, int | None]
    timezone: str


@dataclass(slots=True)
class Window:
    """One kind's latest window and the sales counted in it so far."""

    starts_at: datetime
    sales: list[Sale] = field(default_factory=list)

    def used(self, *, at: datetime) -> tuple[int, int]:
        """Leads and cents without what had been returned by then."""
        live = [sale.price_cents for sale in self.sales if sale.returned_at is None or sale.returned_at > at]
        return len(live), sum(live)


def check(scope: Scope, findings: Findings) -> None:
    snapshots = _Snapshots()
    since = scope.at - LONGEST_WINDOW
    for enrollment_id, rows in groupby(stream(SALES, scope, since=since), key=lambda row: row[0]):
        findings.checked += 1
        for message in _judge(rows, snapshots, at=scope.at):
            findings.add(f"enrollment {enrollment_id}", message)


def _judge(rows: Iterator[tuple[Any, ...]], snapshots: "_Snapshots", *, at: datetime) -> Iterator[str]:
    counted: dict[WindowKind, Window] = {}
    head: tuple[Any, ...] = ()
    for row in rows:
        head = row
        assignment_id, *_, campaign_id, config_version = row[14:]
        if assignment_id is None:
            continue
        sale = Sale(*row[15:18])
        limits = snapshots.get(campaign_id, config_version).get(row[0])
        _count(counted, sale, timezone=limits.timezone if limits else row[1])
        if limits is not None:
            yield from _judge_limits(counted, sale, limits, name=f"assignment {assignment_id}")
    for place, kind in enumerate(WINDOW_KINDS):
        stored = head[2 + 3 * place : 5 + 3 * place]
        current = get_window(kind, at=at, tz=head[1])[0]
        yield from _judge_counter(kind, stored, counted.get(kind), current=current)


def _count(counted: dict[WindowKind, Window], sale: Sale, *, timezone: str) -> None:
    """As distribution.engine.consume does: a later window than the sale's own goes on counting."""
    for kind in WINDOW_KINDS:
        starts_at = get_window(kind, at=sale.at, tz=timezone)[0]
        window = counted.get(kind)
        if window is None or window.starts_at < starts_at:
            window = counted[kind] = Window(starts_at)
        window.sales.append(sale)


def _judge_limits(
    counted: Mapping[WindowKind, Window], sale: Sale, limits: Limits, *, name: str
) -> Iterator[str]:
    for kind, window in counted.items():
        leads, cents = window.used(at=sale.at)
        cap, budget = limits.caps.get(kind), limits.budgets.get(kind)
        if cap is not None and leads > cap:
            yield f"{name} is lead {leads} of its {kind}, the cap was {cap}"
        if budget is not None and cents > budget:
            yield f"{name} brings its {kind} to {cents} cents, the budget was {budget}"


def _judge_counter(
    kind: WindowKind, stored: tuple[Any, ...], window: Window | None, *, current: datetime
) -> Iterator[str]:
    starts_at, leads, cents = stored
    sales = window.sales if window is not None and window.starts_at >= current else []
    if starts_at is None or starts_at < current:
        leads, cents = 0, 0  # an older window: whatever it counted has run out
    live = [sale.price_cents for sale in sales if sale.returned_at is None]
    every = [sale.price_cents for sale in sales]
    if not len(live) <= leads <= len(every) or not sum(live) <= cents <= sum(every):
        yield f"counts {leads} leads and {cents} cents this {kind}, {len(live)} for {sum(live)} cents are live"


class _Snapshots:
    """The limits in the snapshots, the least recently used dropped first."""

    def __init__(self) -> None:
        self._limits: OrderedDict[tuple[int | None, int | None], Mapping[int, Limits]] = OrderedDict()

    def get(self, campaign_id: int | None, config_version: int | None) -> Mapping[int, Limits]:
        """Empty for a sale whose trace could not be written."""
        key = (campaign_id, config_version)
        if key not in self._limits:
            self._limits[key] = {} if campaign_id is None else self._load(campaign_id, config_version)
            while len(self._limits) > MAX_SNAPSHOTS:
                self._limits.popitem(last=False)
        self._limits.move_to_end(key)
        return self._limits[key]

    def _load(self, campaign_id: int, config_version: int | None) -> Mapping[int, Limits]:
        with connection.cursor() as cursor:
            cursor.execute(LIMITS, [campaign_id, config_version])
            return {row[0]: Limits(_object(row[1]), _object(row[2]), row[3]) for row in cursor.fetchall()}


def _object(value: Any) -> Mapping[str, int | None]:
    parsed: Mapping[str, int | None] = json.loads(value) if isinstance(value, str) else value
    return parsed
