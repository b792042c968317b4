"""A worker process of race tests: distributes due leads until no lead is pending, then prints what it did.

python -m tests.support.due_worker      prints "ready", starts at a line on stdin, ends with one JSON line
"""

import json
import sys
import time
from collections import Counter

import django

# Between two reads of a queue in which every lead is locked or waits for its retry.
PAUSE_SECONDS = 0.005


def main() -> None:
    django.setup()
    from django.db import connection

    from distribution.attempts import distribute
    from distribution.attempts.decide_under_lock import LockWait
    from routing.places.zips import load_rows

    if sys.argv[1] == "no":
        distribute.FIRST_WAIT = LockWait()  # type: ignore[misc]
    load_rows()
    connection.ensure_connection()
    print("ready", flush=True)  # noqa: T201 - the protocol with the test
    sys.stdin.readline()
    print(json.dumps(distribute_all()), flush=True)  # noqa: T201


def distribute_all() -> dict[str, int]:
    from distribution.attempts.distribute import distribute_next_due
    from routing.models import Lead, LeadStatus

    done: Counter[str] = Counter()
    while True:
        outcome = distribute_next_due()
        if outcome.not_run is None:
            done[outcome.skip_reason or outcome.result] += 1
        elif not Lead.objects.filter(status=LeadStatus.PENDING).exists():
            return done
        else:
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
