"""A dialer with all its threads in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connections

from distribution.calls.carriers import GetCarrier
from distribution.calls.dialer import Dialer
from distribution.deliveries.listening import Listener
from tests.support.waiting import LONGEST_SECONDS


@contextmanager
def dialing_here(
    settings: Any,
    directory: Path,
    *,
    carrier_of: GetCarrier,
    is_woken: bool = True,
    hears: bool = True,
    threads: int = 4,
) -> Iterator[Dialer]:
    """A dialer that runs in a thread of this process, until the end of the block.

    `is_woken` without `hears`: every notification is lost.
    """
    settings.LEADSWITCH_DIALER_POLL_MS = 50
    settings.LEADSWITCH_DIALER_THREADS = threads
    settings.VAR_DIR = directory
    stop = threading.Event()
    dialer = Dialer("here", stop=stop, is_woken=is_woken, carrier_of=carrier_of)
    if is_woken and hears:
        dialer.add(Listener(stop=stop, wakes=dialer.listens))

    def run() -> None:
        dialer.run()
        connections.close_all()

    thread = threading.Thread(target=run, name="dialer", daemon=True)
    thread.start()
    try:
        yield dialer
    finally:
        stop.set()
        dialer.wakes.set()
        thread.join(LONGEST_SECONDS)
    assert not thread.is_alive()
