"""Why the due leads of a workspace are not called now: the conditions by which dialers pick, named.

While a lead waits for a line nothing is written, so the reason is derived when it is read. Takes no locks.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import connection

from distribution.calls.channels import CHANNEL_COLUMNS, COUNT_OF_CHANNEL, ChannelSeen, find_usable
from distribution.calls.liveness import ALIVE_SECONDS
from distribution.calls.picking import MARGIN
from distribution.models import Verification, VerificationState
from distribution.sql_arrays import array_literal
from routing.calendar.hours import HoursError
from routing.locks.attempts import IS_PRODUCT_PAUSED

READ_PAUSES: Final = f"""
SELECT id, CASE WHEN {IS_PRODUCT_PAUSED} THEN 'product_paused' WHEN paused_at IS NOT NULL THEN 'workspace_paused'
    ELSE '' END, statement_timestamp(), (
        SELECT bool_or(has_address) FROM distribution_dialer
        WHERE seen_at > statement_timestamp() - make_interval(secs => {ALIVE_SECONDS})
    )
FROM routing_workspace WHERE id = ANY(%s::bigint[])
"""  # noqa: S608 - only a constant is put in
READ_CHANNELS: Final = f"""
SELECT {CHANNEL_COLUMNS}
FROM distribution_channel c
JOIN distribution_carrieraccount a ON a.id = c.account_id
CROSS JOIN LATERAL ({COUNT_OF_CHANNEL}) AS used
WHERE c.workspace_id = ANY(%s::bigint[]) AND c.is_enabled AND c.flagged_at IS NULL
"""  # noqa: S608 - only constants are put in
READ_UNUSABLE: Final = """
SELECT workspace_id, name, CASE WHEN NOT is_enabled THEN 'disabled' WHEN flagged_at IS NOT NULL THEN 'flagged'
    ELSE 'unreadable' END
FROM distribution_channel WHERE workspace_id = ANY(%s::bigint[]) ORDER BY name, id
"""
# What passes by itself, as long as a dialer runs.
BY_DIALERS: Final = frozenset({"", "no_line", "paced"})


@dataclass(frozen=True, slots=True)
class UnusableChannel:
    """`state`: disabled, flagged, or unreadable (its hours)."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class QueueWait:
    """`reason`: a code of WAIT_REASONS; "" if nothing holds the next call back. `at`: the clock when it was read.

    `has_dialer`: one has sent a heartbeat lately. `unusable`: why there is no channel, if that is the reason.
    """

    reason: str
    at: datetime
    has_dialer: bool = True
    unusable: tuple[UnusableChannel, ...] = ()

    @property
    def cause(self) -> str:
        """The reason, unless it is that no dialer runs."""
        return "no_dialer" if self.reason in BY_DIALERS and not self.has_dialer else self.reason

    def has_due(self, verification: Verification) -> bool:
        """Whether the reason is this one's: what is due later waits for its own."""
        is_waiting = verification.state == VerificationState.WAITING
        return is_waiting and verification.due_at is not None and verification.due_at <= self.at

    def reason_of(self, verification: Verification) -> str:
        """Why it is not called now, or why there is no call before it is due, or none any more."""
        return self.cause if self.has_due(verification) else verification.reason


def read_queue_waits(workspace_ids: Collection[int], *, with_address: bool = True) -> Mapping[int, QueueWait]:
    """Of each workspace. Two statements, and one more if a workspace has no channel that can call.

    `with_address`: dialers without a LEADSWITCH_BASE_URL hold all of them back.
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
    found = {}
    for key, pause, at, has_address in pauses:  # None: no dialer runs
        missing = "no_address" if with_address and has_address is False else ""
        reason = pause or missing or _find_reason(channels[key], at=at)
        found[key] = QueueWait(reason, at, has_dialer=has_address is not None)
    without = [key for key, wait in found.items() if wait.reason == "no_channel"]
    unusable = read_unusable(without)
    return {key: replace(wait, unusable=tuple(unusable.get(key, ()))) for key, wait in found.items()}


def read_unusable(workspace_ids: Collection[int]) -> defaultdict[int, list[UnusableChannel]]:
    """The channels of workspaces that have none that can be used. One that is enabled, but not readable, is so too."""
    found: defaultdict[int, list[UnusableChannel]] = defaultdict(list)
    if workspace_ids:
        with connection.cursor() as cursor:
            cursor.execute(READ_UNUSABLE, [array_literal(workspace_ids)])
            for workspace_id, name, state in cursor.fetchall():
                found[workspace_id].append(UnusableChannel(name, state))
    return found


def _find_reason(channels: list[ChannelSeen], *, at: datetime) -> str:
    return find_usable([each for each in channels if _is_readable(each)], at=at, margin=MARGIN)[1]


def _is_readable(channel: ChannelSeen) -> bool:
    """A page about a lead must be shown also if the hours or the time zone of a channel cannot be read."""
    try:
        return bool(channel.hours)
    except HoursError:
        return False
