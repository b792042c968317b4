"""Rows of events, and their sentences."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tracing.names import BuyerName, Names
from tracing.narrator import describe_events

AT = datetime(2026, 8, 3, 22, 30, tzinfo=UTC)  # a Monday, 18:30 in New York
NAMES = Names(
    buyers={7: BuyerName("Acme Roofing", "America/New_York")},
    campaigns={1: "Roofing Atlanta"},
    workspaces={2: "Peachtree Roofing"},
    leads={5: "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e"},
)


@dataclass
class Row:
    event: str
    seq: int = 1
    buyer_id: int | None = None
    cost_cents: int | None = None
    outcome: str = ""
    skip_reason: str = ""
    data: Any = field(default_factory=dict)


def sentence_of(row: Row) -> str:
    return describe_events([row], names=NAMES)[0]
