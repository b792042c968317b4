"""Why the due leads of a workspace are not called now: the conditions by which dialers pick, named.

While a lead waits for a line nothing is written, so the reason is derived when it is read. Takes no locks.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import connection

from distribution.calls.channels import CHANNEL_COLUMNS, COUNT_OF_CHANNEL, ChannelSeen, find_usable
from distribution.calls.picking import MARGIN
from distribution.models import Verification, VerificationState
from distribution.sql_arrays import array_literal
from routing.calendar.hours import HoursError
from routing.locks.attempts import IS_PRODUCT_PAUSED

READ_PAUSES: Final = f"""
SELECT id, CASE WHEN {IS_PRODUCT_PAUSED} THEN 'product_paused' WHEN paused_at IS NOT NULL THEN 'workspace_paused'
    ELSE '' END, statement_timestamp()
FROM routing_workspace WHERE id = ANY(%s::bigint[])
"""  # noqa: S608 - only a constant is put in
READ_CHANNELS: Final = f"""
SELECT {CHANNEL_COLUMNS}
FROM distribution_channel c
JOIN distribution_carrieraccount a ON a.id = c.account_id
CROSS JOIN LATERAL ({COUNT_OF_CHANNEL}) AS used
WHERE c.workspace_id = ANY(%s::bigint[]) AND c.is_enabled AND c.flagged_at IS NULL
"""  # noqa: S608 - only constants are put in


@dataclass(frozen=True, slots=True)
class QueueWait:
    """`reason`: a code of WAIT_REASONS; "" if nothing holds the next call back. `at`: the clock when it was read."""

    reason: str
    at: datetime

    def has_due(self, verification: Verification) -> bool:
        """Whether the reason is this one's: what is due later waits for its own."""
        is_waiting = verification.state == VerificationState.WAITING
        return is_waiting and verification.due_at is not None and verification.due_at <= self.at

    def reason_of(self, verification: Verification) -> str:
        """Why it is not called now, or why there is no call before it is due, or none any more."""
        return self.reason if self.has_due(verification) else verification.reason


def read_queue_waits(workspace_ids: Collection[int], *, with_address: bool = True) -> Mapping[int, QueueWait]:
    """Of each workspace. Two statements, none for no workspace.

    `with_address`: a LEADSWITCH_BASE_URL that is not set holds all of them back.
    """
    if not workspace_ids:
        return {}
    ids = array_literal(workspace_ids)
    with connection.cursor() as cursor:
        cursor.execute(READ_PAUSES, [ids])
        pauses = cursor.fetchall()
        cursor.execute(READ_CHANNELS, [ids])
        seen = [ChannelSeen(*row) for row in cursor.fetchall()]
    channels: defaultdict[int, list[ChannelSeen]] = defaultdict(list)
    for each in seen:
        channels[each.workspace_id].append(each)
    missing = "no_address" if with_address and not settings.LEADSWITCH_BASE_URL else ""
    return {
        key: QueueWait(pause or missing or _find_reason(channels[key], at=at), at)
        for key, pause, at in pauses
    }


def _find_reason(channels: list[ChannelSeen], *, at: datetime) -> str:
    return find_usable([each for each in channels if _is_readable(each)], at=at, margin=MARGIN)[1]


def _is_readable(channel: ChannelSeen) -> bool:
    """A page about a lead must be shown also if the hours or the time zone of a channel cannot be read."""
    try:
        return bool(channel.hours)
    except HoursError:
        return False
