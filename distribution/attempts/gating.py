"""The gate of an attempt: a lead whose person must be verified first waits for a call, or for an operator."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from distribution.engine import CompiledCampaign
from routing.locks.attempts import LockedLead

# A lead that is gated has one open verification. Whatever ends the lead otherwise has closed the earlier ones.
OPEN: Final = """
INSERT INTO distribution_verification (
    public_id, lead_id, workspace_id, campaign_id, attempt_id, state, due_at, opened_at
) VALUES (%s, %s, %s, %s, %s, 'waiting', %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Gated:
    """A verification that an attempt opened."""

    public_id: UUID
    campaign: CompiledCampaign
    consents: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        """The data of its event: what is asked, and the kinds of proof of consent that the lead has."""
        terms = self.campaign.verification
        needed = {"consent_kind": terms.consent_kind} if terms.needed == "unless_consent" else {}
        return {
            "verification": str(self.public_id),
            "needed": terms.needed,
            **needed,
            "consents": list(self.consents),
        }


def gate(lead: LockedLead, *, campaign: CompiledCampaign, attempt_id: UUID, at: datetime) -> Gated:
    """Open a verification, due at once. Needs the lead's lock; the caller writes the lead as `gated`.

    The attempt opens one at most: its id, unique and unguessable, is the verification's too.
    """
    with connection.cursor() as cursor:
        cursor.execute(OPEN, [attempt_id, lead.id, lead.workspace_id, campaign.id, attempt_id, at, at])
    return Gated(attempt_id, campaign, tuple(lead.consents))
