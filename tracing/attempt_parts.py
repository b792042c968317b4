"""What the row of an attempt is made of: its head, its route and its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AttemptHead:
    """The lead and the start of an attempt, read from the locked row before any change."""

    id: UUID
    lead_id: int
    number: int
    trigger: str
    source_workspace_id: int
    started_at: datetime
    worker: str
    received_at: datetime | None = None
    due_at: datetime | None = None
    intake_notes: Sequence[str] = ()
    cause: str = ""  # of WAKE_CAUSES, where a change made the lead due
    change_id: int | None = None
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How an attempt ended."""

    result: str
    finished_at: datetime
    duration_ms: float
    skip_reason: str = ""
    transient: bool = False
    next_attempt_at: datetime | None = None
    destination_workspace_id: int | None = None
    campaign_id: int | None = None
    config_version: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RouteTaken:
    """How the lead reached the workspace that decided about it.

    `hops`: [from workspace, rule, to workspace] of each. `first_lead_id`: the lead of the same person that made
    this one a duplicate.
    """

    hops: tuple[tuple[int, int, int], ...] = ()
    first_lead_id: int | None = None

    @property
    def rule_id(self) -> int | None:
        """The last rule on the route, which led to the destination."""
        return self.hops[-1][1] if self.hops else None
