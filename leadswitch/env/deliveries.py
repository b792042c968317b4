"""Variables of the deliverer, which sends sold leads to the systems of their buyers."""

from leadswitch.env.parse import IntegerRange
from leadswitch.env.variable import Section, Variable


class Deliveries(Section):
    TITLE = "Deliveries to buyers (docs/deliveries.md)"

    deliverer_threads = Variable(
        "LEADSWITCH_DELIVERER_THREADS",
        IntegerRange(2, 500),
        default=64,
        help=(
            "How many requests one deliverer runs at once, to all endpoints together. Each endpoint has a limit of its"
            " own."
        ),
    )
    bidding_threads = Variable(
        "LEADSWITCH_BIDDING_THREADS",
        IntegerRange(1, 500),
        default=40,
        help=(
            "How many buyers of one workspace a deliverer asks for bids at once. It keeps as many threads again for"
            " others. Each ping endpoint has a limit of its own."
        ),
    )
    deliverer_poll_ms = Variable(
        "LEADSWITCH_DELIVERER_POLL_MS",
        IntegerRange(50, 10_000),
        default=1_000,
        help=(
            "How often a deliverer looks for due deliveries when PostgreSQL has not woken it. Behind PgBouncer nothing"
            " wakes it: set 250."
        ),
    )
    deliveries_period_seconds = Variable(
        "LEADSWITCH_DELIVERIES_PERIOD_SECONDS",
        IntegerRange(1, 3_600),
        default=30,
        help="How often Celery beat starts the reconciler deliveries.",
    )
    event_days = Variable(
        "LEADSWITCH_EVENT_DAYS",
        IntegerRange(35, 3_650),
        default=90,
        help=(
            "How many days messages of events are kept after they ended. An event is removed with its last message"
            " (docs/events.md)."
        ),
    )
