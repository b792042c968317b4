"""How Alertmanager is started on a configuration of its own."""

from collections.abc import Sequence
from pathlib import Path


def alertmanager_command(program: str, configuration: Path, *, port: int) -> Sequence[str]:
    """Its data is beside the configuration. It joins no cluster."""
    return (
        program,
        f"--config.file={configuration}",
        f"--storage.path={configuration.parent / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
