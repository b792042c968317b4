"""Variables that limit what programs and people may do."""

from collections.abc import Mapping

from leadswitch.env.parse import IntegerRange, parse_count
from leadswitch.env.variable import Section, Variable

# A limit counts in whole microseconds for each request: 60 at the highest rate.
PER_MINUTE = IntegerRange(1, 1_000_000)
AT_ONCE = IntegerRange(1, 100_000)
PER_HOUR = IntegerRange(1, 1_000)


class Limits(Section):
    TITLE = "Limits"

    buyer_requests_per_minute = Variable(
        "LEADSWITCH_BUYER_REQUESTS_PER_MINUTE",
        PER_MINUTE,
        default=600,
        old_names=("LEADSWITCH_BUYER_REQUESTS_A_MINUTE",),
        help="Sustained requests per minute with one buyer key.",
    )
    buyer_request_burst = Variable(
        "LEADSWITCH_BUYER_REQUEST_BURST",
        AT_ONCE,
        default=100,
        help="How many requests with one buyer key may come at once (burst).",
    )
    workspace_requests_per_minute = Variable(
        "LEADSWITCH_WORKSPACE_REQUESTS_PER_MINUTE",
        PER_MINUTE,
        default=600,
        help="Sustained requests per minute with one workspace key.",
    )
    workspace_request_burst = Variable(
        "LEADSWITCH_WORKSPACE_REQUEST_BURST",
        AT_ONCE,
        default=100,
        help="How many requests with one workspace key may come at once (burst).",
    )
    source_requests_per_minute = Variable(
        "LEADSWITCH_SOURCE_REQUESTS_PER_MINUTE",
        PER_MINUTE,
        default=60_000,
        old_names=("LEADSWITCH_SOURCE_REQUESTS_A_MINUTE",),
        help="Sustained requests per minute with one source key.",
    )
    source_request_burst = Variable(
        "LEADSWITCH_SOURCE_REQUEST_BURST",
        AT_ONCE,
        default=5_000,
        help="How many requests with one source key may come at once (burst).",
    )
    pings_per_minute = Variable(
        "LEADSWITCH_PINGS_PER_MINUTE",
        PER_MINUTE,
        default=6_000,
        help="Sustained pings per minute with one source key. They do not count as its other requests.",
    )
    ping_burst = Variable(
        "LEADSWITCH_PING_BURST",
        AT_ONCE,
        default=500,
        help="How many pings with one source key may come at once (burst).",
    )
    whatifs_per_minute = Variable(
        "LEADSWITCH_WHATIFS_PER_MINUTE",
        PER_MINUTE,
        default=6,
        help="How many times per minute a buyer may ask what a change would have won. Each replays up to 2 seconds.",
    )
    whatif_burst = Variable(
        "LEADSWITCH_WHATIF_BURST",
        AT_ONCE,
        default=3,
        help="How many such questions may come at once (burst).",
    )
    endpoint_tests_per_minute = Variable(
        "LEADSWITCH_ENDPOINT_TESTS_PER_MINUTE",
        PER_MINUTE,
        default=6,
        help="How many times per minute a buyer may test its endpoints by API. Each waits up to 5 seconds.",
    )
    endpoint_test_burst = Variable(
        "LEADSWITCH_ENDPOINT_TEST_BURST",
        AT_ONCE,
        default=2,
        help="How many such tests may come at once (burst).",
    )
    dispatch_now_per_hour = Variable(
        "LEADSWITCH_DISPATCH_NOW_PER_HOUR",
        PER_HOUR,
        default=3,
        old_names=("LEADSWITCH_DISPATCH_NOW_AN_HOUR",),
        help=(
            "How many times per hour a lead may be tried at its sender's request (dispatch-now). They"
            " may all come at once."
        ),
    )
    reruns_per_hour = Variable(
        "LEADSWITCH_RERUNS_PER_HOUR",
        PER_HOUR,
        default=30,
        old_names=("LEADSWITCH_RERUNS_AN_HOUR",),
        help="How many times per hour operators may run a lead again. They may all come at once.",
    )
    admin_checks_per_minute = Variable(
        "LEADSWITCH_ADMIN_CHECKS_PER_MINUTE",
        PER_MINUTE,
        default=120,
        old_names=("LEADSWITCH_DESK_CHECKS_PER_MINUTE", "LEADSWITCH_DESK_CHECKS_A_MINUTE"),
        help="How many times per minute the admin checks what one person types into a form before it is saved.",
    )
    admin_check_burst = Variable(
        "LEADSWITCH_ADMIN_CHECK_BURST",
        AT_ONCE,
        default=30,
        old_names=("LEADSWITCH_DESK_CHECK_BURST",),
        help="How many such checks may come at once (burst).",
    )
    large_sum_dollars = Variable(
        "LEADSWITCH_LARGE_SUM_DOLLARS",
        parse_count,
        default=10_000,
        help=(
            'A top-up, adjustment or credit limit above this needs the permission "Can move large sums", and the amount'
            " typed twice."
        ),
    )

    test_leads_per_day = Variable(
        "LEADSWITCH_TEST_LEADS_PER_DAY",
        IntegerRange(1, 100_000),
        default=500,
        help="How many test leads a source may send per day (UTC). They charge nothing (docs/test-leads.md).",
    )

    @property
    def rate_limits(self) -> Mapping[str, tuple[int, int]]:
        """By kind of API key, and of people in the admin: requests per minute, and how many of them at once."""
        return {
            "admin": (self.admin_checks_per_minute, self.admin_check_burst),
            "buyer": (self.buyer_requests_per_minute, self.buyer_request_burst),
            "endpoint_test": (self.endpoint_tests_per_minute, self.endpoint_test_burst),
            "ping": (self.pings_per_minute, self.ping_burst),
            "source": (self.source_requests_per_minute, self.source_request_burst),
            "whatif": (self.whatifs_per_minute, self.whatif_burst),
            "workspace": (self.workspace_requests_per_minute, self.workspace_request_burst),
        }

    @property
    def lead_tries_per_hour(self) -> Mapping[str, int]:
        """By who requests a try of a lead: its sender or an operator."""
        return {"sender": self.dispatch_now_per_hour, "operator": self.reruns_per_hour}
