"""Who changes something, for the audit log."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Author:
    """`actor`: the key or the person, for the audit log. `reason`: "API" or "portal", or what the person typed."""

    actor: str
    at: datetime
    reason: str = "API"
