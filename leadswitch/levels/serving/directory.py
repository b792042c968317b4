"""The directory in which a worker's processes share their metrics. Imports no prometheus_client.

prometheus_client reads PROMETHEUS_MULTIPROC_DIR once, when it is first imported.
"""

import os
import shutil
from pathlib import Path
from typing import Final

import psutil

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


def make_directory(var_dir: Path, *, kind: str) -> Path:
    """Make an empty directory for this process and its children, and remove those of processes that ended."""
    parent = var_dir / "metrics-files"
    parent.mkdir(parents=True, exist_ok=True)
    directory = parent / f"{kind}-{os.getpid()}"
    for other in parent.glob(f"{kind}-*"):
        if other == directory or not psutil.pid_exists(int(other.name.rpartition("-")[2])):
            shutil.rmtree(other, ignore_errors=True)
    directory.mkdir()
    return directory
