"""Sends requests: parse, take or open a connection, ask, and say what is known. Thread-safe."""

import os
import ssl

import certifi
import h11

from distribution.deliveries.outbound.addresses import Address
from distribution.deliveries.outbound.connecting import connect
from distribution.deliveries.outbound.connection import Connection
from distribution.deliveries.outbound.exchange import Exchange
from distribution.deliveries.outbound.failures import Failed, Failure, RefusedURL
from distribution.deliveries.outbound.headers import encode_headers
from distribution.deliveries.outbound.idle import IdleConnections
from distribution.deliveries.outbound.lookups import Lookups, LookupUnavailable, Resolve, ask_system
from distribution.deliveries.outbound.policy import Policy
from distribution.deliveries.outbound.request import CONNECT_SECONDS, METHODS, OutboundRequest
from distribution.deliveries.outbound.result import OutboundResult, Receipt
from distribution.deliveries.outbound.targets import Target, parse_url


def make_tls() -> ssl.SSLContext:
    """Trusts the authorities of the package certifi. SSL_CERT_FILE names others, as for other programs."""
    return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where())


class OutboundClient:
    """One for each process. `resolve` and `tls` are for tests; the defaults are the system's resolver and certifi."""

    def __init__(
        self, policy: Policy, *, resolve: Resolve = ask_system, tls: ssl.SSLContext | None = None
    ) -> None:
        self._policy = policy
        self._lookups = Lookups(resolve)
        self._tls = tls or make_tls()
        self._idle = IdleConnections()

    def check_url(self, url: str) -> None:
        """Check at save what is checked again at each send. Raises RefusedURL with a message for the form.

        If the resolver does not answer, the host's addresses are not checked: its outage must not keep a person from
        saving an endpoint.
        """
        target = parse_url(url)
        try:
            addresses = self._find_addresses(target, seconds=CONNECT_SECONDS)
        except LookupUnavailable:
            return
        except Failed:
            message = f"{target.host} has no address. Check the spelling of the host."
            raise RefusedURL(Failure.UNKNOWN_HOST, message) from None
        self._policy.check(target, addresses)

    def send(self, request: OutboundRequest) -> OutboundResult:
        """Send once, and return what is known. Whatever the other side does, it raises nothing."""
        exchange = Exchange(request.timeouts, max_body_bytes=request.max_body_bytes)
        receipt = Receipt(request.max_body_bytes)
        failed: Failed | None = None
        try:
            self._send(request, exchange, receipt)
        except Failed as error:
            failed = error
        return OutboundResult(
            is_sent=exchange.is_sent,
            duration_ms=exchange.duration_ms,
            failure=failed.failure if failed else None,
            detail=failed.detail if failed else "",
            address=receipt.address,
            status=receipt.status,
            headers=receipt.headers,
            body=bytes(receipt.body),
            is_body_cut=receipt.is_body_cut,
        )

    def _send(self, request: OutboundRequest, exchange: Exchange, receipt: Receipt) -> None:
        target = parse_url(request.url)
        head = _make_head(target, request)
        connection = self._idle.take(target.origin) or self._open(target, exchange)
        receipt.address = connection.address
        try:
            connection.ask(head, request.body, exchange=exchange, receipt=receipt)
        finally:
            self._idle.give_back(connection)

    def _open(self, target: Target, exchange: Exchange) -> Connection:
        """Look the host up once, check every address, and connect to one of those that were checked. Raises Failed."""
        addresses = self._find_addresses(target, seconds=exchange.remaining_seconds)
        self._policy.check(target, addresses)
        stream, address = connect(target, addresses, tls=self._tls, exchange=exchange)
        return Connection(target, stream, str(address))

    def _find_addresses(self, target: Target, *, seconds: float) -> tuple[Address, ...]:
        if target.literal:
            return (target.literal,)
        return self._lookups.find_addresses(target.host, seconds=seconds)

    def close_unusable(self) -> None:
        """Close connections that were idle for too long. Sending does it too."""
        self._idle.close_unusable()

    def close(self) -> None:
        self._idle.close()


def _make_head(target: Target, request: OutboundRequest) -> h11.Request:
    """Raises Failed."""
    if request.method not in METHODS:
        raise Failed(
            Failure.BAD_HEADER, f"The method {request.method[:20]!r} is not one of {', '.join(METHODS)}."
        )
    headers = [(b"Host", target.authority.encode()), *encode_headers(request.headers)]
    headers.append((b"Accept-Encoding", b"identity"))
    if request.body or request.method != "GET":
        headers.append((b"Content-Length", str(len(request.body)).encode()))
    return h11.Request(method=request.method, target=target.resource, headers=headers)
