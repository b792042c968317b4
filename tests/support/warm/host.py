"""Forks a process for each order that arrives at a socket, and becomes its program.

    python -m tests.support.warm.host FD

An order is one message: JSON, and the file descriptors of the program. The first answer is JSON, with the process id as
`pid`. If the process cannot be given what was ordered, it has the arguments of an OSError as `error`, or a text as
`refused`. HANDED_OVER is the second answer: the program is a child of the process that ordered it then.
"""

import atexit
import fcntl
import json
import os
import runpy
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from tests.support.warm.libraries import import_libraries

MAX_ORDER_BYTES: Final = 2**17
MAX_FILES: Final = 64
# Received descriptors move up here before they are put in their places.
FIRST_SPARE: Final = 512
# An error repeats at most the directory of its order.
MAX_ANSWER_BYTES: Final = 2 * MAX_ORDER_BYTES
HANDED_OVER: Final = b"handed over"


@dataclass(frozen=True, slots=True)
class Order:
    """`files`: the numbers that the sent descriptors have in the program; the first three are its standard streams."""

    arguments: Sequence[str]
    directory: str
    environment: Mapping[str, str]
    files: Sequence[int]
    is_session: bool


def serve(orders: socket.socket) -> Order:
    """Returns in a new process for each order."""
    while True:
        message, files, _, _ = socket.recv_fds(orders, MAX_ORDER_BYTES, MAX_FILES)
        if not message:
            sys.exit()  # the tests have ended
        if between := os.fork():
            os.waitpid(between, 0)
            for each in files:
                os.close(each)
            orders.send(HANDED_OVER)
        elif os.fork() == 0:
            return begin_or_refuse(message, files, orders)
        else:
            # The tests take the child of a process that ends: see `Orders` in started.py.
            orders.recv(1)
            os._exit(0)


def begin_or_refuse(message: bytes, files: Sequence[int], orders: socket.socket) -> Order:
    """The test and the process in between wait for an answer, so every failure before it is one."""
    try:
        order = Order(**json.loads(message))
        places = dict(zip(order.files, files, strict=True))
        begin(order)
    except Exception as error:  # noqa: BLE001 - raised in the test
        orders.send(json.dumps(describe(error)).encode())
        os._exit(1)
    orders.send(json.dumps({"pid": os.getpid()}).encode())
    orders.close()
    put_in_place(places)
    return order


def describe(error: Exception) -> Mapping[str, object]:
    if isinstance(error, OSError):
        return {"error": [error.errno, error.strerror, error.filename]}
    return {"refused": repr(error)}


def begin(order: Order) -> None:
    """Give this process all that it inherits from the one that starts it, except the files."""
    if order.is_session:
        os.setsid()
    os.chdir(order.directory)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()


def put_in_place(files: Mapping[int, int]) -> None:
    spare = {place: fcntl.fcntl(each, fcntl.F_DUPFD, FIRST_SPARE) for place, each in files.items()}
    for each in files.values():
        os.close(each)
    for place, each in spare.items():
        os.dup2(each, place)
        os.close(each)


def become(order: Order) -> None:
    """Run the program of this command line: -m MODULE, -c CODE, or the path of a script."""
    first, *others = order.arguments
    sys.path[0] = order.directory
    if first == "-m":
        module, *sys.argv[1:] = others
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    elif first == "-c":
        code, *sys.argv[1:] = others
        sys.argv[0] = first
        sys.modules["__main__"] = program = ModuleType("__main__")
        exec(code, vars(program))  # noqa: S102 - what `python -c` does
    else:
        sys.argv[:] = [first, *others]
        runpy.run_path(first, run_name="__main__")


class Ending:
    """Ends a process whose program has ended, after its exit handlers: taking the modules apart takes 0.3 s.

    After an exception Python itself ends it.
    """

    def __init__(self) -> None:
        self._code: int | None = None
        atexit.register(self._exit)  # first, so that it runs last

    def after(self, order: Order) -> None:
        try:
            become(order)
        except SystemExit as end:
            self._code = end.code if isinstance(end.code, int) else None if end.code else 0
            raise
        self._code = 0

    def _exit(self) -> None:
        if self._code is not None:
            for stream in (sys.stdout, sys.stderr):  # an unfinished line of stderr is in its buffer, too
                if not stream.closed:
                    stream.flush()
            os._exit(self._code & 0xFF)


def main(descriptor: str) -> None:
    ending = Ending()
    orders = socket.socket(fileno=int(descriptor))
    import_libraries()
    ending.after(serve(orders))


if __name__ == "__main__":
    main(*sys.argv[1:])
