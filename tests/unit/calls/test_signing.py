"""Signatures of webhooks, against the validator of the PyPI package twilio, which is not our code."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator, get_signature_algorithm

from distribution.calls.signing import is_signed, read_algorithm
from tests.carrier.accounts import Account
from tests.carrier.signatures import sign as sign_at_the_carrier

TOKEN, KEY, OTHER = "token-1", "key-1", "another"
URL: Final = "https://calls.example.com/calls/5f2c/status/?a=1&b="
FIELDS: Final = (("CallSid", "CA1"), ("CallStatus", "ringing"), ("To", "+14045550101"), ("ToCity", ""))
SHA256: Final = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"


class Form:
    """A form as the validator reads it: names, and the values of each."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self._fields = fields

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter([name for name, _ in self._fields])

    def __len__(self) -> int:
        return len(self._fields)

    def getlist(self, name: str) -> list[str]:
        return [value for each, value in self._fields if each == name]


def compute(url: str, fields: Sequence[tuple[str, str]], *, secret: str = TOKEN, settings: str = "") -> str:
    algorithm = get_signature_algorithm(settings)
    return str(RequestValidator(secret).compute_signature(url, Form(fields), algorithm))


def validate(
    url: str, fields: Sequence[tuple[str, str]], signature: str, *, secret: str, settings: str
) -> bool:
    algorithm = get_signature_algorithm(settings)
    return bool(RequestValidator(secret).validate(url, Form(fields), signature, algorithm))


def check(
    url: str = URL,
    fields: Sequence[tuple[str, str]] = FIELDS,
    *,
    signature: str,
    settings: str = "",
    tokens: Sequence[str] = (TOKEN,),
    signing_keys: Sequence[str] = (KEY,),
) -> bool:
    return is_signed(
        url, fields, signature=signature, settings=settings, tokens=tokens, signing_keys=signing_keys
    )


def test_signature_is_that_of_the_documentation() -> None:
    """The example on https://www.twilio.com/docs/usage/security, computed by hand."""
    url = "https://example.com/myapp.php?foo=1&bar=2"
    fields = [
        ("Digits", "1234"),
        ("To", "+18005551212"),
        ("From", "+14158675310"),
        ("Caller", "+14158675310"),
        ("CallSid", "CA1234567890ABCDE"),
    ]
    text = f"{url}CallSidCA1234567890ABCDECaller+14158675310Digits1234From+14158675310To+18005551212"
    signature = base64.b64encode(hmac.digest(b"12345", text.encode(), hashlib.sha1)).decode()
    assert signature == "L/OH5YylLD5NRKLltdqwSvS0BnU="
    assert check(url, fields, signature=signature, tokens=["12345"])


names = st.text("ABCabc.[]_é", min_size=1, max_size=4)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
forms = st.lists(st.tuples(names, texts), max_size=8)
hosts = st.sampled_from(["calls.example.com", "127.0.0.1", "Calls.Example.com", "localhost"])
ports = st.sampled_from(["", ":80", ":443", ":8443"])
paths = st.text("ab/%20+~.-", max_size=8).map(lambda path: f"/{path}")
queries = st.sampled_from(["", "?a=1", "?a=1&a=2&b=", "?q=%2B1&x=+y", "?a=b?c"])
urls = st.builds(
    lambda *parts: "".join(parts), st.sampled_from(["http://", "https://"]), hosts, ports, paths, queries
)
settings_of_requests = st.sampled_from(
    ["", SHA256, "algorithm=HMAC_SHA1", "key=x", "algorithm=HMAC_MD5", ","]
)


@given(url=urls, fields=forms, settings=st.sampled_from(["", SHA256]))
def test_what_the_official_library_signs_is_accepted(
    url: str, fields: list[tuple[str, str]], settings: str
) -> None:
    secret = KEY if settings else TOKEN
    for form in (url, *other_ports(url)):
        signature = compute(form, fields, secret=secret, settings=settings)
        assert check(url, fields, signature=signature, settings=settings)
        assert check(url, fields[::-1] + fields, signature=signature, settings=settings)
        assert not check(
            url, fields, signature=signature, settings=settings, tokens=[OTHER], signing_keys=[OTHER]
        )


