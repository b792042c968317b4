"""The embedded Redis: the redis-server that `make` unpacked into .venv/bin, or redis-server or valkey-server from PATH.

Callers hold the checkout's lock for everything here but `is_ready`.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from leadswitch.embedded.paths import ServicePaths, ServicesError
from leadswitch.embedded.processes import (
    directories_of,
    end_processes,
    processes_in,
    socket_answers,
    wait_until,
)

PROCESS_NAMES = ("redis-server", "valkey-server")
NO_SERVER = (
    "no redis-server or valkey-server in .venv/bin or PATH: run `make` again (x86-64 Linux),"
    " install one (Debian: apt-get install redis-server), or set REDIS_URL"
)
START_TIMEOUT_SECONDS = 10.0


def redis_url(paths: ServicePaths) -> str:
    return f"unix://{quote(str(paths.redis_socket))}?db=0"


def is_ready(paths: ServicePaths) -> bool:
    """Whether the server of this var directory answers. A pid file means that var/ was not removed."""
    return _pid_file(paths).exists() and socket_answers(paths.redis_socket)


def is_running(paths: ServicePaths) -> bool:
    return bool(processes_in(paths.redis_dir, names=PROCESS_NAMES))


def running_names(paths: ServicePaths) -> list[str]:
    """Return the names of the additional servers of this var directory, even of a removed one."""
    found = (each for each in directories_of(PROCESS_NAMES) if each.parent == paths.var_dir)
    return sorted(each.name.removeprefix("redis-") for each in found if each.name.startswith("redis-"))


def start(paths: ServicePaths, *, program: str = "") -> None:
    """Stop an orphan of this directory, then start a server that stores nothing on disk."""
    stop(paths)
    paths.redis_dir.mkdir(mode=0o700, exist_ok=True)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    command = [program or _binary(), *_options(paths)]
    done = subprocess.run(command, env=environment, umask=0o077, capture_output=True, text=True, check=False)
    started = not done.returncode and wait_until(
        lambda: is_ready(paths), timeout_seconds=START_TIMEOUT_SECONDS
    )
    if not started:
        details = (done.stderr or done.stdout).strip()
        raise ServicesError(f"redis-server did not start (see {paths.redis_dir / 'server.log'}): {details}")


def stop(paths: ServicePaths) -> bool:
    """Stop every server of this directory and remove stale files. Returns whether one ran."""
    found = end_processes(paths.redis_dir, names=PROCESS_NAMES, stop_signal=signal.SIGTERM)
    paths.redis_socket.unlink(missing_ok=True)
    _pid_file(paths).unlink(missing_ok=True)
    return found > 0


def _pid_file(paths: ServicePaths) -> Path:
    return paths.redis_dir / "server.pid"


def _options(paths: ServicePaths) -> list[str]:
    # Redis holds wake-ups and indexes only, all rebuilt from PostgreSQL: nothing is saved.
    # Nothing is evicted either: an evicted wake-up delays its lead by a period.
    settings = {
        "port": "0",
        "unixsocket": str(paths.redis_socket),
        "unixsocketperm": "700",
        "dir": str(paths.redis_dir),
        "pidfile": str(_pid_file(paths)),
        "logfile": str(paths.redis_dir / "server.log"),
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "daemonize": "yes",
    }
    return [part for name, value in settings.items() for part in (f"--{name}", value)]


def _binary() -> str:
    search = os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)])
    for name in PROCESS_NAMES:
        found = shutil.which(name, path=search)
        if found is not None:
            return found
    raise ServicesError(NO_SERVER)
