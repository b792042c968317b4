"""A socket to a checked address, with the clock of the request that uses it."""

import math
import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from distribution.deliveries.outbound.exchange import Exchange

Result = TypeVar("Result")


class PinnedStream:
    """Every wait ends with the current part of the request, however many bytes arrive. Raises Failed, or OSError.

    The socket does not block: with a timeout of its own, each call would give up Python's lock three times instead of
    once, and the other threads of a deliverer would take it each time.
    """

    def __init__(self, connected: socket.socket, exchange: Exchange) -> None:
        connected.settimeout(0)
        self._socket = connected
        self.exchange = exchange
        self.is_ended = False

    def read(self, max_bytes: int) -> bytes:
        if not self._is_encrypted:  # there is nothing yet, or rarely
            self._wait(select.POLLIN)
        data = self._complete(partial(self._socket.recv, max_bytes), event=select.POLLIN)
        self.is_ended = not data
        self.exchange.count_received(len(data))
        return data

    def write(self, data: bytes, *, head_bytes: int) -> None:
        """Head and body together. The receiver may have the request once a byte after the head is out.

        What an encrypted connection has sent is not known when it fails, so all of it may be out.
        """
        rest = memoryview(data)
        self.exchange.is_sent = self._is_encrypted
        while rest:
            sent = self._complete(partial(self._socket.send, rest), event=select.POLLOUT)
            rest = rest[sent:]
            if len(data) - len(rest) > head_bytes:
                self.exchange.is_sent = True

    def start_tls(self, tls: ssl.SSLContext, *, host: str) -> None:
        self._socket.settimeout(self.exchange.remaining_seconds)
        try:
            self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        except TimeoutError:
            raise self.exchange.out_of_time() from None
        self._socket.settimeout(0)

    def _complete(self, call: Callable[[], Result], *, event: int) -> Result:
        """Repeat it whenever the socket is ready for what it lacks. `event`: what an unencrypted one lacks."""
        while True:
            _ = self.exchange.remaining_seconds  # also if bytes arrive for ever
            try:
                return call()
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT)
            except BlockingIOError:
                self._wait(event)

    def _wait(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._socket, event)
        if not poll.poll(math.ceil(1000 * self.exchange.remaining_seconds)):
            raise self.exchange.out_of_time()

    @property
    def is_readable(self) -> bool:
        """Of an idle connection: the other side closed it, or sends unasked."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    @property
    def _is_encrypted(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()
