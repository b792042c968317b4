"""Turns endpoints off and on again: by a person, and by what their answers say."""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from distribution.deliveries.locks import lock_endpoint
from distribution.models import DisabledReason, Endpoint
from tracing import audit

logger = logging.getLogger(__name__)

# As the large senders of webhooks do.
LONGEST_FAILING: Final = timedelta(hours=120)


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


def _write(row: Endpoint, *, at: datetime, why: DisabledReason) -> None:
    row.disabled_at, row.disabled_reason = at, why
    row.save(update_fields=["disabled_at", "disabled_reason"])


def _audit(row: Endpoint, *, action: str, actor: str, reason: str) -> None:
    audit.record(actor=actor, action=action, target=row, workspace_id=row.buyer.workspace_id, reason=reason)
