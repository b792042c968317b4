"""Request headers of the intake: `Idempotency-Key` and `Prefer`."""

import re
from typing import Final, Protocol
from uuid import UUID

from rest_framework.request import Request

from routing.api.errors import Malformed
from routing.api.guard import get_body_sha256
from routing.intake.idempotency import IdempotentRequest, fingerprint
from routing.models import SourceKey

PRINTABLE: Final = re.compile(r"[\x20-\x7e]{1,255}")
LONGEST_WAIT_SECONDS: Final = 30
WAIT: Final = re.compile(r'wait[ \t]*=[ \t]*"?([0-9]{1,9})"?', re.IGNORECASE)


class KeyOwner(Protocol):
    """A source, a buyer or a workspace."""

    @property
    def public_id(self) -> UUID: ...

    @property
    def workspace_id(self) -> int: ...


def read_idempotent_request(request: Request, *, key: SourceKey, route: str) -> IdempotentRequest | None:
    """Return the request of a source with its Idempotency-Key, or None without one.

    A test key and the other keys of its source may use the same Idempotency-Keys: a test is no answer to a real lead.
    """
    return read_request_of(key.source, request=request, route=f"{route}:test" if key.is_test else route)


def read_request_of(owner: KeyOwner, *, request: Request, route: str) -> IdempotentRequest | None:
    """Return the request with its Idempotency-Key, or None without one. Parses the body for its fingerprint."""
    text = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if text is None:
        return None
    if not PRINTABLE.fullmatch(text) or not text.strip():
        raise Malformed("The Idempotency-Key must have 1 to 255 printable ASCII characters.")
    return IdempotentRequest(
        owner_id=owner.public_id,
        workspace_id=owner.workspace_id,
        route=route,
        key=text,
        fingerprint=fingerprint(request.data),
        body_sha256=get_body_sha256(request),
    )


def read_wait(request: Request) -> int | None:
    """Return the seconds of `Prefer: wait=N` (RFC 7240), at most LONGEST_WAIT_SECONDS. None if not requested.

    A preference that cannot be parsed is ignored, as the RFC requires. Of several, the first counts.
    """
    for preference in request.META.get("HTTP_PREFER", "").split(","):
        matched = WAIT.fullmatch(preference.partition(";")[0].strip())
        if matched:
            return min(int(matched[1]), LONGEST_WAIT_SECONDS)
    return None
