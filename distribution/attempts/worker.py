"""What a long-running process needs: its name in the attempt's record, and the settings of its garbage collector."""

import gc
import os
import socket
from typing import Final

# A decision over 1,000 buyers makes some 20,000 small objects that all live until its commit. At the default of 700
# the collector scans them repeatedly and finds nothing, which takes a fifth of the decision's time.
OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000


def worker_name() -> str:
    """Return host and process id. Read each time: a forked worker is another process."""
    return f"{socket.gethostname()}:{os.getpid()}"[:100]


def freeze_startup_objects() -> None:
    """Exclude the objects of the start from later collections, and collect less often. Call it once, after imports.

    There are some 160,000 of them. A full collection that includes them takes 100 ms, in which no thread runs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 20, 50)
