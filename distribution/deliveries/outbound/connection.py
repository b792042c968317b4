"""One HTTP/1.1 connection to a checked address: asks, and reads the answer into a receipt."""

from time import monotonic
from typing import Final

import httpcore

from distribution.deliveries.outbound.exchange import Exchange
from distribution.deliveries.outbound.failures import Failed, Failure
from distribution.deliveries.outbound.result import Receipt
from distribution.deliveries.outbound.stream import PinnedStream
from distribution.deliveries.outbound.targets import Target

# Shorter than servers keep an idle connection (gunicorn 2 s, Node and Apache 5 s): a request that meets a closing
# connection ends as unknown.
MAX_IDLE_SECONDS: Final = 1.5
# A host may move: then the address that was checked is the wrong one.
MAX_AGE_SECONDS: Final = 60.0


class Connection:
    """Used by one thread at a time."""

    def __init__(self, target: Target, stream: PinnedStream, address: str) -> None:
        self.origin = target.origin
        self.address = address
        self._stream = stream
        self._opened_at = monotonic()
        self._http = httpcore.HTTP11Connection(
            httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port),
            stream,
            keepalive_expiry=MAX_IDLE_SECONDS,
        )

    @property
    def is_reusable(self) -> bool:
        """The last answer was read to its end, nothing has arrived since, and it is not idle or open for too long."""
        return (
            self._http.is_idle()
            and monotonic() - self._opened_at < MAX_AGE_SECONDS
            and not self._http.has_expired()
        )

    def ask(self, request: httpcore.Request, exchange: Exchange, receipt: Receipt) -> None:
        """Raises Failed. The connection is closed unless the answer was read to its end."""
        self._stream.exchange = exchange
        exchange.begin_headers()
        try:
            self._ask(request, exchange, receipt)
        except httpcore.RemoteProtocolError as error:
            raise self._explain(error) from None
        except httpcore.ReadError as error:
            raise Failed(Failure.CONNECTION_CUT, f"{error}.") from None
        except httpcore.LocalProtocolError as error:
            raise Failed(Failure.BAD_HEADER, f"{error}.") from None

    def _ask(self, request: httpcore.Request, exchange: Exchange, receipt: Receipt) -> None:
        response = self._http.handle_request(request)
        try:
            receipt.read_head(response.status, response.headers)
            exchange.begin_body()
            receipt.read_body(response.iter_stream())
        finally:
            response.close()

    def _explain(self, error: httpcore.RemoteProtocolError) -> Failed:
        if self._stream.is_ended:
            return Failed(Failure.CONNECTION_CUT, "The other side closed the connection.")
        return Failed(Failure.MALFORMED, f"{error}.")

    def close(self) -> None:
        self._http.close()
