"""Variables of pings, with which sources ask for a price."""

from leadswitch.env.parse import IntegerRange
from leadswitch.env.variable import Section, Variable


class Pings(Section):
    TITLE = "Pings from sources (docs/pings.md)"

    ping_seconds = Variable(
        "LEADSWITCH_PING_SECONDS",
        IntegerRange(10, 3_600),
        default=300,
        help=(
            "How long a ping is valid, and then how long its price is promised for the lead. A source may have a number"
            " of its own."
        ),
    )
    ping_days = Variable(
        "LEADSWITCH_PING_DAYS",
        IntegerRange(1, 3_650),
        default=30,
        help="How many days pings that no lead followed are kept. The ping of a lead is kept with the lead.",
    )
