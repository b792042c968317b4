"""Where one checkout's servers keep their files, and the lock that lets one process at a time change them.

Data lives under the var directory. Sockets and the lock live in a short private directory under /tmp, named
after the var directory: a unix socket path is limited to 107 bytes, and the lock must outlive `rm -rf var/`.
"""

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Not tempfile.gettempdir(): TMPDIR may differ between two processes that must find the same servers.
SOCKET_ROOT = Path("/tmp")  # noqa: S108 - the directory made below is private and its owner is checked


# In a directory that the user chose, only what is made in it is closed to other users.
DEFAULT_VAR_DIR = Path(__file__).resolve().parents[2] / "var"
PRIVATE = 0o700


class ServicesError(Exception):
    """An embedded server cannot be started, found or stopped; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ServerPrograms:
    """Servers to run in place of those that come with the requirements. Empty: run those."""

    postgres_dir: str = ""  # where initdb, pg_ctl and postgres are
    redis: str = ""  # redis-server or valkey-server


@dataclass(frozen=True, slots=True)
class ServicePaths:
    var_dir: Path
    socket_dir: Path
    redis_name: str = ""  # of an additional Redis

    @classmethod
    def of(cls, var_dir: Path, *, redis_name: str = "") -> "ServicePaths":
        resolved = var_dir.resolve()
        digest = hashlib.sha256(os.fsencode(resolved)).hexdigest()[:12]
        sockets = SOCKET_ROOT / f"leadswitch-{os.geteuid()}-{digest}"
        return cls(var_dir=resolved, socket_dir=sockets, redis_name=redis_name)

    @property
    def postgres_dir(self) -> Path:
        return self.var_dir / "postgres"

    @property
    def postgres_data(self) -> Path:
        return self.postgres_dir / "data"

    @property
    def postgres_sockets(self) -> Path:
        return self.socket_dir / "pg"

    @property
    def redis_dir(self) -> Path:
        return self.var_dir / (f"redis-{self.redis_name}" if self.redis_name else "redis")

    @property
    def redis_socket(self) -> Path:
        return self.socket_dir / f"{self.redis_dir.name}.sock"


def make_directories(paths: ServicePaths) -> None:
    """Create the var and socket directories. Refuse a socket directory that another user planted in /tmp."""
    try:
        paths.var_dir.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    except OSError as error:
        raise ServicesError(f"cannot create {paths.var_dir}: {error.strerror}") from error
    if paths.var_dir.stat().st_uid != os.geteuid() and not os.access(paths.var_dir, os.W_OK):
        message = f"{paths.var_dir} belongs to another user: run as that user, or set LEADSWITCH_VAR_DIR"
        raise ServicesError(message)
    close_to_others(DEFAULT_VAR_DIR)
    paths.socket_dir.mkdir(mode=PRIVATE, exist_ok=True)
    status = paths.socket_dir.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise ServicesError(f"{paths.socket_dir} is not a private directory of this user: remove it")


def close_to_others(directory: Path) -> None:
    """Remove read and write permission for others. The server may need to pass through (`privileges`)."""
    if directory.is_dir():
        status = directory.stat()
        if status.st_uid == os.geteuid() and status.st_mode & 0o066:
            directory.chmod(stat.S_IMODE(status.st_mode) & 0o711)


@contextmanager
def exclusive_lock(paths: ServicePaths) -> Iterator[None]:
    """Hold the checkout's lock. The kernel releases it when the holder dies for any reason."""
    make_directories(paths)
    with (paths.socket_dir / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            # Closing alone would leave the lock with a child that another thread has just forked.
            fcntl.flock(handle, fcntl.LOCK_UN)
