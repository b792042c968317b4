"""Names for the ids in a trace.

Tracing has no models of buyers, campaigns or workspaces: the caller passes their names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

OTHER_WORKSPACE: Final = "a lead of another workspace"


@dataclass(frozen=True, slots=True)
class BuyerName:
    """`timezone`: its resets and openings are shown in this zone."""

    name: str
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Names:
    """Names for the ids in the trace. An id without a name is shown as the id.

    `leads` has those that the reader may see; any other is `other_lead`.
    """

    buyers: Mapping[int, BuyerName] = field(default_factory=dict)
    campaigns: Mapping[int, str] = field(default_factory=dict)
    workspaces: Mapping[int, str] = field(default_factory=dict)
    leads: Mapping[int, str] = field(default_factory=dict)
    other_lead: str = OTHER_WORKSPACE

    def buyer(self, buyer_id: int | None) -> BuyerName:
        return self.buyers.get(buyer_id or 0) or BuyerName(f"buyer {buyer_id}")

    def campaign(self, campaign_id: int | None) -> str:
        return self.campaigns.get(campaign_id or 0) or f"campaign {campaign_id}"

    def workspace(self, workspace_id: int) -> str:
        return self.workspaces.get(workspace_id) or f"workspace {workspace_id}"

    def lead(self, lead_id: int) -> str:
        known = self.leads.get(lead_id)
        return f"lead {known}" if known else self.other_lead
