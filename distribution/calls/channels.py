"""Channels over which a call may go out: what they have free, and which is the best for a phone. Takes no locks."""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import orjson
from django.db import connection

from distribution import metrics
from distribution.calls.hours.presence import Presence, rank_presence
from routing.calendar.hours import Hours, HoursError, compile_hours

logger = logging.getLogger(__name__)

# A call may take a slot of the pace that is this near, and waits for it with its line.
RESERVED: Final = timedelta(milliseconds=100)
NEVER: Final = datetime.min.replace(tzinfo=UTC)
# Read of a channel `c` and its account `a`.
CHANNEL_COLUMNS: Final = """
    c.id, c.workspace_id, c.account_id, c.number, c.area_codes, c.lines, used.lines, c.hours::text, c.timezone,
    a.is_enabled AND a.stopped_at IS NULL, a.calls_per_second, c.calls_per_minute, a.next_dial_at, c.next_dial_at,
    c.last_dialed_at
"""
COUNT_OF_CHANNEL: Final = (
    "SELECT count(*) AS lines FROM distribution_call o WHERE o.channel_id = c.id AND o.ended_at IS NULL"
)
READ_CHANNELS: Final = f"""
SELECT {CHANNEL_COLUMNS}
FROM distribution_channel c
JOIN distribution_carrieraccount a ON a.id = c.account_id
CROSS JOIN LATERAL ({COUNT_OF_CHANNEL}) AS used
WHERE c.workspace_id = %s AND c.is_enabled AND c.flagged_at IS NULL
"""  # noqa: S608 - only constants are put in


@dataclass(frozen=True, slots=True)
class ChannelSeen:
    """A channel that is enabled and not flagged, as it was a moment ago. Its lock decides."""

    id: int
    workspace_id: int
    account_id: int
    number: str
    area_codes: Sequence[str]
    lines: int
    used: int
    hours_text: str
    timezone: str
    account_is_open: bool
    calls_per_second: int
    calls_per_minute: int
    account_next_dial_at: datetime | None
    next_dial_at: datetime | None
    last_dialed_at: datetime | None

    @property
    def free(self) -> int:
        return max(0, self.lines - self.used)

    @property
    def hours(self) -> Hours:
        return _compile(self.hours_text, self.timezone)

    @property
    def local_codes(self) -> Sequence[str]:
        """As of Channel.local_codes."""
        own = [self.number[2:5]] if self.number.startswith("+1") else []
        return list(self.area_codes) or own

    def is_in_hours(self, at: datetime, *, margin: timedelta) -> bool:
        hours = self.hours
        return hours.always_open or (hours.is_open(at) and hours.is_open(at + margin))

    def find_slot(self, at: datetime) -> datetime:
        """When its own pace and that of its account allow the next call."""
        return max(at, self.account_next_dial_at or at, self.next_dial_at or at)


@lru_cache(maxsize=1_000)
def _compile(hours_text: str, timezone: str) -> Hours:
    """Those of a channel are read for each call, and hardly ever change."""
    return compile_hours(orjson.loads(hours_text), timezone)


def read_channels(workspace_id: int) -> list[ChannelSeen]:
    with connection.cursor() as cursor:
        cursor.execute(READ_CHANNELS, [workspace_id])
        return keep_readable([ChannelSeen(*row) for row in cursor.fetchall()])


def keep_readable(channels: Iterable[ChannelSeen]) -> list[ChannelSeen]:
    """Those whose hours and time zone can be read. One bad row must not stop the calls of the others."""
    return [each for each in channels if _has_readable_hours(each)]


def _has_readable_hours(channel: ChannelSeen) -> bool:
    try:
        _compile(channel.hours_text, channel.timezone)
    except HoursError:
        _note_unreadable(channel.id, channel.hours_text, channel.timezone)
        return False
    return True


@lru_cache(maxsize=1_000)
def _note_unreadable(channel_id: int, hours_text: str, timezone: str) -> None:
    """Once for each process and change of the channel: its channels are read many times a second."""
    del hours_text, timezone
    metrics.DIALER_FAILURES.inc()
    logger.error("calls.channel_hours_not_valid", extra={"channel": channel_id})


@dataclass(frozen=True, slots=True)
class Caller:
    """What the person's phone says about the best channel."""

    area_code: str | None
    states: Collection[str]


def rank_channels(channels: Iterable[ChannelSeen], *, to: Caller) -> list[ChannelSeen]:
    """Same area code, then same state, then the most free lines, then the one that called the longest time ago."""
    return sorted(channels, key=lambda each: _rank(each, to))


def _rank(channel: ChannelSeen, to: Caller) -> tuple[Presence, int, datetime, int]:
    presence = rank_presence(channel.local_codes, lead_area_code=to.area_code, lead_states=to.states)
    return presence, -channel.free, channel.last_dialed_at or NEVER, channel.id


def find_usable(
    channels: Sequence[ChannelSeen], *, at: datetime, margin: timedelta
) -> tuple[list[ChannelSeen], str]:
    """The channels that can take a call now. If there is none, why: the last step that a channel reached."""
    steps: tuple[tuple[str, Callable[[ChannelSeen], bool]], ...] = (
        ("account_stopped", lambda each: each.account_is_open),
        ("channel_closed", lambda each: each.is_in_hours(at, margin=margin)),
        ("no_line", lambda each: each.free > 0),
        ("paced", lambda each: each.find_slot(at) <= at + RESERVED),
    )
    left = list(channels)
    if not left:
        return [], "no_channel"
    for reason, is_passed in steps:
        left = [each for each in left if is_passed(each)]
        if not left:
            return [], reason
    return left, ""
