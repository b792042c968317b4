"""Prometheus names of the wiring."""

from prometheus_client import Counter, Gauge

from tracing.series import with_series

PARTS = (
    "database",
    "redis",
    "dispatcher",
    "workers",
    "canary",
    "reconcilers",
    "enqueuer",
    "deliverer",
    "dialer",
)

PART_OK = with_series(
    Gauge(
        "leadswitch_part_ok",
        "1 if a part was ok when /readyz last checked it: database, redis, dispatcher, workers, canary,"
        " reconcilers, enqueuer, deliverer, dialer.",
        ["part"],
        multiprocess_mode="mostrecent",
    ),
    part=PARTS,
)

LOGINS = with_series(
    Counter(
        "leadswitch_logins_total",
        (
            "Attempts to log in to the admin: succeeded, failed, locked (a failure that locks), refused"
            " (slowed down or locked)."
        ),
        ["result"],
    ),
    result=("succeeded", "failed", "locked", "refused"),
)

DIGEST_MAILS = with_series(
    Counter(
        "leadswitch_digest_mails_total",
        "Tries to mail the daily digest to one recipient: sent, failed. A failed mail is tried again.",
        ["result"],
    ),
    result=("sent", "failed"),
)
