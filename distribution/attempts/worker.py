"""What a long-running process needs: its name in the attempt's record, and a start without later collections."""

import gc
import os
import socket


def worker_name() -> str:
    """Return host and process id. Read each time: a forked worker is another process."""
    return f"{socket.gethostname()}:{os.getpid()}"[:100]


def freeze_startup_objects() -> None:
    """Exclude the objects of the start from later collections. Call it after imports.

    There are some 160,000 of them. A full collection that includes them takes 100 ms, in which no thread runs.
    A process that forks calls it before: its children share the memory, and their own call has little to scan.
    """
    gc.collect()
    gc.freeze()
