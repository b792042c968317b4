"""Signs the ids of pings, so that nobody can use a ping that this installation did not answer, or one that was changed.

An id is 1.<public id><signature> in base64: the signature covers the source, the campaign, the price, the priced data,
and the end of the ping, as they are stored. The key follows from Django's secret key; its fallbacks are accepted.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import orjson
from django.conf import settings
from django.utils.crypto import salted_hmac

VERSION: Final = "1"
SALT: Final = "leadswitch.ping"
FIELD_SALT: Final = "leadswitch.ping.field"
ID_BYTES: Final = 16
SIGNATURE_BYTES: Final = 16
FIELD_BYTES: Final = 8
MAX_LENGTH: Final = 100


class SignedPing(Protocol):
    """What the id of a ping is bound to."""

    public_id: UUID
    source_id: int
    campaign_id: int | None
    price_cents: int | None
    expires_at: datetime
    digests: Mapping[str, str]


class PingId(NamedTuple):
    """An id as it was sent. It is worth nothing until its signature is checked."""

    public_id: UUID
    signature: bytes


def write_ping_id(ping: SignedPing) -> str:
    return f"{VERSION}.{_encode(ping.public_id.bytes + _sign(ping, settings.SECRET_KEY))}"


def read_ping_id(text: object) -> PingId | None:
    """Return the parts of an id; None if it is none of ours."""
    version, _, encoded = text.partition(".") if isinstance(text, str) else ("", "", "")
    if version != VERSION or len(encoded) > MAX_LENGTH or not encoded.isascii():
        return None
    try:
        raw = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (Base64Error, ValueError):
        return None
    if len(raw) != ID_BYTES + SIGNATURE_BYTES or _encode(raw) != encoded:
        return None
    return PingId(UUID(bytes=raw[:ID_BYTES]), raw[ID_BYTES:])


def find_secret(ping: SignedPing, signature: bytes) -> str | None:
    """Return the secret key that signed the ping; None if none of ours did. Compares in constant time."""
    secrets = [str(each) for each in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return next((each for each in secrets if hmac.compare_digest(_sign(ping, each), signature)), None)


def digest_fields(priced: Mapping[str, Any], *, public_id: UUID, secret: str | None = None) -> dict[str, str]:
    """Return a digest of each value. It says nothing about the value without the secret key, nor beside other pings."""
    key = settings.SECRET_KEY if secret is None else secret
    return {name: _digest(name, value, public_id, key) for name, value in priced.items()}


def _digest(name: str, value: Any, public_id: UUID, secret: str) -> str:
    text = orjson.dumps([str(public_id), name, value], option=orjson.OPT_SORT_KEYS)
    return _hmac(FIELD_SALT, text, secret)[:FIELD_BYTES].hex()


def _sign(ping: SignedPing, secret: str) -> bytes:
    bound = [
        str(ping.public_id),
        ping.source_id,
        ping.campaign_id,
        ping.price_cents,
        int(ping.expires_at.timestamp() * 1_000_000),
        dict(ping.digests),
    ]
    return _hmac(SALT, orjson.dumps(bound, option=orjson.OPT_SORT_KEYS), secret)[:SIGNATURE_BYTES]


def _hmac(salt: str, text: bytes, secret: str) -> bytes:
    return salted_hmac(f"{salt}.{VERSION}", text, secret=secret, algorithm="sha256").digest()


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
