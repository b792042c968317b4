"""Identity hashes: keyed, blank is None, email and phone separate."""

import hashlib
import hmac

import pytest
from pytest_django import Settings

from routing.intake.identity import Identity, compute_identity, hash_email, hash_phone, identify

KEY = b"0123456789abcdef"


def test_hash_is_the_hmac_of_kind_and_value() -> None:
    expected = hmac.new(KEY, b"email\x00a@example.com", hashlib.sha256).hexdigest()
    assert hash_email("a@example.com", key=KEY) == expected
    assert len(expected) == 64


@pytest.mark.parametrize("blank", [None, ""])
def test_blank_is_none(blank: str | None) -> None:
    assert compute_identity(email=blank, phone=blank, key=KEY) == Identity(None, None)


def test_kinds_keys_and_values_give_different_hashes() -> None:
    hashes = {
        hash_email("x", key=KEY),
        hash_phone("x", key=KEY),
        hash_email("y", key=KEY),
        hash_email("x", key=KEY + b"!"),
    }
    assert len(hashes) == 4


def test_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than 16 bytes"):
        hash_email(None, key=b"short")


def test_key_of_the_installation_is_used(settings: Settings) -> None:
    settings.LEADSWITCH_IDENTITY_KEY = KEY.decode()
    expected = compute_identity(email="a@example.com", phone="+14048812345", key=KEY)
    assert identify(email="a@example.com", phone="+14048812345") == expected
    assert expected == Identity(hash_email("a@example.com", key=KEY), hash_phone("+14048812345", key=KEY))
