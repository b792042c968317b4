"""Holds a waiting lead back, and lets it go again. It stays pending and keeps its due time; no worker takes it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeAlias

from django.db import connection, transaction

from routing.dispatch.enqueue import enqueue_leads_after_commit
from routing.locks import wait_for_lead
from routing.models import Lead, LeadStatus

PAUSE: Final = """
UPDATE routing_lead SET paused_at = %s WHERE id = %s AND status = 'pending' AND paused_at IS NULL
"""
RESUME: Final = """
UPDATE routing_lead SET paused_at = NULL WHERE id = %s AND paused_at IS NOT NULL
"""

Refusal: TypeAlias = Callable[[Lead], str]


class HoldRefused(Exception):
    """The lead cannot be paused or resumed. The message says why."""


def pause_lead(lead_id: int, *, at: datetime) -> None:
    """Waits for whoever has the lead's lock, up to lock_timeout. Raises HoldRefused."""
    _change(lead_id, PAUSE, [at, lead_id], refusal=why_no_pause)


def resume_lead(lead_id: int) -> None:
    """Its due time is what it was: a lead that became due since then is tried at once. Raises HoldRefused."""
    _change(lead_id, RESUME, [lead_id], refusal=why_no_resume)


def why_no_pause(lead: Lead) -> str:
    if lead.status != LeadStatus.PENDING:
        return f"it does not wait to be sold: it is {LeadStatus(lead.status).label}"
    return "it is paused already" if lead.paused_at is not None else ""


def why_no_resume(lead: Lead) -> str:
    return "it is not paused" if lead.paused_at is None else ""


def _change(lead_id: int, sql: str, parameters: list[Any], *, refusal: Refusal) -> None:
    with transaction.atomic():
        wait_for_lead(lead_id)
        reason = refusal(Lead.objects.only("status", "paused_at").get(pk=lead_id))
        if reason:
            raise HoldRefused(reason)
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
        enqueue_leads_after_commit(lead_id)
