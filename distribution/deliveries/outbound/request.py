"""What is sent, and how long each part of it may take. Pure."""

from dataclasses import dataclass, field
from typing import Final, Self

CONNECT_SECONDS: Final = 5.0
METHODS: Final = ("POST", "PUT", "PATCH", "GET")
MAX_BODY_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Each ends its part, however many bytes arrive: connect (with lookup and TLS), headers, body, and all of it.

    `headers_seconds` begins with the first byte of the request and ends with the last header of the answer.
    """

    connect_seconds: float = CONNECT_SECONDS
    headers_seconds: float = 15.0
    body_seconds: float = 15.0
    total_seconds: float = 15.0

    @classmethod
    def within(cls, seconds: float) -> Self:
        """The timeouts of an endpoint: one number for the whole request."""
        return cls(min(CONNECT_SECONDS, seconds), seconds, seconds, seconds)


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """`max_body_bytes`: how much of the answer's body is kept. Its repr shows no secret and no personal data."""

    url: str = field(repr=False)
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    timeouts: Timeouts = Timeouts()
    max_body_bytes: int = MAX_BODY_BYTES
