"""The name under which this process works, for the attempt's record."""

import os
import socket


def worker_name() -> str:
    """Return host and process id. Read each time: a forked worker is another process."""
    return f"{socket.gethostname()}:{os.getpid()}"[:100]
