"""Opens a connection to the first checked address that accepts one, and never to another."""

import socket
import ssl
from collections.abc import Sequence

from distribution.deliveries.outbound.addresses import Address
from distribution.deliveries.outbound.exchange import Exchange
from distribution.deliveries.outbound.failures import Failed, Failure
from distribution.deliveries.outbound.stream import PinnedStream
from distribution.deliveries.outbound.targets import Target


def connect(
    target: Target, addresses: Sequence[Address], *, tls: ssl.SSLContext, exchange: Exchange
) -> tuple[PinnedStream, Address]:
    """Raises Failed. The host name is used for TLS alone: for its SNI and for the check of the certificate."""
    connected, address = _dial(target, addresses, exchange)
    stream = PinnedStream(connected, exchange)
    if target.scheme == "https":
        _secure(stream, target, tls)
    return stream, address


def _dial(target: Target, addresses: Sequence[Address], exchange: Exchange) -> tuple[socket.socket, Address]:
    """Each address gets an equal share of the time that is left."""
    failed = Failed(Failure.CONNECT_FAILED, "There is no address.")
    for place, address in enumerate(addresses):
        share = exchange.remaining_seconds / (len(addresses) - place)
        try:
            return _dial_one(address, target.port, seconds=share), address
        except TimeoutError:
            failed = Failed(Failure.CONNECT_TIMEOUT, f"{address} did not accept a connection in time.")
        except OSError as error:
            failed = Failed(Failure.CONNECT_FAILED, f"{address}: {error.strerror}.")
    raise failed


def _dial_one(address: Address, port: int, *, seconds: float) -> socket.socket:
    """Raises OSError."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    dialed = socket.socket(family, socket.SOCK_STREAM)
    try:
        dialed.settimeout(seconds)
        dialed.connect((str(address), port))
        dialed.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        dialed.close()
        raise
    return dialed


def _secure(stream: PinnedStream, target: Target, tls: ssl.SSLContext) -> None:
    """Raises Failed, with the stream closed."""
    try:
        stream.start_tls(tls, host=target.host)
    except OSError as error:
        stream.close()
        raise Failed(Failure.TLS_FAILED, _describe(error)) from None
    except Failed:
        stream.close()
        raise


def _describe(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"Certificate: {error.verify_message}."
    return f"{(error.reason if isinstance(error, ssl.SSLError) else error.strerror) or type(error).__name__}."
