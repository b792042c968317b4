"""Which fields of a lead conditions may read."""

from collections.abc import Mapping
from typing import Any

from routing.locks import LockedLead


def condition_fields(lead: LockedLead) -> Mapping[str, Any]:
    fields = {
        name: getattr(lead, name)
        for name in ("zip", "state", "country", "county", "city", "vertical", "source")
    }
    fields["consent"] = lead.has_consent
    for key, value in lead.attributes.items():
        fields[f"attributes.{key}"] = value
    return fields
