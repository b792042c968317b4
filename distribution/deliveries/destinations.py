"""Reads the endpoints that messages go to, with their secrets, and remembers them until one of their rows changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from distribution.deliveries.claim import Claimed
from distribution.deliveries.payloads.signing import SigningSecret
from distribution.deliveries.secrets import read_secrets
from distribution.models import Endpoint, Method
from distribution.models.encrypted import EncryptedWithOtherKey

# Decrypted secrets do not stay in memory for longer.
LONGEST_KEPT: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Destination:
    """`problem`: why nothing can be sent to it, as a short code; empty if it can."""

    endpoint: Endpoint
    signing: Sequence[SigningSecret]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    version: str
    read_at: datetime
    destination: Destination


class Destinations:
    """Used by one thread.

    A claim names the version of each endpoint's rows in its own snapshot. What is remembered for this version was read
    in that snapshot or a later one, so a message never goes to an older address and never has an older signature.
    """

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    def find(self, claims: Iterable[Claimed], *, at: datetime) -> dict[int, Destination]:
        """By id of the endpoint. No statement for those that have not changed."""
        self._forget(until=at - LONGEST_KEPT)
        versions = {each.endpoint_id: each.endpoint_version for each in claims}
        unknown = [pk for pk, version in versions.items() if not self._knows(pk, version)]
        for endpoint in _read_endpoints(unknown):
            self._kept[endpoint.pk] = _Kept(versions[endpoint.pk], at, read_destination(endpoint, at=at))
        return {pk: self._kept[pk].destination for pk in versions}

    def _knows(self, endpoint_id: int, version: str) -> bool:
        kept = self._kept.get(endpoint_id)
        return kept is not None and kept.version == version

    def _forget(self, *, until: datetime) -> None:
        self._kept = {pk: kept for pk, kept in self._kept.items() if kept.read_at > until}


def _read_endpoints(endpoint_ids: Sequence[int]) -> Iterable[Endpoint]:
    """Without what is encrypted: a value that cannot be read must not keep the others from being read."""
    if not endpoint_ids:
        return ()
    owned = Endpoint.objects.filter(pk__in=endpoint_ids).select_related("buyer", "source", "workspace")
    return owned.defer("headers", "template")


def read_destination(endpoint: Endpoint, *, at: datetime) -> Destination:
    try:
        endpoint.refresh_from_db(fields=["headers", "template"])
        texts = read_secrets(endpoint.pk, at=at) if endpoint.method == Method.WEBHOOK else ()
    except EncryptedWithOtherKey:
        return Destination(endpoint, (), problem="secret_unreadable")
    signing = [SigningSecret.parse(text) for text in texts]
    is_unsigned = endpoint.method == Method.WEBHOOK and not signing
    return Destination(endpoint, signing, problem="no_secret" if is_unsigned else "")
