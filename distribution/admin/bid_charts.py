"""Bids by hour: how buyers answered and what they bid, as charts for the script of Health and rows for the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from distribution.admin.hour_charts import NOTHING, Chart, list_hours, make_data, name_hour
from distribution.explain.places import BID
from distribution.sql_arrays import array_literal
from tracing.admin.days import APART, first_id_at
from tracing.wording import money

MAX_AUCTIONS: Final = 50_000
# Each answer with the color of Health that means the same.
ANSWERS: Final = {
    "bid": "success",
    "declined": "unsold",
    "late": "retry",
    "failed": "failed",
    "unanswered": "gated",
}
ANSWER_LABELS: Final = ("Bid", "No bid", "Too late", "Error", "Unanswered")
PRICES: Final = ("p50", "p95")
PRICE_LABELS: Final = ("Best bid (median)", "All bids (median)")
# While an auction is open, nobody knows which of its buyers will answer. Ids are made in the order of time, and have
# the only index that finds a time among auctions that are closed.
SHOWN: Final = """
    FROM distribution_offer o
    JOIN distribution_campaign c ON c.id = o.campaign_id
    JOIN routing_lead l ON l.id = o.lead_id
    WHERE o.public_id >= %(first_id)s AND o.kind = 'auction' AND o.state = 'closed' AND o.opened_at >= %(start)s
        AND NOT l.is_test
        AND (%(workspaces)s::bigint[] IS NULL OR c.workspace_id = ANY(%(workspaces)s::bigint[]))
"""
FIND_BOUND: Final = f"SELECT o.opened_at {SHOWN} ORDER BY o.public_id DESC OFFSET %(most)s - 1 LIMIT 2"
# A standing bid counts unless the buyer's system declined, as in the auction itself.
READ: Final = f"""
WITH shown AS (
    SELECT o.id, date_trunc('hour', o.opened_at, 'UTC') AS hour {SHOWN}
), bids AS (
    SELECT shown.hour, b.bid_outcome, b.rank, {BID} AS cents
    FROM shown JOIN distribution_offerbuyer b ON b.offer_id = shown.id
)
SELECT hour, count(cents),
    count(*) FILTER (WHERE bid_outcome IN ('no_bid', 'refused')),
    count(*) FILTER (WHERE cents IS NULL AND bid_outcome IN ('late', 'timeout')),
    count(*) FILTER (WHERE cents IS NULL AND bid_outcome = 'error'),
    count(*) FILTER (WHERE cents IS NULL AND bid_outcome = ''),
    percentile_disc(0.5) WITHIN GROUP (ORDER BY cents) FILTER (WHERE rank = 1),
    percentile_disc(0.5) WITHIN GROUP (ORDER BY cents)
FROM bids GROUP BY hour
"""  # noqa: S608 - constants only


class HourOfBids(NamedTuple):
    """Numbers of answers, the median of the bids that ranked first, and that of all bids."""

    bid: int = 0
    declined: int = 0
    late: int = 0
    failed: int = 0
    unanswered: int = 0
    best_cents: int | None = None
    median_cents: int | None = None

    @property
    def cents(self) -> tuple[int | None, int | None]:
        return self.best_cents, self.median_cents


@dataclass(frozen=True, slots=True)
class BidFigures:
    """`counted_from`: later than `start` if there were too many auctions to count all of them."""

    start: datetime
    counted_from: datetime
    by_hour: Mapping[datetime, HourOfBids]

    @property
    def is_cut(self) -> bool:
        return self.counted_from > self.start


def read_bids(
    start: datetime, *, workspace_ids: Sequence[int] | None, most: int = MAX_AUCTIONS
) -> BidFigures:
    """Of closed auctions, about the newest `most`. `workspace_ids` None: of all workspaces. Two statements."""
    counted_from = _find_bound(start, workspace_ids, most=most) or start
    with connection.cursor() as cursor:
        cursor.execute(READ, make_parameters(counted_from, workspace_ids))
        by_hour = {row[0]: HourOfBids(*row[1:]) for row in cursor.fetchall()}
    return BidFigures(start, counted_from, by_hour)


def make_parameters(start: datetime, workspace_ids: Sequence[int] | None) -> dict[str, Any]:
    ids = None if workspace_ids is None else array_literal(workspace_ids)
    return {"first_id": first_id_at(start - APART), "start": start, "workspaces": ids}


def _find_bound(start: datetime, workspace_ids: Sequence[int] | None, *, most: int) -> datetime | None:
    """Return when the oldest of the newest `most` auctions was opened. None: there are no more."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_BOUND, {**make_parameters(start, workspace_ids), "most": most})
        last: list[tuple[datetime]] = cursor.fetchall()
    return last[0][0] if len(last) > 1 else None


def draw_answers(by_hour: Mapping[datetime, HourOfBids], *, start: datetime, end: datetime) -> Chart:
    hours = list_hours(start, end)
    found = [by_hour.get(hour, HourOfBids()) for hour in hours]
    columns = [[getattr(each, name) for each in found] for name in ANSWERS]
    rows = [
        (name_hour(hour), [f"{getattr(by_hour[hour], name):,}" for name in ANSWERS])
        for hour in hours
        if hour in by_hour
    ]
    return Chart(
        name="answers",
        title="Answers of buyers, by hour",
        note="A standing bid counts as a bid, unless the buyer's system declined. "
        "Unanswered: the buyer was not asked, or its answer is not known. "
        "The legend lists the layers from top to bottom.",
        head=["Hour (UTC)", *ANSWER_LABELS],
        rows=rows,
        data=make_data(
            hours,
            kind="stack",
            unit="answers",
            y_title="Answers",
            labels=ANSWER_LABELS,
            codes=list(ANSWERS.values()),
            columns=columns,
        ),
    )


def draw_prices(by_hour: Mapping[datetime, HourOfBids], *, start: datetime, end: datetime) -> Chart:
    hours = list_hours(start, end)
    found = [by_hour.get(hour, HourOfBids()).cents for hour in hours]
    columns = [
        [None if each is None else each / 100 for each in column] for column in zip(*found, strict=True)
    ]
    rows = [
        (name_hour(hour), [NOTHING if each is None else money(each) for each in by_hour[hour].cents])
        for hour in hours
        if hour in by_hour
    ]
    return Chart(
        name="prices",
        title="Bids in dollars, by hour",
        note="The best bid is the one that ranked first.",
        head=["Hour (UTC)", *PRICE_LABELS],
        rows=rows,
        data=make_data(
            hours,
            kind="lines",
            unit="dollars",
            y_title="Dollars",
            labels=PRICE_LABELS,
            codes=PRICES,
            columns=columns,
        ),
    )
