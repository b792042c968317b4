"""The product's web server in threads of the test process: real HTTP, with the settings of the test."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.test.testcases import LiveServerThread


@contextmanager
def served_here() -> Iterator[str]:
    """Yields the address. Needs committed rows. Each request has a connection of its own, and closes it."""
    thread = LiveServerThread("127.0.0.1", lambda handler: handler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    try:
        yield f"http://127.0.0.1:{thread.port}"
    finally:
        thread.terminate()
