"""Variables of verification calls."""

from leadswitch.env.parse import IntegerRange
from leadswitch.env.variable import Section, Variable


class Calls(Section):
    TITLE = "Verification calls (docs/calls.md)"

    dialer_threads = Variable(
        "LEADSWITCH_DIALER_THREADS",
        IntegerRange(1, 200),
        default=8,
        help=(
            "How many calls one dialer places at once. Each thread has a connection to PostgreSQL, and waits for the"
            " carrier's answer."
        ),
    )
    dialer_poll_ms = Variable(
        "LEADSWITCH_DIALER_POLL_MS",
        IntegerRange(50, 10_000),
        default=1_000,
        help="How often a dialer looks for due calls behind PgBouncer, where PostgreSQL cannot wake it.",
    )
    call_search_seconds = Variable(
        "LEADSWITCH_CALL_SEARCH_SECONDS",
        IntegerRange(60, 86_400),
        default=600,
        help=(
            "How long the carrier is asked for a call whose request it did not answer. If it does not have the call"
            " then, the call was not placed, and the lead is called again."
        ),
    )
