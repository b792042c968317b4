"""A socket to a checked address, with the clock of the request that uses it."""

import select
import socket
import ssl
from contextlib import suppress

from distribution.deliveries.outbound.exchange import Exchange


class PinnedStream:
    """Every wait ends with the current part of the request, however many bytes arrive. Raises Failed, or OSError."""

    def __init__(self, connected: socket.socket, exchange: Exchange) -> None:
        self._socket = connected
        self.exchange = exchange
        self.is_ended = False

    def read(self, max_bytes: int) -> bytes:
        self._socket.settimeout(self.exchange.remaining_seconds)
        try:
            data = self._socket.recv(max_bytes)
        except TimeoutError:
            raise self.exchange.out_of_time() from None
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
            self._socket.settimeout(self.exchange.remaining_seconds)
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                raise self.exchange.out_of_time() from None
            if len(data) - len(rest) > head_bytes:
                self.exchange.is_sent = True

    @property
    def _is_encrypted(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket)

    def start_tls(self, tls: ssl.SSLContext, *, host: str) -> None:
        self._socket.settimeout(self.exchange.remaining_seconds)
        try:
            self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        except TimeoutError:
            raise self.exchange.out_of_time() from None

    @property
    def is_readable(self) -> bool:
        """Of an idle connection: the other side closed it, or sends unasked."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()
