"""Invariant 8: counters equal the sales of the current windows, and no sale exceeded a cap or a budget.

The check counts the sales of a buyer in a campaign again, by the buyer's calendar date, from the assignments alone. The
enrollment and the time zone may have changed since. It makes one pass with running totals and reads each snapshot once.
The date that a sale counts in follows from its time and the time zone of the version that sold it. A limit on the leads
does not narrow this check, since a counter needs all its sales. An incremental run counts each touched pair of campaign
and buyer in full. Test sales count in nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from heapq import heappop, heappush
from itertools import chain, groupby
from operator import attrgetter
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from distribution.counters import COUNTERS, date_windows
from distribution.verify.cap_limits import BuyerLimits, LimitHistory
from distribution.verify.findings import Findings
from distribution.verify.reading import stream
from distribution.verify.slices import Slice
from routing.calendar.windows import WINDOW_KINDS, WindowKind, window_start
from tracing.wording import count

# Every pair of buyer and campaign with its live counters: one row for each sale since then, or one row without a sale.
SALES: Final = f"""
SELECT COALESCE(e.campaign_id, d.campaign_id) AS campaign_id, COALESCE(e.buyer_id, d.buyer_id) AS buyer_id,
    e.id AS enrollment_id, b.timezone, {COUNTERS},
    d.id AS sale_id, d.created_at, d.counted_on, d.is_counted, d.returned_after, d.price_cents, a.config_version
FROM (SELECT * FROM distribution_enrollment WHERE archived_at IS NULL) e
FULL JOIN (SELECT * FROM distribution_assignment WHERE created_at >= %(since)s AND NOT is_test) d
    ON d.campaign_id = e.campaign_id AND d.buyer_id = e.buyer_id
JOIN distribution_buyer b ON b.id = COALESCE(e.buyer_id, d.buyer_id)
LEFT JOIN tracing_attempt a ON a.id = d.attempt_id AND a.campaign_id = d.campaign_id
WHERE %(campaigns)s::bigint[] IS NULL OR (COALESCE(e.campaign_id, d.campaign_id), COALESCE(e.buyer_id, d.buyer_id))
    IN (SELECT * FROM unnest(%(campaigns)s::bigint[], %(buyers)s::bigint[]))
