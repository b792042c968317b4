"""Cursors of lists: the position of the next page, as text that only this installation can read or make.

All tenants share one sequence of row ids, so a visible id would reveal how much business others do. A signed id is
still readable, so the position is encrypted with AES-SIV (RFC 5297). That also detects changes and binds the cursor to
its list and buyer.
"""

from base64 import b64decode, urlsafe_b64encode
from functools import cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings
from django.utils.crypto import salted_hmac

# A position of two lists takes the longer form.
POSITION_BYTES: Final = (8, 14)
LENGTHS: Final = (32, 40)  # 16 bytes of tag and those of the position, in base64


class BadCursor(ValueError):
    """Not a cursor of this list and buyer."""


def seal(position: int, *, purpose: str) -> str:
    """`purpose` names the list and its buyer. The cursor is refused for any other."""
    size = next(size for size in POSITION_BYTES if position < 1 << 8 * size)
    sealed = _cipher(settings.SECRET_KEY).encrypt(position.to_bytes(size, "big"), [purpose.encode()])
    return urlsafe_b64encode(sealed).decode()


def unseal(text: str, *, purpose: str) -> int:
    """Raises BadCursor."""
    if len(text) not in LENGTHS or not text.isascii():
        raise BadCursor
    try:
        position = _cipher(settings.SECRET_KEY).decrypt(
            b64decode(text, b"-_", validate=True), [purpose.encode()]
        )
    except (ValueError, InvalidTag):
        raise BadCursor from None
    return int.from_bytes(position, "big")


@cache
def _cipher(secret_key: str) -> AESSIV:
    return AESSIV(salted_hmac("leadswitch.cursor", "", secret=secret_key, algorithm="sha512").digest())
