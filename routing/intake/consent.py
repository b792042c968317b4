"""The proof of consent to be contacted, as a sender gives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from ipaddress import ip_address
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

from routing.intake.attribute_repair import MAX_UNKNOWN, choose_key, make_key, read_object
from routing.intake.corrections import ASSUMED, DROPPED, MOVED
from routing.intake.reader import FieldReader
from routing.values.lenient import as_shorter, as_text
from routing.values.moments import as_moment
from routing.values.normalize import FieldError, normalize_block, normalize_text

CONSENT_KEYS: Final = ("given_at", "text", "ip", "url", "token")
# A time, or a certificate that includes it. The other fields alone prove nothing.
PROOF_KEYS: Final = ("given_at", "token")
MAX_CLOCK_SKEW: Final = timedelta(minutes=5)
MAX_TOKEN: Final = 500
MAX_WORDS: Final = 4_000

normalize_token = partial(normalize_text, max_length=MAX_TOKEN)
normalize_consent_text = partial(normalize_block, max_length=MAX_WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Its repr shows only the time."""

    given_at: datetime | None = None
    text: str | None = field(default=None, repr=False)
    ip: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


def has_proof(consent: object) -> bool:
    """`consent` is a Consent, its stored form, or a bool."""
    if isinstance(consent, Consent):
        return bool(consent.given_at or consent.token)
    if isinstance(consent, Mapping):
        return any(consent.get(name) for name in PROOF_KEYS)
    return bool(consent)


def read_consent(reader: FieldReader, *, at: datetime) -> Consent | None:
    """Read `consent` strictly. Adds every problem to the reader."""
    consent = reader.payload.get("consent")
    if consent is None or consent == {}:
        return None
    if not isinstance(consent, Mapping):
        fix = 'must be an object like {"given_at": "2026-01-31T12:00:00Z"}'
        reader.add("consent", FieldError("invalid_type", fix))
        return None
    inner = FieldReader(consent, prefix="consent.", errors=reader.errors)
    inner.refuse_unknown(CONSENT_KEYS)
    given_at = inner.read("given_at", partial(parse_past_time, at=at))
    inner.require("given_at", given_at, fix="send when the person agreed, like 2026-01-31T12:00:00Z")
    text = inner.read("text", normalize_consent_text)
    ip = inner.read("ip", parse_ip)
    url, token = inner.read("url", parse_url), inner.read("token", normalize_token)
    return Consent(given_at=given_at, text=text, ip=ip, url=url, token=token) if given_at else None


def read_consent_leniently(
    consent: Any, reader: FieldReader, *, at: datetime, zone: tzinfo
) -> Consent | None:
    """Keep what can be read. Use has_proof to see whether that is proof."""
    inner = FieldReader(consent, prefix="consent.", errors=reader.errors, corrections=reader.corrections)
    given_at = inner.read("given_at", partial(parse_past_time, at=at), loosen=partial(as_moment, zone=zone))
    found = Consent(
        given_at=given_at,
        text=inner.read("text", normalize_consent_text, loosen=partial(as_shorter, max_length=MAX_WORDS)),
        ip=inner.read("ip", parse_ip, loosen=as_text),
        url=inner.read("url", parse_url, loosen=as_text),
        token=inner.read("token", normalize_token, loosen=partial(as_shorter, max_length=MAX_TOKEN)),
    )
    if found == Consent():
        return None
    if not has_proof(found):
        message = "has neither a time nor a certificate: kept, but does not count as consent"
        reader.correct("consent", ASSUMED, message)
    return found


def split_consent(consent: object, reader: FieldReader) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return the known keys of consent, and the values that become attributes: other keys, or a text like "yes"."""
    if isinstance(consent, str):
        read = read_object(consent)
        consent = consent if read is None else read
    if isinstance(consent, Mapping):
        known = {key: value for key, value in consent.items() if key in CONSENT_KEYS}
        unknown = {key: value for key, value in consent.items() if key not in CONSENT_KEYS}
        return known, _name_others(unknown, reader)
    if consent is None or consent == "":
        return {}, {}
    message = 'is not consent like {"given_at": "2026-01-31T12:00:00Z"}: kept as attributes.consent'
    reader.correct("consent", MOVED, message, received=consent)
    return {}, {"consent": consent}


def _name_others(unknown: Mapping[str, Any], reader: FieldReader) -> dict[str, Any]:
    """Turn unknown keys of consent into attributes."""
    others: dict[str, Any] = {}
    for key, value in islice(unknown.items(), MAX_UNKNOWN):
        others[choose_key(f"consent_{make_key(key)}"[:64], taken=others)] = value
    if others:
        names = ", ".join(others)[:200]
        reader.correct("consent", MOVED, f"unknown fields were kept as attributes: {names}")
    if len(unknown) > MAX_UNKNOWN:
        message = f"has more than {MAX_UNKNOWN} unknown fields: the extra fields were left out"
        reader.correct("consent", DROPPED, message)
    return others


def parse_past_time(value: object, *, at: datetime) -> datetime | None:
    """Read ISO 8601 with an offset as UTC. Allows five minutes after `at`, because clocks differ. Raises FieldError."""
    text = normalize_text(value, max_length=50)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FieldError("invalid", "is not an ISO 8601 time: write it like 2026-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise FieldError("invalid", "has no UTC offset: end it with Z or an offset like -05:00")
    if moment_utc > at + MAX_CLOCK_SKEW:
        raise FieldError("future", "is in the future: check the clock and the UTC offset")
    return moment_utc


def parse_ip(value: object) -> str | None:
    text = normalize_text(value, max_length=50)
    if text is None:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        raise FieldError(
            "invalid", "is not an IP address: write it like 203.0.113.7 or 2001:db8::1"
        ) from None
    if "%" in text:
        raise FieldError("invalid", "has a zone after %: remove it")
    return str(address)


def parse_url(value: object) -> str | None:
    text = normalize_text(value, max_length=2_000)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text
    except ValueError:
        is_web = False
    if not is_web:
        raise FieldError("invalid", "is not a web address: write it like https://example.com/form")
    return text
