"""Finds and stops the server processes of one directory.

A server is recognized by its name and its working directory (both servers change into their data
directory), never by a recorded pid alone: a pid may be stale, reused, or copied along with a checkout. The
kernel keeps the working directory of a process whose directory was deleted, so orphans of `rm -rf var/` are
found too.
"""

import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, sleep

import psutil

POLL_SECONDS = 0.02
GRACE_SECONDS = 10.0


def processes_in(directory: Path, *, names: Sequence[str]) -> list[psutil.Process]:
    """Every live process called one of `names` whose working directory is (or was, before deletion) `directory`."""
    return [process for process in psutil.process_iter() if _is_server(process, directory, names)]


def directories_of(names: Sequence[str]) -> set[Path]:
    """The working directories, also removed ones, of every live process called one of `names`."""
    return {found for process in psutil.process_iter() if (found := _directory_of(process, names))}


def _is_server(process: psutil.Process, directory: Path, names: Sequence[str]) -> bool:
    return _directory_of(process, names) == directory


def _directory_of(process: psutil.Process, names: Sequence[str]) -> Path | None:
    try:
        return Path(process.cwd().removesuffix(" (deleted)")) if process.name() in names else None
    except psutil.Error:  # it ended, is a zombie, or belongs to another user
        return None


def leaders(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Return those that none of the others started: the postmaster, not its backends."""
    pids = {process.pid for process in processes}
    # A process that has just ended (a backend whose client left) has no parent, and leads nothing.
    parents = {process: _parent_pid(process) for process in processes}
    return [process for process, parent in parents.items() if parent is not None and parent not in pids]


def _parent_pid(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def end_processes(directory: Path, *, names: Sequence[str], stop_signal: signal.Signals) -> int:
    """Ask the servers of `directory` to stop; kill those left after the grace time. Returns how many there were."""
    found = processes_in(directory, names=names)
    first = leaders(found)

    def are_gone() -> bool:
        return not any(_is_server(process, directory, names) for process in found)

    _send(first, stop_signal)
    if not wait_until(are_gone, timeout_seconds=GRACE_SECONDS):
        _send(found, signal.SIGKILL)
        wait_until(are_gone, timeout_seconds=GRACE_SECONDS)
    return len(first)


def _send(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def socket_answers(path: Path) -> bool:
    """Whether some process listens on the unix socket `path`."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
    return True


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float) -> bool:
    """Poll a condition. Returns whether it became true in time."""
    deadline = monotonic() + timeout_seconds
    while not condition():
        if monotonic() > deadline:
            return False
        sleep(POLL_SECONDS)
    return True
