"""Metrics of leads as they come in."""

from prometheus_client import Counter, Histogram

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

PING_OUTCOMES = ("price", "no_price", "refused")
PINGS = with_series(
    Counter(
        "leadswitch_pings_total",
        "Pings of sources. Refused: not valid, or with contact data. Test pings are not counted.",
        ["outcome"],
    ),
    outcome=PING_OUTCOMES,
)
PING_SECONDS = Histogram(
    "leadswitch_ping_seconds",
    "From the parsed body of a ping to its stored answer.",
    buckets=(0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.25, 1.0),
)
PING_REFUSALS = (
    *("ping_unknown", "ping_of_other_source", "ping_used", "ping_expired"),
    *("ping_data_differs", "ping_campaign_changed"),
)
PINGED_LEADS = with_series(
    Counter(
        "leadswitch_pinged_leads_total",
        "Leads that were sent with the id of a ping, by whether they could use it.",
        ["outcome"],
    ),
    outcome=("used", *PING_REFUSALS),
)
PINGS_REMOVED = Counter(
    "leadswitch_pings_removed_total",
    "Pings without a lead that were removed, LEADSWITCH_PING_DAYS after they came in.",
)

REQUESTS_REFUSED = with_series(
    Counter(
        "leadswitch_requests_refused_total",
        "Requests with API keys, and from users of the admin, that exceeded their rate limit.",
        ["kind"],
    ),
    kind=("admin", "buyer", "endpoint_test", "ping", "source", "whatif", "workspace"),
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
