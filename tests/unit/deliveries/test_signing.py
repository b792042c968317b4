"""Signed messages are verified by the PyPI package standardwebhooks, which is not our code."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from distribution.deliveries.payloads.signing import SecretError, SigningSecret, sign_message
from tests.unit.deliveries.payload_leads import patient

NOW = datetime(2026, 1, 31, 23, 5, 9, 250000, tzinfo=UTC)
OLD, NEW, OTHER = (SigningSecret(bytes([number]) * 32) for number in range(3))
BODY = b'{"type":"lead.delivery"}'


def sign(body: bytes = BODY, *, signing: list[SigningSecret], at: datetime = NOW) -> dict[str, str]:
    return sign_message(body, message_id="msg_1", at=at, signing=signing)


def test_headers_are_those_of_the_specification() -> None:
    """The example of the specification's reference libraries."""
    secret = SigningSecret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, tz=UTC)
    headers = sign_message(
        b'{"test": 2432232314}', message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", at=at, signing=[secret]
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@patient
@given(body=st.text().map(str.encode), key=st.binary(min_size=24, max_size=64))
def test_every_message_is_verified(body: bytes, key: bytes) -> None:
    secret = SigningSecret(key)
    with time_machine.travel(NOW, tick=False):
        Webhook(secret.write()).verify(body, sign(body, signing=[secret]), json_parse=False)


def test_both_secrets_verify_while_they_rotate() -> None:
    headers = sign(signing=[NEW, OLD])
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert headers["webhook-signature"].startswith(sign(signing=[NEW])["webhook-signature"] + " ")
    with time_machine.travel(NOW, tick=False):
        for secret in (NEW, OLD):
            Webhook(secret.write()).verify(BODY, headers)
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Webhook(OTHER.write()).verify(BODY, headers)


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "body"])
def test_changed_message_is_refused(part: str) -> None:
    headers, body = sign(signing=[NEW]), BODY
    if part == "body":
        body += b" "
    else:
        headers[part] = headers[part][:-1] + "8"
    with time_machine.travel(NOW, tick=False), pytest.raises(WebhookVerificationError):
        Webhook(NEW.write()).verify(body, headers)


def test_timestamp_is_that_of_the_try_in_any_zone() -> None:
    later = NOW + timedelta(minutes=6)
    assert sign(signing=[NEW], at=NOW.astimezone(timezone(timedelta(hours=-5)))) == sign(signing=[NEW])
    with time_machine.travel(later, tick=False):
        Webhook(NEW.write()).verify(BODY, sign(signing=[NEW], at=later))
        with pytest.raises(WebhookVerificationError, match="timestamp too old"):
            Webhook(NEW.write()).verify(BODY, sign(signing=[NEW]))


@pytest.mark.parametrize(
    ("message_id", "at", "count", "message"),
    [
        ("a.b", NOW, 1, "a message id has 1 to 100 letters, digits, - and _"),
        ("", NOW, 1, "a message id has 1 to 100 letters, digits, - and _"),
        ("msg\r\nX: 1", NOW, 1, "a message id has 1 to 100 letters, digits, - and _"),
        ("msg", NOW.replace(tzinfo=None), 1, "the time of a signature needs a time zone"),
        ("msg", NOW, 0, "an endpoint signs with 1 to 5 secrets, not 0"),
        ("msg", NOW, 6, "an endpoint signs with 1 to 5 secrets, not 6"),
    ],
)
def test_mistake_of_a_caller_is_refused(message_id: str, at: datetime, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sign_message(BODY, message_id=message_id, at=at, signing=[NEW] * count)


def test_generated_secrets_differ_and_are_read_again() -> None:
    secrets = {SigningSecret.generate().write() for _ in range(50)}
    assert len(secrets) == 50
    for text in secrets:
        assert text.startswith("whsec_")
        assert len(base64.b64decode(text.removeprefix("whsec_"))) == 32
        assert SigningSecret.parse(text).write() == text


@patient
@given(key=st.binary(min_size=24, max_size=64), prefix=st.sampled_from(["whsec_", ""]), padding=st.booleans())
def test_secret_is_read_with_and_without_prefix_and_padding(
    *, key: bytes, prefix: str, padding: bool
) -> None:
    encoded = base64.b64encode(key).decode()
    text = f" {prefix}{encoded if padding else encoded.rstrip('=')}\n"
    assert SigningSecret.parse(text).key == key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 bytes: enter whsec_ and the base64 of 24 to 64 random bytes"),
        ("whsec_" + base64.b64encode(b"a" * 23).decode(), "has 23 bytes"),
        ("whsec_" + base64.b64encode(b"a" * 65).decode(), "has 65 bytes"),
        ("whsec_not base64 at all!", "is not base64: enter whsec_ and the base64"),
        ("whsec_é", "is not base64"),
    ],
)
def test_unreadable_secret_is_refused(text: str, message: str) -> None:
    with pytest.raises(SecretError, match=message) as caught:
        SigningSecret.parse(text)
    assert "not base64 at all" not in str(caught.value)


def test_secret_is_not_in_its_repr() -> None:
    assert repr(NEW) == "SigningSecret()"
