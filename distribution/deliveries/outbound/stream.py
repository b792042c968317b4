"""A socket to a checked address, with the clock of the request that uses it."""

import select
import socket
import ssl
from contextlib import suppress
from typing import Any

import httpcore

from distribution.deliveries.outbound.exchange import Exchange


class PinnedStream(httpcore.NetworkStream):
    """Every wait ends with the current part of the request. httpcore's own timeouts begin anew with each byte."""

    def __init__(self, connected: socket.socket, exchange: Exchange) -> None:
        self._socket = connected
        self.exchange = exchange
        self.is_ended = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        self._socket.settimeout(self.exchange.remaining_seconds)
        try:
            data = self._socket.recv(max_bytes)
        except TimeoutError:
            raise self.exchange.out_of_time() from None
        except OSError as error:
            raise httpcore.ReadError(type(error).__name__) from None
        self.is_ended = not data
        self.exchange.count_received(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """After a WriteError httpcore reads: a server may answer before it has read everything."""
        rest = memoryview(buffer)
        self.exchange.begin_write()
        while rest:
            self._socket.settimeout(self.exchange.remaining_seconds)
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                raise self.exchange.out_of_time() from None
            except OSError as error:
                raise httpcore.WriteError(type(error).__name__) from None

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> "PinnedStream":
        """Raises OSError (ssl.SSLError is one)."""
        self._socket.settimeout(self.exchange.remaining_seconds)
        self._socket = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        return self

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        """httpcore asks whether an idle connection can be read: then the other side closed it, or sends unasked."""
        return self._is_readable() if info == "is_readable" else None

    def _is_readable(self) -> bool:
        poll = select.poll()
        try:
            poll.register(self._socket, select.POLLIN)
        except ValueError:  # closed
            return True
        return bool(poll.poll(0))
