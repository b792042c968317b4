"""Reads of the trace for API, admin and commands."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from tracing.models import Attempt, LeadDistributionEvent


@dataclass(frozen=True, slots=True)
class TracedAttempt:
    """An attempt without its facts, and its events by `seq`."""

    attempt: Attempt
    events: Sequence[LeadDistributionEvent]


def read_attempts(
    lead_id: int, *, latest: int | None = None, buyer_id: int | None = None
) -> list[TracedAttempt]:
    """Return the attempts of a lead by number, in two statements whatever their number.

    `latest`: only so many, the newest. `buyer_id`: of the buyers' events only those of this one.
    """
    newest_first = Attempt.objects.filter(lead_id=lead_id).defer("facts").order_by("-number")
    attempts = list(newest_first if latest is None else newest_first[:latest])
    events = _read_events([attempt.pk for attempt in attempts], buyer_id=buyer_id)
    return [TracedAttempt(attempt, events[attempt.pk]) for attempt in reversed(attempts)]


def _read_events(
    attempt_ids: Sequence[UUID], *, buyer_id: int | None
) -> dict[UUID, list[LeadDistributionEvent]]:
    rows = LeadDistributionEvent.objects.filter(attempt_id__in=attempt_ids).order_by("attempt_id", "seq")
    if buyer_id is not None:
        rows = rows.filter(Q(buyer_id__isnull=True) | Q(buyer_id=buyer_id))
    events: dict[UUID, list[LeadDistributionEvent]] = defaultdict(list)
    for row in rows:
        events[row.attempt_id].append(row)
    return events
