"""What the narrator reads: rows of events and attempts, and the attempt that an event belongs to."""

from dataclasses import dataclass
from typing import Any, Protocol

from tracing.names import Names


class EventRow(Protocol):
    """A row of tracing_leaddistributionevent."""

    seq: Any
    event: Any
    buyer_id: Any
    cost_cents: Any
    outcome: Any
    skip_reason: Any
    data: Any


class AttemptRow(Protocol):
    """A row of tracing_attempt."""

    number: Any
    trigger: Any
    result: Any
    started_at: Any
    duration_ms: Any


@dataclass(frozen=True, slots=True)
class EventContext:
    """The attempt that an event belongs to."""

    names: Names
    has_selection: bool
    is_auction: bool
