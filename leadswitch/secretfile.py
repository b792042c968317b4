"""Secrets that an embedded installation makes for itself, once, in files that only their owner can read."""

import os
import secrets
import tempfile
from pathlib import Path

from leadswitch.var_dir import usable_var_dir


def read_or_create_secret(path: Path, *, entropy_bytes: int = 48) -> str:
    """Return the secret in the file. Two processes that create it at once get the same one.

    Raises leadswitch.var_dir.VarDirUnusable.
    """
    with usable_var_dir(path):
        return _read_or_create(path, entropy_bytes=entropy_bytes)


def _read_or_create(path: Path, *, entropy_bytes: int) -> str:
    """Raises OSError."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(entropy_bytes))
    try:
        os.link(name, path)  # fails if another process was first; its secret is used
    except FileExistsError:
        pass
    finally:
        os.unlink(name)
    return path.read_text().strip()
