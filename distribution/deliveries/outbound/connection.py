"""One HTTP/1.1 connection to a checked address: asks, and reads the answer into a receipt."""

from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Final

import h11

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
READ_BYTES: Final = 65_536
MAX_HEAD_BYTES: Final = 102_400


class Connection:
    """Used by one thread at a time."""

    def __init__(self, target: Target, stream: PinnedStream, address: str) -> None:
        self.origin = target.origin
        self.address = address
        self._stream = stream
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._opened_at = monotonic()
        self._idle_since: float | None = None

    @property
    def is_reusable(self) -> bool:
        """It is not over, and nothing has arrived since its last answer."""
        return not self.is_over and not self._stream.is_readable

    @property
    def is_over(self) -> bool:
        """The last answer was not read to its end, or it is idle or open for too long. Asks nothing of the system."""
        now = monotonic()
        return (
            self._idle_since is None
            or now - self._idle_since >= MAX_IDLE_SECONDS
            or now - self._opened_at >= MAX_AGE_SECONDS
        )

    def ask(self, head: h11.Request, body: bytes, *, exchange: Exchange, receipt: Receipt) -> None:
        """Raises Failed. The connection is closed unless the answer was read to its end."""
        self._stream.exchange, self._idle_since = exchange, None
        try:
            exchange.begin_headers()
            with suppress(OSError):  # the other side may answer and close before it has read everything
                self._write(head, body)
            self._read(exchange, receipt)
        except h11.LocalProtocolError as error:
            raise Failed(Failure.BAD_HEADER, f"{error}.") from None
        except h11.RemoteProtocolError as error:
            raise self._explain(error) from None
        except OSError as error:
            raise Failed(Failure.CONNECTION_CUT, f"{error.strerror or type(error).__name__}.") from None
        finally:
            self._end()

    def _write(self, head: h11.Request, body: bytes) -> None:
        """In one piece: two would wake the receiver twice. A request without a body is sent with its first byte."""
        data = self._http.send(head) or b""
        head_bytes = len(data) if body else 0
        if body:
            data += self._http.send(h11.Data(data=body)) or b""
        self._http.send(h11.EndOfMessage())
        self._stream.write(data, head_bytes=head_bytes)

    def _read(self, exchange: Exchange, receipt: Receipt) -> None:
        event = self._next_event()
        while isinstance(event, h11.InformationalResponse):
            event = self._next_event()
        if not isinstance(event, h11.Response):
            raise Failed(Failure.MALFORMED, "This is not the beginning of an answer.")
        receipt.read_head(event.status_code, event.headers.raw_items())
        exchange.begin_body()
        receipt.read_body(self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        while isinstance(event := self._next_event(), h11.Data):
            yield bytes(event.data)

    def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(self._stream.read(READ_BYTES))
        return event

    def _explain(self, error: h11.RemoteProtocolError) -> Failed:
        if self._stream.is_ended:
            return Failed(Failure.CONNECTION_CUT, "The other side closed the connection.")
        return Failed(Failure.MALFORMED, f"{error}.")

    def _end(self) -> None:
        """What came after the answer would be read as the answer to the next request: then there is none."""
        is_complete = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if is_complete and self._http.trailing_data == (b"", False):
            self._http.start_next_cycle()
            self._idle_since = monotonic()
        else:
            self.close()

    def close(self) -> None:
        self._idle_since = None
        self._stream.close()
