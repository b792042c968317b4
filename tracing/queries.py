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
    lead_id: int, *, latest: int | None = None, buyer_id: int | None = None, in_full: int | None = None
) -> list[TracedAttempt]:
    """Return the attempts of a lead by number, always in two statements.

    `latest`: only this many of the newest. `buyer_id`: leave out the events of other buyers. `in_full`: only the
    attempt of this number has the events of its buyers.
    """
    newest_first = Attempt.objects.filter(lead_id=lead_id).defer("facts").order_by("-number")
    attempts = list(newest_first if latest is None else newest_first[:latest])
    events = _read_events([attempt.pk for attempt in attempts], wanted=_wanted(attempts, buyer_id, in_full))
    return [TracedAttempt(attempt, events[attempt.pk]) for attempt in reversed(attempts)]


def _wanted(attempts: Sequence[Attempt], buyer_id: int | None, in_full: int | None) -> Q:
    """Return the filter of the events: those without a buyer, and those of the wanted buyers."""
    wanted = Q() if buyer_id is None else Q(buyer_id=buyer_id)
    if in_full is not None:
        wanted &= Q(attempt_id__in=[attempt.pk for attempt in attempts if attempt.number == in_full])
    return wanted and wanted | Q(buyer_id__isnull=True)


def _read_events(attempt_ids: Sequence[UUID], *, wanted: Q) -> dict[UUID, list[LeadDistributionEvent]]:
    rows = LeadDistributionEvent.objects.filter(wanted, attempt_id__in=attempt_ids).order_by(
        "attempt_id", "seq"
    )
    events: dict[UUID, list[LeadDistributionEvent]] = defaultdict(list)
    for row in rows:
        events[row.attempt_id].append(row)
    return events
