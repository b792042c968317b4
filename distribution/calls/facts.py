"""Reads what decides whether a lead may be called now, in the statement that locks its verification."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from distribution.calls.promises import LAST_PROMISE
from distribution.models import CallPolicy, VerificationState

RATE_WINDOW: Final = timedelta(hours=24)
# Of the phone of a lead: the calls that count. One that the carrier refused disturbed nobody. One of which nobody knows
# whether it was placed may have rung, also if the carrier does not list it later. Tests of another workspace do not
# count: its operators would decide whether this one may call.
COUNTED: Final = """
    c.phone_hash = %(phone_hash)s::varchar AND c.dialed_at > %(since)s AND c.dial NOT IN ('not_placed', 'throttled')
    AND (c.kind = 'verification' OR c.workspace_id = {workspace})
"""
_COUNTED_HERE: Final = COUNTED.format(workspace="v.workspace_id")
# The lead is locked already, and nobody changes its verification without that lock, except to make it due earlier.
LOCK_AND_READ: Final = f"""
SELECT v.id, v.workspace_id, v.campaign_id, v.state, v.due_at, v.reason, v.tries,
    k.active, k.verification, k.consent_kind,
    COALESCE(p.ring_seconds, %(ring_seconds)s), COALESCE(p.records_calls, FALSE), COALESCE(p.needs_consent, FALSE),
    EXISTS (
        SELECT FROM distribution_blockedphone b
        WHERE b.workspace_id = v.workspace_id AND b.phone_hash = %(phone_hash)s::varchar
    ),
    EXISTS (SELECT FROM distribution_call c WHERE c.phone_hash = %(phone_hash)s::varchar AND c.ended_at IS NULL),
    ARRAY(SELECT c.dialed_at FROM distribution_call c WHERE {_COUNTED_HERE} ORDER BY c.dialed_at DESC),
    (SELECT ({LAST_PROMISE}) FROM routing_lead l WHERE l.id = v.lead_id)
FROM distribution_verification v
JOIN distribution_campaign k ON k.id = v.campaign_id
LEFT JOIN distribution_callpolicy p ON p.campaign_id = v.campaign_id
WHERE v.id = %(verification)s
FOR NO KEY UPDATE OF v
"""  # noqa: S608 - only a condition is put in


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """`called_at`: when the person was called in the last 24 hours, the latest first, by any workspace.

    `promise_ends_at`: when the promise ends after which the lead is not sold. None: it may be sold later too.
    """

    id: int
    workspace_id: int
    campaign_id: int
    state: str
    due_at: datetime | None
    reason: str
    tries: int
    campaign_is_active: bool
    needed: str
    consent_kind: str
    ring_seconds: int
    records: bool
    needs_consent: bool
    is_blocked: bool
    is_in_call: bool
    called_at: Sequence[datetime] = field(default=())
    promise_ends_at: datetime | None = None

    def is_due(self, at: datetime) -> bool:
        return self.state == VerificationState.WAITING and self.due_at is not None and self.due_at <= at


_NAMES: Final = tuple(CallFacts.__dataclass_fields__)


def lock_and_read(verification_id: int, *, phone_hash: str | None, at: datetime) -> CallFacts:
    """Lock a verification and read its facts. Needs its lead's lock."""
    parameters = {
        "verification": verification_id,
        "phone_hash": phone_hash,
        "since": at - RATE_WINDOW,
        "ring_seconds": CallPolicy().ring_seconds,
    }
    with connection.cursor() as cursor:
        cursor.execute(LOCK_AND_READ, parameters)
        row = cursor.fetchone()
    return CallFacts(**dict(zip(_NAMES, row, strict=True)))
