"""Prometheus metrics of distribution. Labels never have a tenant, lead or buyer."""

from prometheus_client import Counter, Gauge, Histogram

from tracing.series import POSTGRES_CAUSES, with_pairs, with_series

DECISION_SECONDS = Histogram(
    "leadswitch_decision_seconds",
    "One attempt, from the lead's lock to the end of its writes.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
START_LAG_SECONDS = with_series(
    Histogram(
        "leadswitch_start_lag_seconds",
        "Time from when a lead was due until a worker started it, by the database's clock.",
        ["mode"],
        buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
    ),
    mode=("poll", "shadow", "event"),
)
LEADS_SOLD = Counter("leadswitch_assignments_total", "Leads sold, one for each buyer.")
CENTS_CHARGED = Counter("leadswitch_charged_cents_total", "Credits charged for leads, in cents.")
LEADS_RETURNED = Counter("leadswitch_returns_total", "Sold leads that buyers returned, one for each buyer.")
CENTS_REFUNDED = Counter("leadswitch_returned_cents_total", "Credits paid back for returned leads, in cents.")
RETURN_REQUESTS = with_series(
    Counter("leadswitch_return_requests_total", "Return requests, by what happened to them.", ["event"]),
    event=("requested", "approved", "declined", "withdrawn"),
)
OFFER_CLOSING_LAG_SECONDS = Histogram(
    "leadswitch_offer_closing_lag_seconds",
    "Time from the end of an offer, or of a later pause, until the attempt that closed it was committed.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 30, 60),
)
CLAIMS = with_series(
    Counter("leadswitch_claims_total", "Claims of offers by buyers, by what became of them.", ["result"]),
    result=("claimed", "taken", "window_over", "not_eligible", "paused"),
)
BID_OUTCOMES = ("bid", "no_bid", "refused", "late", "timeout", "error")
BIDS = with_series(
    Counter(
        "leadswitch_bids_total",
        "Buyers' systems that were asked for a bid, by what became of it.",
        ["outcome"],
    ),
    outcome=BID_OUTCOMES,
)
BID_SECONDS = Histogram(
    "leadswitch_bid_seconds",
    "One request for a bid, from its start to the end of the answer.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10),
)
AUCTIONS = with_series(
    Counter(
        "leadswitch_auctions_total", "Auctions that closed, by what became of the lead then.", ["result"]
    ),
    result=("sold", "no_bids", "below_reserve", "fallback", "other"),
)
LEADS_BUSY = Counter("leadswitch_leads_busy_total", "Leads skipped because another worker had them.")
CANDIDATE_WAITS = Counter(
    "leadswitch_candidate_waits_total",
    "Attempts that started again to wait for buyers locked by other leads.",
)
PICKED_UP = Counter("leadswitch_leads_picked_up_total", "Due leads that the periodic pick-up had to start.")
VERDICT_FAILURES = with_series(
    Counter(
        "leadswitch_verdict_failures_total", "Verdicts after a rollback that could not be written.", ["cause"]
    ),
    open_label="cause",
    cause=POSTGRES_CAUSES,
)

STREAM_LISTENERS = Gauge(
    "leadswitch_stream_listeners", "Buyers' connections that listen to offers.", multiprocess_mode="livesum"
)
STREAM_EVENTS = with_series(
    Counter("leadswitch_stream_events_total", "Events sent to listeners, by name.", ["event"]),
    event=("offer", "offer_closed"),
)
STREAMS_ENDED = with_series(
    Counter("leadswitch_streams_ended_total", "Streams that ended, by who or what ended them.", ["by"]),
    by=("client", "server", "too_slow"),
)
STREAM_LAG_SECONDS = Histogram(
    "leadswitch_stream_lag_seconds",
    "Time from when a buyer could see an offer, by the database's clock, until it was given to its listeners.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
STREAM_FAILURES = Counter(
    "leadswitch_stream_failures_total",
    "Failures of the process of streams, in reading or of its own, and notifications that are no id of an offer.",
)

EVENT_MESSAGES_REMOVED = Counter(
    "leadswitch_event_messages_removed_total",
    "Messages of events that were removed, LEADSWITCH_EVENT_DAYS after they ended.",
)
METHODS = ("webhook", "http", "email", "csv")
DELIVERY_TRIES = with_series(
    Counter(
        "leadswitch_delivery_tries_total",
        "Requests and messages to buyers, by method and outcome.",
        ["method", "outcome"],
    ),
    method=METHODS,
    outcome=("accepted", "rejected", "unknown", "not_sent", "worker_lost"),
)
DELIVERY_SECONDS = with_series(
    Histogram(
        "leadswitch_delivery_seconds",
        "One request to a buyer, from its start to the end of the answer.",
        ["method"],
        buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60),
    ),
    method=METHODS,
)
DELIVERIES_ENDED = with_series(
    Counter(
        "leadswitch_deliveries_ended_total",
        "Deliveries that need no further try, by how they ended. Unknown ones wait for a person.",
        ["state"],
    ),
    state=("accepted", "rejected", "unknown", "cancelled"),
)

PAYMENT_ORIGINS = ("buyer", "recharge", "surplus")
CARD_PAYMENTS = with_series(
    Counter(
        "leadswitch_card_payments_total",
        "Payments by card that ended or must be confirmed, by who started them and how.",
        ["origin", "outcome"],
    ),
    origin=PAYMENT_ORIGINS,
    outcome=("succeeded", "failed", "canceled", "needs_action", "surplus"),
)
PAYMENT_REQUESTS_UNKNOWN = Counter(
    "leadswitch_payment_requests_unknown_total",
    "Requests to the payment provider whose answer is not known. They are looked up before they are repeated.",
)
PAYMENT_WEBHOOKS = with_series(
    Counter(
        "leadswitch_payment_webhooks_total",
        "Verified webhooks of the payment provider, by kind and what became of them.",
        ["kind", "result"],
    ),
    kind=("payment", "charge", "refund", "dispute", "other"),
    result=("applied", "repeated", "ignored", "unknown_payment", "waits_for_payment", "amount_differs"),
)
PAYMENT_WEBHOOKS_REFUSED = Counter(
    "leadswitch_payment_webhooks_refused_total",
    "Webhooks of the payment provider with a wrong or old signature, or without an event.",
)
PORTAL_SIGN_INS = with_series(
    Counter(
        "leadswitch_portal_sign_ins_total",
        (
            "Steps of signing in to the portal: requested, refused (too many requests), mailed, not_mailed, succeeded,"
            " invalid (a link that is used, old or wrong)."
        ),
        ["step"],
    ),
    step=("requested", "refused", "mailed", "not_mailed", "succeeded", "invalid"),
)

CALLS_ENDED = with_series(
    Counter(
        "leadswitch_calls_ended_total",
        (
            "Calls that ended, by kind (verification, or test of a channel), by what they came to and by what brought"
            " the end."
        ),
        ["kind", "outcome", "by"],
    ),
    open_label="by",
    kind=("verification", "test"),
    outcome=(
        *("confirmed", "declined", "opted_out", "no_input", "voicemail", "busy", "no_answer"),
        *("invalid_phone", "failed", "canceled", "not_placed"),
    ),
    by=("webhook", "poll", "dial", "cap", "hand"),
)
DIAL_PROBLEMS = {
    "placed": ("none",),
    "not_placed": (
        *("invalid_phone", "phone_refused", "number_refused", "account_refused", "account_limited"),
        *("concurrency", "queue_full", "geo", "refused", "bad_settings", "unreachable", "sent_too_late"),
    ),
    "throttled": ("throttled",),
    "unknown": ("no_answer", "carrier_failed", "bad_answer"),
}
DIALS = with_pairs(
    Counter(
        "leadswitch_dials_total",
        "Requests to a carrier to place a call, by outcome and problem. After an unknown one the carrier is asked.",
        ["outcome", "problem"],
    ),
    ("outcome", "problem"),
    ((outcome, problem) for outcome, problems in DIAL_PROBLEMS.items() for problem in problems),
)
DIAL_SECONDS = Histogram(
    "leadswitch_dial_seconds",
    "One request to a carrier to place a call, from its start to the end of the answer.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 20),
)
LINE_GAP_SECONDS = Histogram(
    "leadswitch_line_gap_seconds",
    (
        "Time from when a line was free and a lead was due, by the later of both, until its call was written, without"
        " what pace, hours and limits ask to wait."
    ),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
VERIFICATIONS_ENDED = with_series(
    Counter(
        "leadswitch_verifications_ended_total",
        "Verifications that ended by a call or a person, by how.",
        ["end"],
    ),
    end=("verified", "verified_by_hand", "declined", "failed", "sold_unverified"),
)
VERIFICATIONS_TO_PERSON = Counter(
    "leadswitch_verifications_to_person_total",
    "Verifications without a further call that wait for an operator. They are open, and end later.",
)
VERIFIED_SECONDS = Histogram(
    "leadswitch_verified_seconds",
    "Time from when the gate stopped a lead until it was verified.",
    buckets=(10, 30, 60, 120, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 259_200, 604_800),
)
CALL_WEBHOOKS = with_series(
    Counter(
        "leadswitch_call_webhooks_total",
        (
            "Webhooks of carriers, by kind and result: applied, nothing_new (all of it was known), hang_up (of a call"
            " that must not be, and is ended), failed, repeated, unknown_call (signed by a carrier of ours),"
            " bad_signature, unknown_address (of no call, and not signed: anybody can send it)."
        ),
        ["kind", "result"],
    ),
    kind=("status", "script", "keys", "recording"),
    result=(
        *("applied", "nothing_new", "hang_up", "failed", "repeated"),
        *("unknown_call", "bad_signature", "unknown_address"),
    ),
)
CALL_CHECKS = with_series(
    Counter(
        "leadswitch_call_checks_total",
        (
            "Times that a carrier was asked about a call: ended, open, found (after an unknown dial), not_found,"
            " unreachable, failed (what it said could not be written)."
        ),
        ["result"],
    ),
    result=("ended", "open", "found", "not_found", "unreachable", "failed"),
)
SECOND_CALLS = Counter(
    "leadswitch_second_calls_total",
    "Calls of a carrier that must not be: a second one for a request, or one that was given up as not placed. They are"
    " ended.",
)
MISSED_WAKES = Counter(
    "leadswitch_missed_wakes_total",
    "Verifications that were due with a free line, and that only the slow full pass of a dialer found.",
)
DIALER_FAILURES = Counter(
    "leadswitch_dialer_failures_total",
    "Rounds, requests and checks of a dialer that failed. A round is tried again, and the carrier is asked about a"
    " call.",
)
