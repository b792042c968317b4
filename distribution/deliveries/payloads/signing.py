"""Signatures of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com): secrets, and the three headers."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32
SHORTEST_KEY: Final = 24
LONGEST_KEY: Final = 64
# While secrets rotate, the newest signs first. Receivers accept any of the signatures.
MOST_SECRETS: Final = 5
MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
HEADER_NAMES: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


class SecretError(ValueError):
    """It is no secret of Standard Webhooks. The message never repeats it."""


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """One secret of an endpoint, as bytes."""

    key: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `whsec_` and base64 of 24 to 64 bytes, padded or not. Raises SecretError."""
        encoded = text.strip().removeprefix(PREFIX).rstrip("=")
        try:
            key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise SecretError("is not base64: enter whsec_ and the base64 of 24 to 64 random bytes") from None
        if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
            raise SecretError(f"has {len(key)} bytes: enter whsec_ and the base64 of 24 to 64 random bytes")
        return cls(key)

    def write(self) -> str:
        return PREFIX + base64.b64encode(self.key).decode()

    def sign(self, content: bytes) -> str:
        return "v1," + base64.b64encode(hmac.digest(self.key, content, hashlib.sha256)).decode()


def sign_message(
    body: bytes, *, message_id: str, at: datetime, signing: Sequence[SigningSecret]
) -> dict[str, str]:
    """The headers of one try. The message id is the same for every try, and `at` is the time of this one.

    `signing` has one secret, or more while they rotate. Raises ValueError for a caller's mistake.
    """
    if not MESSAGE_ID.fullmatch(message_id):
        raise ValueError("a message id has 1 to 100 letters, digits, - and _")
    if at.tzinfo is None:
        raise ValueError("the time of a signature needs a time zone")
    if not 1 <= len(signing) <= MOST_SECRETS:
        raise ValueError(f"an endpoint signs with 1 to {MOST_SECRETS} secrets, not {len(signing)}")
    timestamp = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = " ".join(secret.sign(content) for secret in signing)
    return dict(zip(HEADER_NAMES, (message_id, timestamp, signatures), strict=True))
