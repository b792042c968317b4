"""Pauses or resumes a buyer for its agency. A paused buyer gets no leads."""

from datetime import datetime

from django.db import transaction

from distribution.models import Buyer
from tracing import audit
from tracing.locks import lock_rows

PAUSE_FIELDS = ("paused_at", "paused_until", "is_paused_by_buyer")


class SwitchRefused(Exception):
    """The message says why."""


def get_buyer_switch_state(paused_at: datetime | None) -> str:
    """Return the state of the pause as a short text for a page."""
    return "running" if paused_at is None else paused_at.isoformat()


def switch_buyer(buyer: Buyer, *, to: datetime | None, actor: str, reason: str, seen: str = "") -> bool:
    """Pause from `to` on, or resume (`to` None). Returns False if nothing changes. Raises SwitchRefused.

    A pause of the agency replaces one of the buyer, which then cannot resume itself.

    `seen`: the get_buyer_switch_state that the page showed. A different pause is not ended. Blank: no page.
    """
    row = Buyer.objects.filter(pk=buyer.pk)
    with transaction.atomic():
        if not lock_rows(row):
            raise SwitchRefused("another person is changing this buyer right now; try again")
        was = row.values(*PAUSE_FIELDS).get()
        if to is None and was["paused_at"] is None:
            return False
        if to is not None and was["paused_at"] is not None and not was["is_paused_by_buyer"]:
            return False
        if seen and seen != get_buyer_switch_state(was["paused_at"]):
            raise SwitchRefused("it was resumed or paused again after you opened this page")
        now = {"paused_at": to, "paused_until": None, "is_paused_by_buyer": False}
        row.update(**now)
        audit.record(
            actor=actor,
            action="resume" if to is None else "pause",
            target=buyer,
            workspace_id=buyer.workspace_id,
            reason=reason,
            before=was,
            after=now,
        )
    return True
