"""Clears pauses of buyers and enrollments whose end has passed.

Decisions do not need it: each compares the end with its own time. Clearing wakes leads that failed while the pause
ran, and that no attempt would try again by itself.
"""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from distribution.models import Buyer, Enrollment
from routing.queries import read_clock
from tracing import audit
from tracing.locks import lock_rows
from tracing.reconciling import Counts, in_batches, name_rows

PAUSES_PER_BATCH: Final = 100
ACTOR: Final = "reconciler"
REASON: Final = "Its end has passed."
CLEARED: Final[dict[type[Any], dict[str, Any]]] = {
    Buyer: {"paused_at": None, "paused_until": None, "is_paused_by_buyer": False},
    Enrollment: {"paused_at": None, "paused_until": None},
}


def run(*, fix: bool, limit: int) -> Counts:
    counts = _clear_all(Buyer, "buyer", fix=fix, limit=limit)
    return counts + _clear_all(Enrollment, "enrollment", fix=fix, limit=limit - counts.checked)


def _clear_all(model: type[Any], name: str, *, fix: bool, limit: int) -> Counts:
    at = read_clock()

    def clear(after: int | None, count: int) -> tuple[Counts, int | None]:
        ended = model._default_manager.filter(paused_until__lte=at, pk__gt=after or 0)
        found = list(ended.order_by("pk").values_list("pk", flat=True)[:count])
        repaired = [pk for pk in found if fix and clear_ended(model, pk, at=at)]
        named = name_rows(name, found)
        counts = Counts(len(found), len(repaired), len(found) - len(repaired), named)
        return counts, found[-1] if len(found) == count else None

    return in_batches(clear, limit=limit, size=PAUSES_PER_BATCH)


def clear_ended(model: type[Any], pk: int, *, at: datetime) -> bool:
    """Return False if the pause was ended or moved since it was found, or if another transaction holds the row."""
    rows = model._default_manager.filter(pk=pk)
    with transaction.atomic():
        if not lock_rows(rows) or not rows.filter(paused_until__lte=at).exists():
            return False
        row = rows.get()
        before = audit.read_state(row, fields=list(CLEARED[model]))
        rows.update(**CLEARED[model])
        audit.record(
            actor=ACTOR,
            action="pause ended",
            target=row,
            workspace_id=(row if model is Buyer else row.buyer).workspace_id,
            reason=REASON,
            before=before,
            after=CLEARED[model],
        )
    return True
