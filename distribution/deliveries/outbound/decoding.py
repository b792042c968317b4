"""Decompresses a bounded part of an answer. Requests ask for no compression, and some servers compress anyway. Pure."""

import zlib
from typing import Final, Protocol

from distribution.deliveries.outbound.failures import Failed, Failure

GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
RAW_DEFLATE: Final = -zlib.MAX_WBITS
COMPRESSIONS: Final = ("gzip", "x-gzip", "deflate")


class Decoder(Protocol):
    def decode(self, chunk: bytes, *, most: int) -> bytes:
        """Return at most `most` bytes. Raises Failed."""
        ...

    def finish(self) -> None:
        """Raises Failed if the text is not complete."""
        ...


class Plain:
    def decode(self, chunk: bytes, *, most: int) -> bytes:
        return chunk[:most]

    def finish(self) -> None:
        """Every end is a good end."""


class Compressed:
    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(GZIP_OR_ZLIB)
        self._has_begun = False

    def decode(self, chunk: bytes, *, most: int) -> bytes:
        """What does not fit into `most` is dropped: the caller then has enough, and stops."""
        try:
            decoded = self._inflate(chunk, most)
        except zlib.error:
            raise Failed(Failure.BAD_ENCODING, "The compressed answer is damaged.") from None
        self._has_begun = True
        return decoded

    def _inflate(self, chunk: bytes, most: int) -> bytes:
        try:
            return self._inflater.decompress(chunk, most)
        except zlib.error:
            if self._has_begun:
                raise
            # Some servers send deflate without its header.
            self._inflater = zlib.decompressobj(RAW_DEFLATE)
            return self._inflater.decompress(chunk, most)

    def finish(self) -> None:
        if self._has_begun and not self._inflater.eof:
            raise Failed(Failure.BAD_ENCODING, "The compressed answer is not complete.")


def choose_decoder(content_encoding: str) -> Decoder:
    """Raises Failed for a compression that cannot be read."""
    name = content_encoding.strip().lower()
    if name in ("", "identity"):
        return Plain()
    if name in COMPRESSIONS:
        return Compressed()
    raise Failed(Failure.BAD_ENCODING, f"The answer has the encoding {name[:40]!r}.")
