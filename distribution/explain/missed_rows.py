"""One missed lead: from which attempt or offer its reason is, in this buyer's words. Reads only.

Of the person it shows the ZIP code and what the buyer's gates read; values that identify a person are hidden.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from distribution.explain.personal_data import PERSON_COLUMNS, Person, build_person, recognize
from routing.values.personal import HIDDEN
from tracing.obstacles import Obstacle
from tracing.skip_reasons import SKIP_REASONS, Level

ALREADY_HAD: Final = "already_has_lead"
MISSED_REASONS: Final = sorted(
    code for code, reason in SKIP_REASONS.items() if Level.BUYER in reason.levels and code != ALREADY_HAD
)
# What both lists show of the lead and its campaign: the aliases l and c. In the order of Head.
HEAD_COLUMNS: Final = f"""
    c.public_id AS campaign_id, c.name AS campaign_name, l.public_id AS lead_id, l.received_at, l.next_attempt_at,
    {", ".join(f"l.{name}" for name in PERSON_COLUMNS)}
"""


@dataclass(frozen=True, slots=True)
class ShownOffer:
    """What the buyer was shown. `ended_at`: when the lead could no longer be claimed."""

    offer_id: UUID
    shown_from: datetime
    ended_at: datetime | None
    claimed_at: datetime | None
    late_ms: int | None


@dataclass(frozen=True, slots=True)
class SkippedAttempt:
    """Why one attempt did not sell the lead to this buyer. `ranked_higher`: only if it was outranked.

    `offer`: the offer that the attempt showed it, if it did not skip it. `has_own_answer`: its system answered in the
    auction that the attempt closed, and that answer counted.
    """

    attempt_id: UUID
    number: int
    decided_at: datetime
    reason: str
    sentence: str
    change: str
    fixer: str
    price_cents: int | None
    ranked_higher: int | None
    gates: tuple[Obstacle, ...]
    offer: ShownOffer | None = None
    has_own_answer: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The lead and the campaign, in the order of HEAD_COLUMNS."""

    campaign_id: UUID | None
    campaign_name: str | None
    lead_id: UUID
    received_at: datetime
    next_attempt_at: datetime | None
    email: str
    phone: str
    first_name: str
    last_name: str
    address: str
    city: str
    county: str
    state: str
    zip: str
    vertical: str

    def person(self) -> Person:
        return build_person([getattr(self, name) for name in PERSON_COLUMNS])


@dataclass(frozen=True, slots=True)
class MissedLead:
    """`skip` decided. `next_attempt_at`: when the lead is tried again, if at all. `position`: of its list."""

    lead_id: UUID
    zip: str
    state: str
    vertical: str
    received_at: datetime
    next_attempt_at: datetime | None
    campaign_id: UUID | None
    campaign_name: str
    skip: SkippedAttempt
    position: int = 0


@dataclass(frozen=True, slots=True)
class FoundLead:
    """A row of one of the two lists. `id`: its place in that list."""

    id: int
    head: Head
    skip: SkippedAttempt

    def describe(self, *, position: int = 0) -> MissedLead:
        head = self.head
        return MissedLead(
            lead_id=head.lead_id,
            zip=head.zip,
            state=head.state,
            vertical=head.vertical,
            received_at=head.received_at,
            next_attempt_at=head.next_attempt_at,
            campaign_id=head.campaign_id,
            campaign_name=head.campaign_name or "",
            skip=self.skip,
            position=position,
        )


def hide_person(value: Any, person: Person, *, is_rule: bool = False) -> Any:
    """A condition may read an attribute in which a sender put contact data."""
    if isinstance(value, dict):
        return {
            key: hide_person(each, person, is_rule=is_rule or key == "required")
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [hide_person(each, person, is_rule=is_rule) for each in value]
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value if recognize(value, person, is_rule=is_rule) is None else HIDDEN
    return value
