"""Prometheus names of the wiring."""

from prometheus_client import Counter, Gauge

PART_OK = Gauge(
    "leadswitch_part_ok",
    "1 if a part was ok when /readyz last checked it: database, redis, dispatcher, workers, canary,"
    " reconcilers, enqueuer.",
    ["part"],
    multiprocess_mode="mostrecent",
)

LOGINS = Counter(
    "leadswitch_logins_total",
    "Tries to log in to the admin: succeeded, failed, locked (a failure that locks), refused (slowed down or locked).",
    ["result"],
)
