"""Offers: whether they open, are claimed and close in time, auctions, and the listeners."""

from typing import Final

from leadswitch.levels.alerts.alert import Dashboard
from leadswitch.levels.dashboards.board import Board, Panel, Row, Threshold, Unit, View
from leadswitch.levels.dashboards.boards.queries import gauge, increase, increase_by, percentiles
from leadswitch.levels.objectives import CLOSING

OFFERS_ROW: Final = Row(
    "Offers",
    (
        Panel(
            title="Open offers",
            description="Offers and auctions that are open, and how long the time of one has been over that is still"
            " open. Normal: no overdue one.",
            unit=Unit.COUNT,
            queries=(
                gauge("leadswitch_offers_open", "open"),
                gauge("leadswitch_offer_overdue_age_seconds", "seconds overdue"),
            ),
        ),
        Panel(
            title="Offers closed late",
            description="Time from the end of an offer until the commit of the attempt that"
            " closes it. Normal: p99 under 100 ms.",
            unit=Unit.SECONDS,
            queries=percentiles(CLOSING.histogram),
            thresholds=(Threshold(CLOSING.limit_seconds),),
        ),
        Panel(
            title="Claims of offers",
            description="Claims by buyers, by what became of them. `taken` is normal: one buyer is the first.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("result", "leadswitch_claims_total"),),
        ),
    ),
)
AUCTIONS: Final = Row(
    "Auctions",
    (
        Panel(
            title="Bids",
            description="Buyers' systems that were asked for a bid, by what became of it.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("outcome", "leadswitch_bids_total"),),
        ),
        Panel(
            title="Time of a bid",
            description="One request for a bid. Bids after the deadline of their campaign never win.",
            unit=Unit.SECONDS,
            queries=percentiles("leadswitch_bid_seconds"),
        ),
        Panel(
            title="Auctions closed",
            description="By what became of the lead. `fallback`: nobody's bid could win, and the campaign went on.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("result", "leadswitch_auctions_total"),),
        ),
    ),
)
LISTENERS: Final = Row(
    "Listeners",
    (
        Panel(
            title="Listeners to offers",
            description="Buyers' connections that listen, campaigns that offer leads by ping post, and failures of the"
            " process of streams.",
            unit=Unit.COUNT,
            queries=(
                gauge("leadswitch_stream_listeners", "listeners"),
                gauge("leadswitch_ping_post_campaigns", "campaigns"),
                increase("leadswitch_stream_failures_total", "failures"),
            ),
        ),
        Panel(
            title="Events to listeners",
            description="Events of offers that were sent to listeners.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("event", "leadswitch_stream_events_total"),),
        ),
        Panel(
            title="Streams ended",
            description="Streams that ended, by what ended them. `too_slow` is a client that does not read.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("by", "leadswitch_streams_ended_total"),),
        ),
        Panel(
            title="Offers heard late",
            description="Time from when a buyer could see an offer until it was given to its listeners. Normal: p99"
            " under 100 ms.",
            unit=Unit.SECONDS,
            queries=percentiles("leadswitch_stream_lag_seconds"),
        ),
    ),
)
OFFERS: Final = Board(
    Dashboard.OFFERS,
    "Offers",
    "Whether offers close in time, what buyers claim and bid, and who listens.",
    (OFFERS_ROW, AUCTIONS, LISTENERS),
)
