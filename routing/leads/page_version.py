"""The version of a lead that a page showed, so that an action can see whether the lead changed since."""

from hashlib import sha256
from typing import Final

from routing.models import Lead

# What people decide by. The next time is not among it: it moves by itself.
SHOWN: Final = ("workspace_id", "status", "paused_at", "attempts", "skip_reason", "cancel_reason")


def of_lead(lead: Lead) -> str:
    """A few characters that change with the lead."""
    return sha256(repr([getattr(lead, name) for name in SHOWN]).encode()).hexdigest()[:12]
