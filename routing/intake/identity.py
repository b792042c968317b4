"""The identity of a lead: separate keyed hashes of the normalized email and phone. Blank is None, never a hash.

Two spellings of one email domain give the same hash, and so do two ways to dial one line.

Without the key, an attacker who has the table cannot try all phone numbers. A prefix makes the hashes of an email and a
phone with the same text differ.
"""

import hmac
from typing import Final, NamedTuple

from django.conf import settings

from routing.values.normalize import unify_email, unify_phone

MIN_KEY_BYTES = 16


class Identity(NamedTuple):
    email_hash: str | None
    phone_hash: str | None


# The identity of a test lead.
NO_PERSON: Final = Identity(None, None)


def hash_email(email: str | None, *, key: bytes) -> str | None:
    """`email` must come from normalize_email."""
    return _hash(b"email", unify_email(email) if email else None, key=key)


def hash_phone(phone: str | None, *, key: bytes) -> str | None:
    """`phone` must come from normalize_phone."""
    return _hash(b"phone", unify_phone(phone) if phone else None, key=key)


def compute_identity(*, email: str | None, phone: str | None, key: bytes) -> Identity:
    return Identity(hash_email(email, key=key), hash_phone(phone, key=key))


def identify(*, email: str | None, phone: str | None) -> Identity:
    """compute_identity with the key of this installation (settings.LEADSWITCH_IDENTITY_KEY)."""
    return compute_identity(email=email, phone=phone, key=str(settings.LEADSWITCH_IDENTITY_KEY).encode())


def _hash(kind: bytes, value: str | None, *, key: bytes) -> str | None:
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"the identity key has fewer than {MIN_KEY_BYTES} bytes")
    if not value:
        return None
    return hmac.digest(key, kind + b"\x00" + value.encode(), "sha256").hex()