def other_ports(url: str) -> list[str]:
    """The URL without its port, or with the default one."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    name, colon, _ = host.partition(":")
    changed = name if colon else f"{name}:{443 if scheme == 'https' else 80}"
    return [f"{scheme}://{changed}{slash}{path}"]


@given(url=urls, fields=forms, settings=st.sampled_from(["", SHA256]))
def test_what_the_carrier_of_the_tests_signs_is_accepted_by_both(
    url: str, fields: list[tuple[str, str]], settings: str
) -> None:
    account = Account("AC1", TOKEN, KEY, signs="sha256" if settings else "sha1")
    headers = sign_at_the_carrier(url, fields, account=account, turn=0)
    signature = headers["X-Twilio-Signature"]
    written = headers.get("X-Twilio-Webhooks-Signature-Settings", "")
    assert get_signature_algorithm(written) == ("HMAC_SHA256" if settings else "HMAC_SHA1")
    assert validate(url, fields, signature, secret=KEY if settings else TOKEN, settings=written)
    assert check(url, fields, signature=signature, settings=written)


@given(
    url=urls,
    signed_url=urls,
    fields=forms,
    signed_fields=forms,
    settings=settings_of_requests,
    secret=st.sampled_from([TOKEN, OTHER]),
    hashing=st.sampled_from(["", SHA256]),
)
def test_both_judge_every_request_alike(
    url: str,
    signed_url: str,
    fields: list[tuple[str, str]],
    signed_fields: list[tuple[str, str]],
    settings: str,
    secret: str,
    hashing: str,
) -> None:
    """Also a request that differs from the one that was signed."""
    for of_url in (url, signed_url):
        for of_fields in (fields, signed_fields):
            signature = compute(of_url, of_fields, secret=secret, settings=hashing)
            expected = validate(url, fields, signature, secret=TOKEN, settings=settings)
            found = check(url, fields, signature=signature, settings=settings, signing_keys=[TOKEN])
            assert found == expected


@given(signature=st.text(max_size=40), settings=settings_of_requests)
def test_other_signatures_are_refused(signature: str, settings: str) -> None:
    """Whatever characters they have."""
    assert not check(signature=signature, settings=settings)


@pytest.mark.parametrize("settings", ["", SHA256])
def test_every_change_is_refused(settings: str) -> None:
    signature = compute(URL, FIELDS, secret=KEY if settings else TOKEN, settings=settings)
    assert check(signature=signature, settings=settings)
    changed = [
        (URL.replace("https", "http"), FIELDS),
        (URL.replace("calls.", "call."), FIELDS),
        (URL.replace("a=1", "a=2"), FIELDS),
        (URL.removesuffix("&b="), FIELDS),
        (URL.replace(".com", ".com:8443"), FIELDS[:-1]),
        (URL, FIELDS[:-1]),
        (URL, (*FIELDS, ("New", "1"))),
        (URL, (("CallSid", "CA2"), *FIELDS[1:])),
    ]
    assert [check(url, fields, signature=signature, settings=settings) for url, fields in changed] == [
        False
    ] * 8


def test_fragment_is_not_signed() -> None:
    signature = compute(URL, FIELDS)
    assert check(f"{URL}#rc=3&rp=all", signature=signature)


def test_both_tokens_are_valid_while_they_rotate() -> None:
    old, new = compute(URL, FIELDS, secret="old"), compute(URL, FIELDS, secret="new")
    assert check(signature=old, tokens=["new", "old"])
    assert check(signature=new, tokens=["new", "old"])
    assert not check(signature=old, tokens=["new"])


def test_key_and_token_are_not_mixed_up() -> None:
    """The token signs with SHA-1 alone, and the key with the algorithm that the header names."""
    assert not check(signature=compute(URL, FIELDS, secret=KEY))
    by_token = compute(URL, FIELDS, secret=TOKEN, settings=SHA256)
    assert not check(signature=by_token, settings=SHA256)
    assert not check(signature=compute(URL, FIELDS, secret=TOKEN), settings=SHA256)


@pytest.mark.parametrize("settings", ["", SHA256])
def test_blank_secret_signs_nothing(settings: str) -> None:
    signature = compute(URL, FIELDS, secret="", settings=settings)
    assert not check(signature=signature, settings=settings, tokens=[""], signing_keys=[""])
    assert not check(signature=signature, settings=settings, tokens=[], signing_keys=[])


@pytest.mark.parametrize("settings", ["", SHA256, "algorithm=HMAC_MD5", "key=x", " algorithm = hmac_sha256 "])
def test_algorithm_is_read_as_the_official_library_reads_it(settings: str) -> None:
    assert (read_algorithm(settings) or "HMAC_SHA1") == get_signature_algorithm(settings).upper()


def test_text_that_cannot_be_encoded_is_refused_without_an_error() -> None:
    """Django passes lone surrogates of a query on."""
    assert not check(fields=[("a", "\ud800")], signature="x")
    assert not check(signature="\ud800")
    assert not check(url="https://[broken/", signature="x")
    assert not check(url="https://host:99999999/", signature="x")
