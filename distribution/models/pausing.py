"""Pauses that may end by themselves: `paused_at`, and `paused_until` or null for a pause that somebody must end.

A decision compares `paused_until` with its own time, so a pause ends on time without a write. `reconcile buyer_pauses`
clears it afterwards, which wakes the leads that failed only because of it.
"""

from datetime import datetime
from typing import Protocol

from django.db import models
from django.db.models import F, Q


class Pausable(Protocol):
    @property
    def paused_at(self) -> datetime | None: ...
    @property
    def paused_until(self) -> datetime | None: ...


def is_paused(row: Pausable, *, at: datetime) -> bool:
    """A pause whose end has passed is over, whether its row was cleared or not."""
    return row.paused_at is not None and (row.paused_until is None or row.paused_until > at)


def pause_constraint(table: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(paused_until__isnull=True) | Q(paused_at__isnull=False, paused_until__gt=F("paused_at")),
        name=f"{table}_paused_until_after_start",
    )


def ended_pauses_index(table: str) -> models.Index:
    """Few rows: only pauses that end by themselves."""
    return models.Index(
        fields=["paused_until"],
        condition=Q(paused_until__isnull=False),
        name=f"{table}_paused_until",
    )
