"""A lead as a page showed it, so that an action on it knows whether it changed since."""

from hashlib import sha256
from typing import Final

from routing.locks import wait_for_lead
from routing.models import Lead, LeadStatus

# What people decide by. The next time is not among it: it moves by itself.
SHOWN: Final = ("workspace_id", "status", "paused_at", "attempts", "skip_reason", "cancel_reason")


class LeadChanged(Exception):
    """The message says how it is now."""


def state_of(lead: Lead) -> str:
    """A few characters that change with the lead."""
    return sha256(repr([getattr(lead, name) for name in SHOWN]).encode()).hexdigest()[:12]


def refuse_changed(lead_id: int, *, seen: str) -> None:
    """Lock the lead until the transaction ends. Raises LeadChanged when it is no longer as it was `seen`."""
    wait_for_lead(lead_id)
    lead = Lead.objects.only(*SHOWN).get(pk=lead_id)
    if state_of(lead) != seen:
        held = ", held back" if lead.paused_at is not None else ""
        message = f"it changed after you opened the page and is {LeadStatus(lead.status).label}{held} now; look again"
        raise LeadChanged(message)
