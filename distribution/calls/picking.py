"""Finds the verifications that can be called now, and when to look again.

First the channels of workspaces in whose queue somebody waits: how many calls each workspace has capacity for, by
lines, hours and pace. Then as many of each queue. Nobody who waits is read while there is no capacity, so a long queue
costs what a short one costs. Nothing is locked or written: `begin_call` decides.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from distribution.calls.allowing import find_margin_of_ring
from distribution.calls.channels import (
    CHANNEL_COLUMNS,
    COUNT_OF_CHANNEL,
    RESERVED,
    ChannelSeen,
    keep_readable,
)
from distribution.calls.lines import ANY_NUMBER
from distribution.models import CallPolicy
from distribution.sql_arrays import array_literal
from routing.locks.attempts import IS_PRODUCT_PAUSED

# How long the phone rings is a setting of the campaign, and the default is near enough here.
MARGIN: Final = find_margin_of_ring(CallPolicy().ring_seconds)
# The first of each queue, one step in the index for each workspace that has a channel. Lines are counted only where it
# is due.
READ_CAPACITY: Final = f"""
WITH queue AS MATERIALIZED (
    SELECT w.id, (
        SELECT v.due_at FROM distribution_verification v
        WHERE v.workspace_id = w.id AND v.state = 'waiting' ORDER BY v.due_at, v.id LIMIT 1
    ) AS first_due_at
    FROM routing_workspace w
    WHERE w.paused_at IS NULL AND NOT {IS_PRODUCT_PAUSED} AND EXISTS (
        SELECT FROM distribution_channel c
        WHERE c.workspace_id = w.id AND c.is_enabled AND c.flagged_at IS NULL
    )
)
SELECT statement_timestamp(), queue.first_due_at, {CHANNEL_COLUMNS}
FROM queue
JOIN distribution_channel c ON c.workspace_id = queue.id AND c.is_enabled AND c.flagged_at IS NULL
JOIN distribution_carrieraccount a ON a.id = c.account_id AND a.is_enabled AND a.stopped_at IS NULL
CROSS JOIN LATERAL (
    SELECT CASE WHEN queue.first_due_at <= statement_timestamp() THEN ({COUNT_OF_CHANNEL}) ELSE 0 END AS lines
) AS used
WHERE queue.first_due_at IS NOT NULL
"""  # noqa: S608 - only constants are put in
# Workspaces take turns: the first of each queue, then the second of each.
PICK: Final = """
SELECT due.id, due.workspace_id
FROM unnest(%(workspaces)s::bigint[], %(capacity)s::int[]) AS capacity(workspace_id, calls)
CROSS JOIN LATERAL (
    SELECT first.*, row_number() OVER (ORDER BY first.due_at, first.id) AS place FROM (
        SELECT v.id, v.workspace_id, v.due_at FROM distribution_verification v
        WHERE v.workspace_id = capacity.workspace_id AND v.state = 'waiting' AND v.due_at <= statement_timestamp()
            AND v.id <> ALL (%(except)s::bigint[])
        ORDER BY v.due_at, v.id
        LIMIT capacity.calls
    ) AS first
) AS due
ORDER BY due.place, due.due_at, due.id
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Picked:
    verification_id: int
    workspace_id: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """`calls`: how many each workspace can begin now. `seconds`: until time alone makes a call possible, or None.

    What a change makes possible, such as a line that becomes free, comes with a notification.
    """

    calls: Mapping[int, int]
    seconds: float | None


def allow_any(account_id: int) -> int:  # noqa: ARG001 - as the threads of a dialer
    return ANY_NUMBER


def read_capacity(threads_left: Callable[[int], int] = allow_any) -> Capacity:
    """`threads_left`: how many calls over an account the threads of this process can begin."""
    with connection.cursor() as cursor:
        cursor.execute(READ_CAPACITY)
        rows = cursor.fetchall()
    if not rows:
        return Capacity({}, None)
    at: datetime = rows[0][0]
    first_due = {row[3]: row[1] for row in rows}
    channels = keep_readable([ChannelSeen(*row[2:]) for row in rows])
    return find_capacity(channels, first_due=first_due, at=at, threads_left=threads_left)


def find_capacity(
    channels: Sequence[ChannelSeen],
    *,
    first_due: Mapping[int, datetime],
    at: datetime,
    threads_left: Callable[[int], int] = allow_any,
) -> Capacity:
    """Pure. `first_due`: when the first of each workspace's queue is due."""
    calls: Counter[int] = Counter()
    nexts = [due_at for due_at in first_due.values() if due_at > at]
    due = [each for each in channels if first_due[each.workspace_id] <= at and each.free > 0]
    is_open = {each.id: each.is_in_hours(at, margin=MARGIN) for each in due}
    nexts += [
        opens
        for each in due
        if not is_open[each.id] and (opens := each.hours.next_open(at + timedelta(seconds=1))) is not None
    ]
    by_account: defaultdict[int, list[ChannelSeen]] = defaultdict(list)
    for each in due:
        if is_open[each.id]:
            by_account[each.account_id].append(each)
    for account_id, of_account in by_account.items():
        slots = {each.id: count_slots(each, at=at) for each in of_account}
        count = min(sum(slots.values()), count_account_slots(of_account[0], at=at))
        calls[of_account[0].workspace_id] += min(count, threads_left(account_id))
        if count == 0:
            nexts.append(min(each.find_slot(at) for each in of_account))
    seconds = min(((each - at).total_seconds() for each in nexts), default=None)
    return Capacity({workspace: count for workspace, count in calls.items() if count}, seconds)


def count_slots(channel: ChannelSeen, *, at: datetime) -> int:
    """Calls that its lines and its own pace allow within the time that a call may wait for its slot."""
    return min(
        channel.free, _count(channel.next_dial_at, timedelta(minutes=1) / channel.calls_per_minute, at=at)
    )


def count_account_slots(channel: ChannelSeen, *, at: datetime) -> int:
    return _count(channel.account_next_dial_at, timedelta(seconds=1) / channel.calls_per_second, at=at)


def _count(next_at: datetime | None, step: timedelta, *, at: datetime) -> int:
    first = max(at, next_at or at)
    return 0 if first > at + RESERVED else 1 + (at + RESERVED - first) // step


def pick(calls: Mapping[int, int], *, limit: int, but: Iterable[int] = ()) -> list[Picked]:
    """The first of each queue, as many as its workspace has capacity for. `but`: those that are on their way."""
    if not calls or limit <= 0:
        return []
    parameters: dict[str, Any] = {
        "workspaces": array_literal(calls),
        "capacity": array_literal(calls.values()),
        "except": array_literal(but),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(PICK, parameters)
        return [Picked(*row) for row in cursor.fetchall()]
