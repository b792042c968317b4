"""Offers of leads to buyers: how many are open, and whether they close in time."""

from typing import Final

from leadswitch.levels.exporter.collectors.limits import AT_MOST, COUNTED_TO
from leadswitch.levels.exporter.series import CollectorRow, Series, Values
from leadswitch.levels.rows import fetch_row

CAMPAIGNS: Final = Series(
    "leadswitch_ping_post_campaigns",
    "Active campaigns that offer leads by ping post. Without one, no stream is needed.",
)
OPEN: Final = Series("leadswitch_offers_open", f"Offers and auctions that are open. {AT_MOST}")
OVERDUE: Final = Series(
    "leadswitch_offer_overdue_age_seconds",
    "How long ago the time of an offer was over that is still open; 0: none. Paused workspaces are left out.",
)
READ: Final = """
SELECT
    (SELECT count(*) FROM distribution_campaign WHERE active AND mode = 'ping_post'),
    (SELECT count(*) FROM (SELECT FROM distribution_offer WHERE state = 'open' LIMIT %(limit)s) open),
    COALESCE((
        SELECT extract(epoch FROM statement_timestamp() - o.closes_at)::float
        FROM distribution_offer o
        JOIN routing_lead l ON l.id = o.lead_id
        JOIN routing_workspace w ON w.id = l.workspace_id
        WHERE o.state = 'open' AND o.closes_at < statement_timestamp() AND w.paused_at IS NULL
            AND NOT EXISTS (SELECT FROM routing_dispatchcontrol WHERE id = 1 AND paused_at IS NOT NULL)
        ORDER BY o.closes_at LIMIT 1
    ), 0)
"""


def read() -> Values:
    campaigns, open_offers, overdue = fetch_row(READ, {"limit": COUNTED_TO})
    return {CAMPAIGNS: campaigns, OPEN: open_offers, OVERDUE: overdue}


OFFERS: Final = CollectorRow("offers", (CAMPAIGNS, OPEN, OVERDUE), read)
