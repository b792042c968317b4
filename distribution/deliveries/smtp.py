"""Connections to the mail server with one deadline for a whole mail.

The timeouts of smtplib hold for each operation: a server that answers slowly, but in time each time, would keep a mail
going beyond the lease of its delivery, and another try would send it again.
"""

import os
import smtplib
import socket
from contextlib import suppress
from functools import partial
from threading import Lock, Timer
from time import monotonic
from typing import Any, Final, Self

from django.core.mail.backends.smtp import EmailBackend

from distribution.deliveries.outbound.lookups import Lookups

LOOKUPS: Final = Lookups()
OVER: Final = "The time of the mail is over."


class Deadline:
    """Cuts the connection of a mail when its time is over. A context: nothing is cut after it."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = monotonic() + seconds
        self._socket: socket.socket | None = None
        self._lock = Lock()
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._release()

    @property
    def is_over(self) -> bool:
        return monotonic() >= self._ends_at

    @property
    def remaining_seconds(self) -> float:
        """Raises TimeoutError if none are left."""
        seconds = self._ends_at - monotonic()
        if seconds <= 0:
            raise TimeoutError(OVER)
        return seconds

    def watch(self, connected: socket.socket) -> None:
        """Cut this connection at the end. Raises TimeoutError, with the connection closed, if that has passed."""
        with self._lock:
            if self.is_over:
                connected.close()
                raise TimeoutError(OVER)
            self._release()
            # A handle of its own: TLS takes the socket over.
            self._socket = socket.socket(fileno=os.dup(connected.fileno()))

    def _cut(self) -> None:
        """Wakes the thread that waits for the server. What it sends or reads afterwards fails."""
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):  # the server may have closed it
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def dial(host: str, port: int, *, deadline: Deadline) -> socket.socket:
    """Each address gets an equal share of the time that is left. Raises OSError or outbound Failed."""
    addresses = LOOKUPS.find_addresses(host, seconds=deadline.remaining_seconds)
    failure: OSError = OSError("There is no address.")
    for place, address in enumerate(addresses):
        share = deadline.remaining_seconds / (len(addresses) - place)
        try:
            return socket.create_connection((str(address), port), share)
        except OSError as error:
            failure = error
    raise failure


class DeadlineSMTP(smtplib.SMTP):
    """`deadline` exists before the base class connects."""

    def __init__(self, *arguments: Any, deadline: Deadline, **options: Any) -> None:
        self._deadline = deadline
        super().__init__(*arguments, **options)

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        """Called by the base class, and before the handshake of TLS."""
        connected = dial(host, port, deadline=self._deadline)
        self._deadline.watch(connected)
        connected.settimeout(self._deadline.remaining_seconds)
        return connected


class DeadlineSMTPOverTLS(smtplib.SMTP_SSL, DeadlineSMTP):
    """SMTP_SSL calls SMTP itself, so the deadline is set here."""

    def __init__(self, *arguments: Any, deadline: Deadline, **options: Any) -> None:
        self._deadline = deadline
        smtplib.SMTP_SSL.__init__(self, *arguments, **options)


class DeadlineBackend(EmailBackend):
    """The mail server of the settings."""

    def __init__(self, *, deadline: Deadline) -> None:
        super().__init__(fail_silently=False)
        self._deadline = deadline

    @property
    def connection_class(self) -> Any:
        """The base class calls it as a class."""
        made = DeadlineSMTPOverTLS if self.use_ssl else DeadlineSMTP
        return partial(made, deadline=self._deadline)
