"""Commands of the runbooks, and what they print: in a healthy product, and rows of their tables."""

from typing import Final

from tests.support.runbooks import Promise

DATABASE: Final = "manage.py database"
DELIVERIES: Final = "manage.py deliveries"
DEFINITIONS: Final = "manage.py check_definitions"
DIGEST: Final = "manage.py digest"
EXPLAIN: Final = "manage.py explain LEAD"
FAILURES: Final = "manage.py failures --minutes 30"
INCREMENTAL: Final = "manage.py verify --incremental"
MIGRATIONS: Final = "manage.py showmigrations"
RETRIES: Final = "manage.py retries"
STATUS: Final = "manage.py dispatch status"

NO_PROBLEM: Final = Promise(0, "No problems found.")
NO_DUE_RETRY: Final = Promise(0, "No retry is due.")
NO_LOCK: Final = Promise(0, "No session waits for a lock, and no transaction is older than a second.")
NO_FAILURE: Final = Promise(0, "No attempt failed in the last 30 minutes.")
NO_RETRY: Final = Promise(0, "No lead is in the retry queue.")
ALL_HOLD: Final = Promise(0, "verify: all invariants hold")
NO_DRIFT: Final = Promise(0, "reconcile: no drift found")
ALL_VALID: Final = Promise(0, "Every definition is valid, and leads can match it.")
WRONG_VARIABLE: Final = Promise(2, "LEADSWITCH_LEASE_SECONDS: 'soon' is not a whole number.")
NO_ANSWER: Final = 'connection failed: connection to server at "127.0.0.1", port N failed: Connection refused'
UNREADABLE: Final = Promise(2, f"the database cannot be read: {NO_ANSWER}")


def failures(result: str, reason: str) -> Promise:
    """A row of `manage.py failures`."""
    return Promise(0, f"SLUG {result} {reason} N TIME LEAD")


def retries(reason: str, *, numbers: str = "N N SECONDS") -> Promise:
    """A row of `manage.py retries`. `numbers`: due, all, and the age of the oldest that is due."""
    return Promise(0, f"SLUG {reason} {numbers}")


def drift(reconciler: str) -> Promise:
    """The row of a reconciler that found something."""
    return Promise(1, f"{reconciler} N N 0 SECONDS")
