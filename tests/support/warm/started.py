"""Starts a Python process like `subprocess.Popen`, from the process that has imported the libraries (host.py)."""

import atexit
import ctypes
import errno
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from inspect import signature
from typing import Any, AnyStr, Final

from leadswitch.env import REPOSITORY
from tests.support.warm.host import HANDED_OVER, MAX_ANSWER_BYTES, MAX_ORDER_BYTES

# Of Linux: a child whose parent ends becomes a child of the nearest ancestor that asks for it.
PR_SET_CHILD_SUBREAPER: Final = 36
# An answer takes milliseconds, but the first one waits for the imports of the host.
ANSWER_SECONDS: Final = 120
# Of `Popen._execute_child`. Each pipe has an end for the child and an end for this process.
PARAMETERS: Final = tuple(signature(subprocess.Popen._execute_child).parameters)[1:]  # type: ignore[attr-defined]
PIPES: Final = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
STREAMS: Final = ("p2cread", "c2pwrite", "errwrite")
# Parameters that an order has no place for, as Popen gives them if the caller does not.
FIXED: Final = {
    "executable": None,
    "preexec_fn": None,
    "close_fds": True,
    "startupinfo": None,
    "creationflags": 0,
    "shell": False,
    "restore_signals": True,
    "gid": None,
    "gids": None,
    "uid": None,
    "umask": -1,
    "process_group": -1,
}


class WarmPopen(subprocess.Popen[AnyStr]):
    """`args` is Python's command line without options: -m MODULE, -c CODE or the path of a script, and arguments."""

    def _execute_child(self, *given: Any) -> None:  # the only step of Popen that differs
        values: dict[str, Any] = dict(zip(PARAMETERS, given, strict=True))
        refuse_others(values)
        streams: list[int] = [own if values[name] == -1 else values[name] for own, name in enumerate(STREAMS)]
        order = {
            "arguments": [os.fspath(each) for each in values["args"]],
            "directory": os.fspath(values["cwd"] or os.getcwd()),
            "environment": dict(os.environ if values["env"] is None else values["env"]),
            "files": [0, 1, 2, *values["pass_fds"]],
            "is_session": bool(values["start_new_session"]),
        }
        self.pid = orders().send(order, [*streams, *values["pass_fds"]])
        self._child_created = True
        self._close_pipe_fds(*(values[name] for name in PIPES))  # type: ignore[attr-defined]


def refuse_others(values: Mapping[str, Any]) -> None:
    """Raises ValueError for an option of Popen that would have no effect."""
    for name, default in FIXED.items():
        if values[name] != default:
            message = f"a warm start cannot set {name} to {values[name]!r}: use subprocess"
            raise ValueError(message)


def start_python(*command: str, **options: Any) -> "subprocess.Popen[Any]":
    """Only tests start it this way. A bench measures new processes. `options` are those of Popen."""
    if "pytest" in sys.modules and sys.platform == "linux":
        return WarmPopen(command, **options)
    return subprocess.Popen([sys.executable, *command], **options)


def run_python(
    *command: str, timeout: float | None = None, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """As `subprocess.run` with captured text does."""
    pipe = subprocess.PIPE
    with start_python(*command, text=True, stdout=pipe, stderr=pipe, **options) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


class Orders:
    """The connection to the process that forks. `send` is for one thread at a time."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.settimeout(ANSWER_SECONDS)
        self._lock = threading.Lock()
        with theirs:
            self._host = subprocess.Popen(
                [sys.executable, "-m", "tests.support.warm.host", str(theirs.fileno())],
                cwd=REPOSITORY,
                env=environment_of_host(),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # no terminal: the streams of a child are buffered as for a pipe
                start_new_session=True,
            )

    def send(self, order: object, files: Sequence[int]) -> int:
        """Returns the process id of the program, which is a child of this process now.

        Raises OSError or SubprocessError, as Popen does, if it cannot be started.
        """
        message = json.dumps(order).encode()
        if len(message) > MAX_ORDER_BYTES:  # the host would read only its beginning
            raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
        with self._lock:
            try:
                answer = self._exchange(message, files)
            except BaseException:
                self._give_up()
                raise
        return read_pid(answer)

    def _exchange(self, message: bytes, files: Sequence[int]) -> Mapping[str, Any]:
        socket.send_fds(self._ours, [message], files)
        answer: dict[str, Any] = json.loads(self._receive())
        with taking_orphans() if "pid" in answer else nullcontext():
            self._ours.send(b"!")
            assert self._receive() == HANDED_OVER
        return answer

    def _receive(self) -> bytes:
        answer = self._ours.recv(MAX_ANSWER_BYTES)
        if not answer:
            message = "the process that forks has ended: its stderr has the reason"
            raise ConnectionError(message)
        return answer

    def _give_up(self) -> None:
        """The next start uses another host: this one may still send an answer to this order."""
        orders.cache_clear()
        self._ours.close()
        self._host.kill()

    def close(self) -> None:
        self._ours.close()
        self._host.wait()


def read_pid(answer: Mapping[str, Any]) -> int:
    if "error" in answer:
        raise OSError(*answer["error"])
    if "refused" in answer:
        raise subprocess.SubprocessError(answer["refused"])
    return int(answer["pid"])


@cache
def orders() -> Orders:
    found = Orders()
    atexit.register(found.close)
    return found


def environment_of_host() -> dict[str, str]:
    """Without the settings: a library that reads them before the fork fails."""
    return {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}


@contextmanager
def taking_orphans() -> Iterator[None]:
    """Only for this moment: at any other, the orphans of a killed program are not for the tests to wait for."""
    set_subreaper(1)
    try:
        yield
    finally:
        set_subreaper(0)


def set_subreaper(value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
