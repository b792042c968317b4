"""The heartbeat of a process: a file that it touches in its loop, and that a probe in the same container checks.

It is a file because a process counts as alive while PostgreSQL or Redis is down: a restart would not help.
"""

import logging
import time
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

FOLDER: Final = "alive"
# No setting: a turn may wait for a statement's time limit (15 s) on either connection, for Redis, and for the longest
# LEADSWITCH_DISPATCHER_PAUSE_MS (10 s) before it ends.
LONGEST_TURN_SECONDS: Final = 60


def send_heartbeat(var_dir: Path, name: str) -> None:
    """A failing disk does not stop the process: the probe reports it."""
    file = _file(var_dir, name)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError as error:
        logger.warning("heartbeat.not_written", extra={"cause": type(error).__name__})


def heartbeat_age(var_dir: Path, name: str) -> float | None:
    """Seconds since the last heartbeat; None: there was none."""
    try:
        return time.time() - _file(var_dir, name).stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return None


def _file(var_dir: Path, name: str) -> Path:
    return var_dir / FOLDER / name
