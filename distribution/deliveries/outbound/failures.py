"""Why a request failed: a closed list, with the sentence that an operator reads. Codes never change."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

MAX_DETAIL: Final = 200


class Failure(StrEnum):
    """The first seven occur before any byte of the body was sent. Of the others, `OutboundResult.is_sent` says so."""

    BAD_URL = "bad_url"
    BAD_HEADER = "bad_header"
    REFUSED_ADDRESS = "refused_address"
    UNKNOWN_HOST = "unknown_host"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_FAILED = "connect_failed"
    TLS_FAILED = "tls_failed"
    CONNECTION_CUT = "connection_cut"
    ANSWER_TIMEOUT = "answer_timeout"
    BODY_TIMEOUT = "body_timeout"
    MALFORMED = "malformed"
    BAD_ENCODING = "bad_encoding"


FAILURES: Final[Mapping[Failure, str]] = {
    Failure.BAD_URL: "The URL cannot be used. Correct it in the endpoint.",
    Failure.BAD_HEADER: "A header of the request cannot be sent. Correct it in the endpoint.",
    Failure.REFUSED_ADDRESS: (
        "The host's address, port or scheme is not allowed. Use https:// and a host with public addresses."
    ),
    Failure.UNKNOWN_HOST: "The host name has no address. Check its spelling, and ask the buyer about the host.",
    Failure.CONNECT_TIMEOUT: "No connection in time. Ask the buyer whether the host is up and lets you in.",
    Failure.CONNECT_FAILED: "The host refused the connection. Ask the buyer whether the service is running.",
    Failure.TLS_FAILED: "No secure connection. Ask the buyer to check the certificate of the host.",
    Failure.CONNECTION_CUT: "The connection ended before the answer was complete. The buyer may have the lead.",
    Failure.ANSWER_TIMEOUT: "No answer in time. The buyer may have the lead.",
    Failure.BODY_TIMEOUT: "The answer began, and was not complete in time. The buyer may have the lead.",
    Failure.MALFORMED: "The answer is not valid HTTP. The buyer may have the lead.",
    Failure.BAD_ENCODING: "The answer is compressed in a way that was not asked for. The buyer may have the lead.",
}


class Failed(Exception):
    """A request ends here. `detail` is a short text for operators. It quotes no path, query, header or body."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail[:MAX_DETAIL]


class RefusedURL(Failed):
    """A URL to which nothing is sent. The message says what is wrong and what to do."""
