"""Verifies that a webhook comes from the carrier: Twilio's two forms of signature. Pure.

HMAC over the URL and every field of the form, sorted. SHA-1 uses the token of the account. SHA-256 uses a key that the
account shares with us, and the header X-Twilio-Webhooks-Signature-Settings says so. Bodies that are no forms are not
covered.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

SIGNATURE_HEADER: Final = "X-Twilio-Signature"
SETTINGS_HEADER: Final = "X-Twilio-Webhooks-Signature-Settings"
ALGORITHMS: Final[Mapping[str, str]] = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def is_signed(
    url: str,
    fields: Sequence[tuple[str, str]],
    *,
    signature: str,
    settings: str = "",
    tokens: Sequence[str] = (),
    signing_keys: Sequence[str] = (),
) -> bool:
    """`url`: as the carrier calls it, with its query. `fields`: all of the form, also those that are not known.

    Several tokens or keys are valid while they rotate. Blank ones never are: anybody could sign with them.
    """
    algorithm = read_algorithm(settings)
    if algorithm and algorithm not in ALGORITHMS:
        return False
    secrets = signing_keys if algorithm else tokens
    given = signature.encode("utf-8", "surrogatepass")
    ended = "".join(f"{name}{value}" for name, value in sorted(set(fields)))
    matches = [
        hmac.compare_digest(_sign(f"{form}{ended}", secret, ALGORITHMS.get(algorithm, "sha1")), given)
        for form in _list_forms(url)
        for secret in secrets
        if secret
    ]
    return any(matches)


def read_algorithm(settings: str) -> str:
    """The algorithm that `key=..,algorithm=..` names. Blank: the form with the token of the account."""
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return ""


def _sign(text: str, secret: str, algorithm: str) -> bytes:
    digest = hmac.digest(secret.encode(), text.encode("utf-8", "surrogatepass"), algorithm)
    return b64encode(digest)


def _list_forms(url: str) -> Iterator[str]:
    """The URL with and without its port: carriers sign either. A fragment is never sent, so it is not signed."""
    try:
        parts = urlsplit(url)._replace(fragment="")
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return
    yield _with_port(parts, None)
    if port:
        yield _with_port(parts, port)


def _with_port(parts: SplitResult, port: int | None) -> str:
    host = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    return parts._replace(netloc=f"{host}:{port}" if port else host).geturl()
