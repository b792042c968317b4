"""Takes a line of a channel for a call, under the locks of its account and of the channel.

The lines are counted under the channel's lock, so `count <= lines` holds with any number of dialers. Two accounts are
never locked in one transaction: if a channel turns out to be full, the transaction ends and the next one is tried.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection

from distribution.calls.channels import RESERVED
from distribution.calls.check_times import LONGEST_START
from distribution.calls.facts import COUNTED, RATE_WINDOW
from distribution.calls.locks import count_lines, lock_account, lock_channel
from distribution.models import CallKind, CarrierAccount, Channel

# How long a call may last: the script is short.
TIME_LIMIT_SECONDS: Final = 120
ANY_NUMBER: Final = 2**31 - 1
# A unique index decides between two calls to one phone: the later one waits for the commit of the earlier, and is none.
INSERT_CALL: Final = f"""
INSERT INTO distribution_call (
    public_id, kind, workspace_id, account_id, channel_id, lead_id, verification_id, number, from_number, test_phone,
    phone_hash, state, created_at, next_check_at, ring_seconds, time_limit_seconds, records
)
SELECT %(public_id)s, %(kind)s, %(workspace)s, %(account)s, %(channel)s, %(lead)s, %(verification)s, %(number)s,
    %(from_number)s, %(test_phone)s, %(phone_hash)s::varchar, 'created', %(at)s, %(next_check_at)s, %(ring_seconds)s,
    %(time_limit)s, %(records)s
WHERE (SELECT count(*) FROM distribution_call c WHERE {COUNTED.format(workspace="%(workspace)s")}) < %(most)s
ON CONFLICT DO NOTHING
RETURNING id
"""  # noqa: S608 - only a condition is put in
IS_IN_CALL: Final = """
SELECT EXISTS (SELECT FROM distribution_call WHERE phone_hash = %s::varchar AND ended_at IS NULL)
"""


@dataclass(frozen=True, slots=True)
class LineTaken:
    """Both rows are locked. `slot`: when the pace of both allows the request. `free`: lines, with this one.

    `paced_until`: when the pace of both allowed a call. None: always.
    """

    account: CarrierAccount
    channel: Channel
    slot: datetime
    free: int
    paced_until: datetime | None


class NoLine(Exception):
    """This channel cannot take the call after all. Roll the transaction back before another one is tried."""

    def __init__(self, channel_id: int, reason: str, due_at: datetime | None = None) -> None:
        super().__init__(reason)
        self.channel_id, self.reason, self.due_at = channel_id, reason, due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    """What a call is for. `most`: how many calls its person gets in 24 hours."""

    ring_seconds: int
    records: bool = False
    phone_hash: str | None = None
    lead_id: int | None = None
    verification_id: int | None = None
    number: int = 1
    test_phone: str = ""
    most: int = ANY_NUMBER


def take_line(channel_id: int, *, account_id: int, at: datetime) -> LineTaken:
    """Lock account, then channel, count, and find the next slot of both paces. Raises NoLine."""
    account = lock_account(account_id)
    if not account.is_enabled or account.stopped_at is not None:
        raise NoLine(channel_id, "account_stopped")
    channel = lock_channel(channel_id)
    if channel.account_id != account_id or not channel.is_enabled or channel.flagged_at is not None:
        raise NoLine(channel_id, "no_channel")
    free = channel.lines - count_lines(channel_id)
    if free <= 0:
        raise NoLine(channel_id, "no_line")
    paced_until = max(filter(None, (account.next_dial_at, channel.next_dial_at)), default=None)
    slot = max(at, paced_until or at)
    if slot > at + RESERVED:
        raise NoLine(channel_id, "paced", slot)
    return LineTaken(account, channel, slot, free, paced_until)


def _move_pace(account: CarrierAccount, channel: Channel, *, slot: datetime) -> None:
    account.next_dial_at = slot + timedelta(seconds=1) / account.calls_per_second
    account.save(update_fields=["next_dial_at"])
    channel.next_dial_at = slot + timedelta(minutes=1) / channel.calls_per_minute
    channel.last_dialed_at = slot
    channel.save(update_fields=["next_dial_at", "last_dialed_at"])


def insert_call(new: NewCall, *, line: LineTaken, at: datetime) -> tuple[int, UUID] | None:
    """Write the call before its request, and take its slot of the pace.

    None: the phone is in a call (`is_in_call`), or was called too often. Nothing was written, and no slot was taken.
    """
    public_id = uuid4()
    values: dict[str, Any] = {
        "public_id": public_id,
        "kind": CallKind.TEST if new.test_phone else CallKind.VERIFICATION,
        "workspace": line.channel.workspace_id,
        "account": line.account.pk,
        "channel": line.channel.pk,
        "lead": new.lead_id,
        "verification": new.verification_id,
        "number": new.number,
        "from_number": line.channel.number,
        "test_phone": new.test_phone,
        "phone_hash": new.phone_hash,
        "at": at,
        "next_check_at": at + LONGEST_START,
        "ring_seconds": new.ring_seconds,
        "time_limit": TIME_LIMIT_SECONDS,
        "records": new.records,
        "since": at - RATE_WINDOW,
        "most": new.most,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_CALL, values)
        row = cursor.fetchone()
    if row is None:
        return None
    _move_pace(line.account, line.channel, slot=line.slot)
    return int(row[0]), public_id


def is_in_call(phone_hash: str | None) -> bool:
    """Whether a call to the phone is out, or may be."""
    with connection.cursor() as cursor:
        cursor.execute(IS_IN_CALL, [phone_hash])
        return bool(cursor.fetchone()[0])