ORDER BY 1, 2, d.id
"""  # noqa: S608 - only a constant column list is put in

LONGEST_WINDOW: Final = timedelta(days=33)
_HOUR: Final = timedelta(hours=1)


class CampaignBuyerRow(NamedTuple):
    """One row of SALES, in the order of its columns: a buyer in a campaign, its counters, and one sale or none."""

    campaign_id: int
    buyer_id: int
    enrollment_id: int | None
    timezone: str
    day_on: date | None
    hour_starts_at: datetime | None
    hour_leads: int
    hour_spent_cents: int
    day_leads: int
    day_spent_cents: int
    week_leads: int
    week_spent_cents: int
    month_leads: int
    month_spent_cents: int
    sale_id: int | None
    sold_at: datetime
    sold_on: date
    is_counted: bool
    returned_after: int | None
    price_cents: int
    config_version: int | None


@dataclass(frozen=True, slots=True)
class CountedSale:
    id: int
    at: datetime
    counted_on: date
    is_counted: bool
    returned_after: int | None
    price_cents: int


@dataclass(slots=True)
class Window:
    """The latest window of one kind, and the sales counted in it so far."""

    starts_at: date | datetime
    leads: int = 0
    cents: int = 0


@dataclass(slots=True)
class Tally:
    """The running totals of one buyer in one campaign. `pending`: returned sales, by the last sale before the return.

    Times cannot order them: a sale has the start time of its attempt, which may wait for a return of the same buyer.
    """

    latest_on: date = date.min
    windows: dict[WindowKind, Window] = field(default_factory=dict)
    pending: list[tuple[int, int, Mapping[WindowKind, date | datetime], int]] = field(default_factory=list)

    def add(self, sale: CountedSale, *, day_on: date, timezone: str) -> None:
        """Count a sale in the windows that hold this date."""
        self._give_back(before=sale.id)
        self.latest_on = max(self.latest_on, day_on)
        starts: dict[WindowKind, date | datetime] = {
            "hour": window_start("hour", sale.at, timezone),
            **date_windows(self.latest_on),
        }
        for kind, starts_at in starts.items():
            window = self.windows.get(kind)
            if window is None or window.starts_at < starts_at:
                window = self.windows[kind] = Window(starts_at)
            window.leads += 1
            window.cents += sale.price_cents
        if not sale.is_counted:
            # Returned before `returned_after` was recorded: treat it as returned at once.
            after = sale.id if sale.returned_after is None else sale.returned_after
            heappush(self.pending, (after, sale.id, starts, sale.price_cents))

    def finish(self) -> None:
        self._give_back(before=None)

    def _give_back(self, *, before: int | None) -> None:
        while self.pending and (before is None or self.pending[0][0] < before):
            _, _, starts, cents = heappop(self.pending)
            for kind, starts_at in starts.items():
                if self.windows[kind].starts_at == starts_at:
                    self.windows[kind].leads -= 1
                    self.windows[kind].cents -= cents


def check(part: Slice, findings: Findings) -> None:
    since = part.at - LONGEST_WINDOW
    # An earlier window has sales before `since`, which were not read.
    reach: dict[WindowKind, date | datetime] = dict.fromkeys(WINDOW_KINDS, since.date() + timedelta(days=2))
    reach["hour"] = since + _HOUR
    pairs = None if part.ids is None else tuple(zip(*part.ids, strict=True))
    campaigns, buyers = (None, None) if pairs is None else map(list, pairs)
    rows_of_all = (
        CampaignBuyerRow(*row) for row in stream(SALES, part, since=since, campaigns=campaigns, buyers=buyers)
    )
    history = LimitHistory(None, since)
    for (campaign_id, buyer_id), group in groupby(rows_of_all, key=attrgetter("campaign_id", "buyer_id")):
        findings.checked += 1
        if history.campaign_id != campaign_id:
            history = LimitHistory(campaign_id, since)
        first = next(group)
        pair = f"buyer {buyer_id} in campaign {campaign_id}"
        subject = pair if first.enrollment_id is None else f"enrollment {first.enrollment_id}"
        for message in _judge(first, chain([first], group), history, reach=reach):
            findings.add(subject, message)


def _judge(
    first: CampaignBuyerRow,
    rows: Iterable[CampaignBuyerRow],
    history: LimitHistory,
    *,
    reach: Mapping[WindowKind, date | datetime],
) -> Iterator[str]:
    """`rows` are those of one buyer in one campaign. All have the enrollment and counters of the first."""
    tally = Tally()
    for row in rows:
        if row.sale_id is None:
            continue
        sale = CountedSale(
            id=row.sale_id,
            at=row.sold_at,
            counted_on=row.sold_on,
            is_counted=row.is_counted,
            returned_after=row.returned_after,
            price_cents=row.price_cents,
        )
        limits = history.find(row.buyer_id, row.config_version)
        if limits is None:  # without a trace, its time zone at the sale is unknown
            tally.add(sale, day_on=sale.counted_on, timezone=row.timezone)
            continue
        tally.add(sale, day_on=_local_date(sale.at, limits.timezone), timezone=limits.timezone)
        if sale.counted_on != tally.latest_on:
            yield f"assignment {sale.id} counts on {sale.counted_on}, but its date is {tally.latest_on}"
        yield from _judge_limits(tally.windows, limits, name=f"assignment {sale.id}")
    tally.finish()
    if first.enrollment_id is not None:
        yield from _judge_counters(first, tally, reach=reach)


def _local_date(at: datetime, timezone: str) -> date:
    return window_start("day", at, timezone).astimezone(ZoneInfo(timezone)).date()


def _judge_limits(windows: Mapping[WindowKind, Window], limits: BuyerLimits, *, name: str) -> Iterator[str]:
    for kind, window in windows.items():
        cap, budget = limits.caps.get(kind), limits.budgets.get(kind)
        if cap is not None and window.leads > cap:
            yield f"{name} is lead {window.leads} of its {kind}, but the cap was {cap}"
        if budget is not None and window.cents > budget:
            yield f"{name} brings its {kind} to {window.cents} cents, but the budget was {budget}"


def _judge_counters(
    row: CampaignBuyerRow, tally: Tally, *, reach: Mapping[WindowKind, date | datetime]
) -> Iterator[str]:
    """Compare the counters of the live enrollment with its sales, in the latest window of either."""
    stored: dict[WindowKind, tuple[int, int]] = {
        "hour": (row.hour_leads, row.hour_spent_cents),
        "day": (row.day_leads, row.day_spent_cents),
        "week": (row.week_leads, row.week_spent_cents),
        "month": (row.month_leads, row.month_spent_cents),
    }
    starts: dict[WindowKind, date | datetime | None] = {"hour": row.hour_starts_at}
    starts.update({} if row.day_on is None else date_windows(row.day_on))
    for kind in WINDOW_KINDS:
        window, held = tally.windows.get(kind), starts.get(kind)
        found = None if window is None else window.starts_at
        latest = max((each for each in (found, held) if each is not None), default=None)
        if latest is None or latest < reach[kind]:
            continue
        if kind == "hour" and found is not None and held != found:
            continue  # hours may begin at another minute in another time zone
        leads, cents = stored[kind] if held == latest else (0, 0)
        sold, spent = (window.leads, window.cents) if window is not None and found == latest else (0, 0)
        if (leads, cents) != (sold, spent):
            counted = f"{count(leads, 'lead')} and {cents} cents"
            yield f"counts {counted} this {kind}, but its sales are {sold} for {spent} cents"
