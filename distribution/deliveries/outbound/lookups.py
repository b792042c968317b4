"""Looks up the addresses of a host in bounded time. The system's resolver has no timeout of its own."""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import ip_address
from threading import Lock, Thread
from typing import Final

from distribution.deliveries.outbound.addresses import Address
from distribution.deliveries.outbound.failures import Failed, Failure

Resolve = Callable[[str], Sequence[str]]
NO_SUCH_HOST: Final = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})


class LookupUnavailable(Failed):
    """The resolver gave no answer: nothing is known about the host."""


def ask_system(host: str) -> Sequence[str]:
    """Raises socket.gaierror."""
    found = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    return [str(place[0]).partition("%")[0] for *_, place in found]


class Lookups:
    """Runs each lookup in a daemon thread. Those who ask for the same host at the same time share its answer.

    So a host whose name servers never answer holds one thread, and every caller waits for its own time only. Nothing is
    cached: an answer goes to the callers that waited for it.
    """

    def __init__(self, resolve: Resolve = ask_system) -> None:
        self._resolve = resolve
        self._running: dict[str, Future[Sequence[str]]] = {}
        self._lock = Lock()

    def find_addresses(self, host: str, *, seconds: float) -> tuple[Address, ...]:
        """Returns at least one, each once, in the resolver's order. Raises Failed."""
        try:
            texts = self._join(host).result(seconds)
            found = tuple(dict.fromkeys(ip_address(text) for text in texts))
        except TimeoutError:
            raise LookupUnavailable(Failure.CONNECT_TIMEOUT, f"No address of {host} in time.") from None
        except socket.gaierror as error:
            raise _explain(host, error) from None
        except (
            OSError,
            ValueError,
            RuntimeError,
        ) as error:  # no thread, no file descriptor, a broken resolver
            name = type(error).__name__
            raise LookupUnavailable(Failure.UNKNOWN_HOST, f"{host} could not be looked up: {name}.") from None
        if not found:
            raise Failed(Failure.UNKNOWN_HOST, f"{host} has no address.")
        return found

    def _join(self, host: str) -> "Future[Sequence[str]]":
        with self._lock:
            future = self._running.get(host)
            if future is None:
                future = Future()
                # It may not start. Its end waits for the lock, so it is forgotten after it is remembered.
                Thread(target=self._run, args=(host, future), name="lookup", daemon=True).start()
                self._running[host] = future
            return future

    def _run(self, host: str, future: "Future[Sequence[str]]") -> None:
        try:
            found = self._resolve(host)
        except Exception as error:  # noqa: BLE001 - those who wait for the answer raise it
            self._forget(host)
            future.set_exception(error)
        else:
            self._forget(host)
            future.set_result(found)

    def _forget(self, host: str) -> None:
        with self._lock, suppress(KeyError):
            del self._running[host]


def _explain(host: str, error: socket.gaierror) -> Failed:
    if error.errno in NO_SUCH_HOST:
        return Failed(Failure.UNKNOWN_HOST, f"{host} has no address.")
    return LookupUnavailable(Failure.UNKNOWN_HOST, f"{host} could not be looked up: {error.strerror}.")
