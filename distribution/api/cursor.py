"""Where a list goes on, as a text that only this installation can read or make.

Row ids are shared by every tenant: shown, they would tell how much business others do. So the position is encrypted and
signed (SIV: the signature is the nonce), and bound to its list and buyer.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from django.utils.crypto import constant_time_compare, salted_hmac

SIGNATURE_BYTES: Final = 12
POSITION_BYTES: Final = 8
LENGTH: Final = (SIGNATURE_BYTES + POSITION_BYTES) * 8 // 6 + 1


class BadCursor(ValueError):
    """Not a cursor of this list and buyer."""


def seal(position: int, *, purpose: str) -> str:
    """`purpose` names the list and whose it is; the cursor opens for nothing else."""
    signature = _sign(position, purpose)
    hidden = _xor(position.to_bytes(POSITION_BYTES, "big"), _mask(signature, purpose))
    return urlsafe_b64encode(signature + hidden).decode().rstrip("=")


def unseal(text: str, *, purpose: str) -> int:
    """Raises BadCursor."""
    if len(text) != LENGTH or not text.isascii():
        raise BadCursor
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(raw) != SIGNATURE_BYTES + POSITION_BYTES:
        raise BadCursor  # decoding drops what is no letter of its alphabet
    signature, hidden = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
    position = int.from_bytes(_xor(hidden, _mask(signature, purpose)), "big")
    if not constant_time_compare(_sign(position, purpose), signature):
        raise BadCursor
    return position


def _sign(position: int, purpose: str) -> bytes:
    digest = salted_hmac("leadswitch.cursor.sign", f"{purpose}:{position}", algorithm="sha256").digest()
    return digest[:SIGNATURE_BYTES]


def _mask(signature: bytes, purpose: str) -> bytes:
    value = purpose.encode() + b":" + signature
    return salted_hmac("leadswitch.cursor.hide", value, algorithm="sha256").digest()[:POSITION_BYTES]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
