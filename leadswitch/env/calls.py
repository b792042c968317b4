"""Variables of verification calls."""

from leadswitch.env.parse import IntegerRange
from leadswitch.env.variable import Section, Variable


class Calls(Section):
    TITLE = "Verification calls (docs/calls.md)"

    call_search_seconds = Variable(
        "LEADSWITCH_CALL_SEARCH_SECONDS",
        IntegerRange(60, 86_400),
        default=600,
        help=(
            "How long the carrier is asked for a call whose request it did not answer. If it does not have the call"
            " then, the call was not placed, and the lead is called again."
        ),
    )
