"""A deliverer with all its threads in this process, so that a test may change what one of them does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connections

from distribution.deliveries.client import get_client
from distribution.deliveries.deliverer import Deliverer
from tests.support.delivering import LOCAL
from tests.support.waiting import LONGEST_SECONDS


@contextmanager
def delivering(settings: Any, directory: Path, *, distribute: Callable[[int], object]) -> Iterator[None]:
    """A deliverer in a thread of this process."""
    settings.LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS = LOCAL
    settings.LEADSWITCH_DELIVERER_POLL_MS = 50
    settings.LEADSWITCH_DELIVERER_THREADS = 4
    settings.VAR_DIR = directory
    get_client.cache_clear()
    stop, wake = threading.Event(), threading.Event()

    def run() -> None:
        Deliverer("here", stop=stop, wake=wake, distribute=distribute).run()
        connections.close_all()

    thread = threading.Thread(target=run, name="deliverer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        wake.set()
        thread.join(LONGEST_SECONDS)
        get_client.cache_clear()
    assert not thread.is_alive()
