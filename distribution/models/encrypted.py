"""Columns that are encrypted at rest. A dump or a replica without LEADSWITCH_ENCRYPTION_KEY shows nothing of them.

Queries cannot compare such a column. The audit log only says that one changed (tracing/audit.py).
"""

import base64
import json
from functools import cache
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

# Another purpose of the same key would use another text.
PURPOSE: Final = b"leadswitch columns"
KEY_BYTES: Final = 32


class EncryptedWithOtherKey(ValueError):
    """A stored value cannot be read."""

    def __init__(self) -> None:
        super().__init__("a stored secret was encrypted with another LEADSWITCH_ENCRYPTION_KEY")


@cache
def make_cipher(key: str) -> Fernet:
    """Fernet needs 32 bytes; the key is a text of any length from 32 characters on."""
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=PURPOSE).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def encrypt(text: str) -> str:
    return make_cipher(settings.LEADSWITCH_ENCRYPTION_KEY).encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    """Raises EncryptedWithOtherKey."""
    try:
        return make_cipher(settings.LEADSWITCH_ENCRYPTION_KEY).decrypt(stored.encode()).decode()
    except InvalidToken:
        raise EncryptedWithOtherKey from None


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """A text."""

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(str(value))

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return None if value is None else decrypt(value)


class EncryptedJSONField(models.JSONField):
    """Values of JSON, stored as one encrypted text."""

    def get_internal_type(self) -> str:
        return "TextField"

    def db_type(self, connection: Any) -> str:  # noqa: ARG002 - the signature is Django's
        return "text"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002
        return None if value is None else encrypt(json.dumps(value))

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        return None if value is None else json.loads(decrypt(value))
