"""The addresses that the carrier calls back. They name the call, never the person."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.urls import reverse

# The carrier's own options: it repeats what did not reach us or met an error of ours, up to three times.
REPEATS: Final = "#rc=3&rp=ct,rt,5xx"


@dataclass(frozen=True, slots=True)
class CallAddresses:
    script: str
    status: str
    recording: str


def make_addresses(public_id: UUID) -> CallAddresses:
    """`LEADSWITCH_BASE_URL` must be set: without it the carrier cannot reach us, and no call is placed."""
    return CallAddresses(*(make_address(public_id, kind) for kind in ("script", "status", "recording")))


def make_address(public_id: UUID, kind: str) -> str:
    """`kind`: script, keys, status or recording."""
    path = reverse(f"call-{kind}", kwargs={"public_id": public_id})
    return f"{settings.LEADSWITCH_BASE_URL}{path}{REPEATS}"
