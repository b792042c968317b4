"""The clock and the counters of one request while it runs. Used by one thread."""

from time import monotonic
from typing import Final

from distribution.deliveries.outbound.failures import Failed, Failure
from distribution.deliveries.outbound.request import MAX_BODY_BYTES, Timeouts

# An answer may be longer than what is kept of it: interim responses, headers, frames of chunks.
MAX_RECEIVED_BYTES: Final = 1_048_576


class Exchange:
    """`is_sent`: a byte of the body may be out, so the receiver may have the request. It never has it otherwise.

    A request without a body is complete with its head, so it is sent with the first byte of that.
    """

    def __init__(self, timeouts: Timeouts, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self.timeouts = timeouts
        self._max_received_bytes = MAX_RECEIVED_BYTES + max_body_bytes - MAX_BODY_BYTES
        self.started_at = monotonic()
        self.is_sent = False
        self._ends_at = self.started_at + timeouts.total_seconds
        self._received_bytes = 0
        self.begin_connect()

    def begin_connect(self) -> None:
        self._begin(Failure.CONNECT_TIMEOUT, self.timeouts.connect_seconds)

    def begin_headers(self) -> None:
        self._begin(Failure.ANSWER_TIMEOUT, self.timeouts.headers_seconds)

    def begin_body(self) -> None:
        self._begin(Failure.BODY_TIMEOUT, self.timeouts.body_seconds)

    def _begin(self, failure: Failure, seconds: float) -> None:
        self._failure = failure
        self._part_ends_at = min(monotonic() + seconds, self._ends_at)

    @property
    def remaining_seconds(self) -> float:
        """Of this part. Raises Failed if there are none."""
        remaining = self._part_ends_at - monotonic()
        if remaining <= 0:
            raise self.out_of_time()
        return remaining

    @property
    def duration_ms(self) -> int:
        return round(1000 * (monotonic() - self.started_at))

    def out_of_time(self) -> Failed:
        return Failed(self._failure, f"Out of time after {self.duration_ms / 1000:.1f} s.")

    def count_received(self, count: int) -> None:
        """Raises Failed for an answer without end that never becomes a body: its time is bounded, its bytes are too."""
        self._received_bytes += count
        if self._received_bytes > self._max_received_bytes:
            raise Failed(Failure.MALFORMED, f"More than {self._max_received_bytes} bytes for one answer.")
