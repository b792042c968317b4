"""What became of a request: exactly what is known, and nothing about what it means."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from distribution.deliveries.outbound.decoding import choose_decoder
from distribution.deliveries.outbound.failures import Failure
from distribution.deliveries.outbound.request import MAX_BODY_BYTES

MAX_HEADER_BYTES: Final = 16_384


@dataclass(frozen=True, slots=True)
class OutboundResult:
    """`failure` is None exactly if the answer is complete, or so long that it was cut (`is_body_cut`).

    `is_sent`: at least one byte of the body may have left (of a request without one: of its head). If not, the receiver
    cannot have the request. A failure may come after a status. `address` is the one that was connected to, or empty.
    """

    is_sent: bool
    duration_ms: int
    failure: Failure | None
    detail: str
    address: str
    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    is_body_cut: bool

    def find_header(self, name: str) -> str:
        """Return the first value of this header, or an empty text."""
        return _find(self.headers, name)


class Receipt:
    """What has arrived so far."""

    def __init__(self, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._max_body_bytes = max_body_bytes
        self.status: int | None = None
        self.headers: tuple[tuple[str, str], ...] = ()
        self.address = ""
        self.body = bytearray()
        self.is_body_cut = False

    def read_head(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.status = status
        self.headers = _keep(headers)

    def read_body(self, chunks: Iterable[bytes]) -> None:
        """Stop at the most that is kept. Raises Failed, and what `chunks` raises."""
        decoder = choose_decoder(_find(self.headers, "content-encoding"))
        for chunk in chunks:
            self.body += decoder.decode(chunk, most=self._max_body_bytes + 1 - len(self.body))
            if len(self.body) > self._max_body_bytes:
                del self.body[self._max_body_bytes :]
                self.is_body_cut = True
                return
        decoder.finish()


def _keep(headers: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """The first headers, up to MAX_HEADER_BYTES together."""
    kept, size = [], 0
    for name, value in headers:
        size += len(name) + len(value)
        if size > MAX_HEADER_BYTES:
            break
        kept.append((name.decode("latin-1"), value.decode("latin-1")))
    return tuple(kept)


def _find(headers: Sequence[tuple[str, str]], name: str) -> str:
    return next((value for each, value in headers if each.lower() == name.lower()), "")
