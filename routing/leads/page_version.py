"""The version of a lead that a page showed. An action compares it to detect a change in between."""

from hashlib import sha256
from typing import Final

from routing.models import Lead

# What operators base an action on. The due time is left out, because it changes by itself.
SHOWN: Final = ("workspace_id", "status", "paused_at", "attempts", "skip_reason", "cancel_reason")


def of_lead(lead: Lead) -> str:
    """A short hash of the SHOWN columns."""
    return sha256(repr([getattr(lead, name) for name in SHOWN]).encode()).hexdigest()[:12]
