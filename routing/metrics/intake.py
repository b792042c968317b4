"""Metrics of leads as they come in."""

from prometheus_client import Counter

from tracing.series import POSTGRES_CAUSES, REDIS_CAUSES, with_series

# How leads come in.
CHANNELS = ("admin", "api", "batch", "import")

LEADS_RECEIVED = with_series(
    Counter("leadswitch_leads_received_total", "Leads accepted.", ["channel"]), channel=CHANNELS
)

TEST_LEADS_RECEIVED = with_series(
    Counter(
        "leadswitch_test_leads_received_total",
        "Test leads accepted. No other counter of leads has them.",
        ["channel"],
    ),
    channel=CHANNELS,
)

LEADS_REJECTED = with_series(
    Counter("leadswitch_leads_rejected_total", "Leads rejected because of their content.", ["channel"]),
    channel=CHANNELS,
)

INLINE_DECISIONS_FAILED = with_series(
    Counter(
        "leadswitch_inline_decisions_failed_total",
        "Leads whose decision failed while the sender waited; the pick-up finds them.",
        ["cause"],
    ),
    open_label="cause",
    cause=POSTGRES_CAUSES,
)

REQUESTS_REFUSED = with_series(
    Counter(
        "leadswitch_requests_refused_total",
        "Requests with API keys, and from users of the admin, that exceeded their rate limit.",
        ["kind"],
    ),
    kind=("admin", "buyer", "source", "workspace"),
)

RATE_LIMITS_UNCHECKED = with_series(
    Counter(
        "leadswitch_rate_limits_unchecked_total",
        "Requests that passed uncounted because Redis did not respond.",
        ["cause"],
    ),
    open_label="cause",
    cause=("redis_paused", *REDIS_CAUSES),
)
