"""The directory in which a worker's processes share their metrics. Imports no prometheus_client.

prometheus_client reads PROMETHEUS_MULTIPROC_DIR once, when it is first imported.
"""

import os
import shutil
from pathlib import Path
from typing import Final

import psutil

from leadswitch.var_dir import usable_var_dir

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


def make_directory(var_dir: Path, *, kind: str) -> Path:
    """Make an empty directory for this process and its children, and remove those of processes that ended.

    Raises leadswitch.var_dir.VarDirUnusable.
    """
    parent = var_dir / "metrics-files"
    directory = parent / f"{kind}-{os.getpid()}"
    with usable_var_dir(directory):
        parent.mkdir(parents=True, exist_ok=True)
        for other in parent.glob(f"{kind}-*"):
            if other == directory or _has_ended(other.name.rpartition("-")[2]):
                shutil.rmtree(other, ignore_errors=True)
        directory.mkdir()
    return directory


def _has_ended(pid: str) -> bool:
    """False for a name that is no process id: another program made that directory."""
    return pid.isdecimal() and not psutil.pid_exists(int(pid))
