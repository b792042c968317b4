"""What a process does once to be a worker: its name in the attempt's record, and its garbage collector."""

import gc
import os
import socket
from typing import Final

# A decision over 1,000 buyers makes some 20,000 small objects that all live until its commit. At the default of 700
# the collector walks them again and again, and finds nothing: a fifth of such a decision's time.
OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000


def worker_name() -> str:
    """Return host and process id. Read each time: a forked worker is another process."""
    return f"{socket.gethostname()}:{os.getpid()}"[:100]


def freeze_startup_objects() -> None:
    """Leave what start-up made out of every later collection, and collect less often. Call it once, after imports."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 20, 50)
