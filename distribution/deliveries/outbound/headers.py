"""Encodes the headers that a request adds. The client sets those that frame the message. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from distribution.deliveries.outbound.failures import Failed, Failure

NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
VALUE: Final = re.compile(r"([\x21-\x7e]([\x20-\x7e\t]{0,3998}[\x21-\x7e])?)?")
FRAMING: Final = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer"),
        *("upgrade", "expect", "accept-encoding", "proxy-authorization", "proxy-connection"),
    }
)


def _check_header(name: str, value: str) -> None:
    """Raises Failed. Its message says what to do, and does not quote the value, which may be a secret."""
    if not NAME.fullmatch(name):
        raise _refuse(f"{name!r} is not a header name. Use letters, digits and hyphens.")
    if name.lower() in FRAMING:
        raise _refuse(f"{name} is set by LeadSwitch. Remove it.")
    if not VALUE.fullmatch(value):
        raise _refuse(
            f"The value of {name} contains a line break, a character outside ASCII or a space at an end, or is too"
            " long. Correct it."
        )


def encode_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Raises Failed."""
    for name, value in headers:
        _check_header(name, value)
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers]


def _refuse(message: str) -> Failed:
    return Failed(Failure.BAD_HEADER, message)
