"""Who a lead is: keyed hashes of the normalized e-mail and phone, kept apart. Blank is None, never a hash.

An address whose domain can be written in two ways, and a line that can be dialed in two ways, are one.

The key keeps someone who has only the table from trying out all phone numbers. A prefix keeps an e-mail and a
phone of the same text apart.
"""

import hmac
from typing import NamedTuple

from django.conf import settings

from routing.values.normalize import unify_email, unify_phone

MIN_KEY_BYTES = 16


class Identity(NamedTuple):
    email_hash: str | None
    phone_hash: str | None


def hash_email(email: str | None, *, key: bytes) -> str | None:
    """`email` as normalize_email returns it."""
    return _hash(b"email", unify_email(email) if email else None, key=key)


def hash_phone(phone: str | None, *, key: bytes) -> str | None:
    """`phone` as normalize_phone returns it."""
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
