"""The programs of Prometheus and the Alertmanager: where they are, and how the Alertmanager is started."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from leadswitch.env import REPOSITORY

PROGRAMS: Final = ("prometheus", "promtool", "alertmanager", "amtool")
UNPACKED: Final = REPOSITORY / "var" / "prometheus" / "usr" / "bin"


def find_program(name: str) -> str:
    """The path of one of PROGRAMS, from the directory that ops/install_prometheus.sh found before.

    Downloads nothing. Raises FileNotFoundError if no directory has all of them.
    """
    on_path = shutil.which("promtool")
    candidates = [Path(on_path).parent] if on_path else []
    for directory in (*candidates, UNPACKED):
        if all(os.access(directory / program, os.X_OK) for program in PROGRAMS):
            return str(directory / name)
    message = "Prometheus and the Alertmanager are not installed: run ops/install_prometheus.sh"
    raise FileNotFoundError(message)


def alertmanager_command(program: str, configuration: Path, *, port: int) -> Sequence[str]:
    """Its data is beside the configuration. It joins no cluster."""
    return (
        program,
        f"--config.file={configuration}",
        f"--storage.path={configuration.parent / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
