"""Turns endpoints off and on again: by a person, and by what their answers say."""

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import connection, transaction

from distribution.deliveries.locks import lock_endpoint
from distribution.deliveries.notices import tell_disabled
from distribution.models import DisabledReason, Endpoint
from routing.dispatch.enqueue import after_commit
from tracing import audit

logger = logging.getLogger(__name__)

# As the large senders of webhooks do.
LONGEST_FAILING: Final = timedelta(hours=120)
ACTOR: Final = "deliverer"


class EnablingRefused(ValueError):
    """Nothing was changed. The message says why."""


def disable_by_hand(endpoint: Endpoint, *, at: datetime, actor: str, reason: str) -> None:
    """Raises EnablingRefused."""
    with transaction.atomic():
        row = lock_endpoint(endpoint.pk)
        if row.disabled_at is not None:
            raise EnablingRefused("it is already disabled")
        _write(row, at=at, why=DisabledReason.BY_HAND)
        _audit(row, action="disabled", actor=actor, reason=reason)


def enable_by_hand(endpoint: Endpoint, *, actor: str, reason: str) -> None:
    """Messages that waited are sent now. It gets another 120 hours to succeed. Raises EnablingRefused."""
    with transaction.atomic():
        row = lock_endpoint(endpoint.pk)
        if row.disabled_at is None:
            raise EnablingRefused("it is not disabled")
        row.disabled_at, row.disabled_reason, row.failing_since = None, "", None
        row.save(update_fields=["disabled_at", "disabled_reason", "failing_since"])
        _audit(row, action="enabled", actor=actor, reason=reason)


# A success every minute is exact enough, and costs a busy endpoint one write a minute instead of one a lead.
SUCCESS: Final = """
UPDATE distribution_endpoint SET last_success_at = %(at)s, failing_since = NULL
WHERE id = %(id)s AND (
    failing_since IS NOT NULL OR last_success_at IS NULL OR last_success_at < %(at)s - interval '1 minute'
)
"""
FAILURE: Final = """
UPDATE distribution_endpoint SET failing_since = %(at)s WHERE id = %(id)s AND failing_since IS NULL
"""
DISABLE: Final = """
UPDATE distribution_endpoint SET disabled_at = %(at)s, disabled_reason = %(why)s
WHERE id = %(id)s AND disabled_at IS NULL AND (%(since)s::timestamptz IS NULL OR failing_since <= %(since)s)
RETURNING id
"""


def note_success(endpoint_id: int, *, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SUCCESS, {"id": endpoint_id, "at": at})


def note_failure(endpoint_id: int, *, at: datetime) -> None:
    """An endpoint that failed for 120 hours without a success is disabled."""
    with connection.cursor() as cursor:
        cursor.execute(FAILURE, {"id": endpoint_id, "at": at})
    _disable(endpoint_id, at=at, why=DisabledReason.NO_SUCCESS, since=at - LONGEST_FAILING)


def note_gone(endpoint_id: int, *, at: datetime) -> None:
    """It answered that it is gone for good."""
    _disable(endpoint_id, at=at, why=DisabledReason.GONE, since=None)


def _disable(endpoint_id: int, *, at: datetime, why: DisabledReason, since: datetime | None) -> None:
    """The audit log names the product as the actor, and the notice goes out after the commit."""
    with connection.cursor() as cursor:
        cursor.execute(DISABLE, {"id": endpoint_id, "at": at, "why": why.value, "since": since})
        if cursor.fetchone() is None:
            return
    row = Endpoint.objects.select_related("buyer", "source", "workspace").defer("headers").get(pk=endpoint_id)
    _audit(row, action="disabled", actor=ACTOR, reason=why.label)
    after_commit(partial(tell_disabled, row))


def _write(row: Endpoint, *, at: datetime, why: DisabledReason) -> None:
    row.disabled_at, row.disabled_reason = at, why
    row.save(update_fields=["disabled_at", "disabled_reason"])


def _audit(row: Endpoint, *, action: str, actor: str, reason: str) -> None:
    audit.record(actor=actor, action=action, target=row, workspace_id=row.workspace_id, reason=reason)
