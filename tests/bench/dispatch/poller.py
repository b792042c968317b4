"""`python -m tests.bench.dispatch.poller`: starts due leads once a second, the usual way without a schedule."""

import signal
import sys
import time
from threading import Event

import django

if __name__ == "__main__":
    django.setup()

from distribution.attempts.distribute import distribute_next_polled
from distribution.attempts.worker import freeze_startup_objects

PERIOD_SECONDS = 1.0


def poll(stop: Event) -> None:
    next_at = time.monotonic()
    while not stop.is_set():
        while distribute_next_polled().lead_id is not None:
            pass
        next_at += PERIOD_SECONDS
        stop.wait(max(0.0, next_at - time.monotonic()))


if __name__ == "__main__":
    ended = Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    freeze_startup_objects()
    sys.stdout.write(" ready.\n")
    sys.stdout.flush()
    poll(ended)
