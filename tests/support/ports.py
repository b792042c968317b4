"""Ports of servers that tests start."""

import os
import socket
from itertools import count
from typing import Final

# Below the ports that the system gives to outgoing connections. One of those may be taken before the server binds it.
FIRST: Final = 20_000
PORTS: Final = 12_000
FOR_ONE_PROCESS: Final = 100

_turns = count(os.getpid() * FOR_ONE_PROCESS)


def free_port() -> int:
    """Return a port on which nothing listens. Each test worker looks among others, and uses none twice in a row."""
    for turn in _turns:
        port = FIRST + turn % PORTS
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError
