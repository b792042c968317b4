"""Pauses or resumes a buyer. A paused buyer gets no leads."""

from datetime import datetime

from django.db import transaction

from distribution.models import Buyer
from tracing import audit
from tracing.locks import lock_rows


class SwitchRefused(Exception):
    """The message says why."""


def get_buyer_switch_state(paused_at: datetime | None) -> str:
    """Return the state of the pause as a short text for a page."""
    return "running" if paused_at is None else paused_at.isoformat()


def switch_buyer(buyer: Buyer, *, to: datetime | None, actor: str, reason: str, seen: str = "") -> bool:
    """Pause from `to` on, or resume (`to` None). Returns False if nothing changes. Raises SwitchRefused.

    `seen`: the get_buyer_switch_state that the page showed. A different pause is not ended. Blank: no page.
    """
    row = Buyer.objects.filter(pk=buyer.pk)
    with transaction.atomic():
        if not lock_rows(row):
            raise SwitchRefused("another person is changing this buyer right now; try again")
        was = row.values_list("paused_at", flat=True).get()
        if (was is None) == (to is None):
            return False
        if seen and seen != get_buyer_switch_state(was):
            raise SwitchRefused("it was resumed and paused again after you opened this page")
        row.update(paused_at=to)
        audit.record(
            actor=actor,
            action="resume" if to is None else "pause",
            target=buyer,
            workspace_id=buyer.workspace_id,
            reason=reason,
            before={"paused_at": was},
            after={"paused_at": to},
        )
    return True
