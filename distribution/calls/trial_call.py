"""Test calls: a person calls a phone of their own over a channel. It takes a line as any call does.

The hours of the law and the limit of calls a day are for leads and do not count here. Blocked phones do.
"""

import logging
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from distribution.calls.begin import Begun
from distribution.calls.lines import TIME_LIMIT_SECONDS, NewCall, NoLine, insert_call, take_line
from distribution.models import BlockedPhone, CallPolicy, Channel
from routing.intake.identity import identify
from routing.queries import read_clock
from tracing import audit

logger = logging.getLogger(__name__)

# Why there is no call, and what to do.
REFUSALS: Final = {
    "account_stopped": "The carrier account is stopped or not enabled. Start it again first.",
    "no_channel": "The channel is not enabled, or its number is flagged.",
    "no_line": "All lines of the channel are in use. Try again when a call has ended.",
    "paced": "Calls go out as fast as the channel and its account allow. Try again in a moment.",
    "phone_in_call": "Another call to this phone is out. Try again when it has ended.",
    "phone_blocked": "The phone is on the list of blocked phones.",
    "no_address": "LEADSWITCH_BASE_URL is not set, so the carrier cannot reach LeadSwitch.",
}


class CallRefused(ValueError):
    """Nothing was written. The message says why and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(REFUSALS[reason])
        self.reason = reason


def begin_test_call(
    channel_id: int, to: str, actor: str, *, reason: str = "", at: datetime | None = None
) -> Begun:
    """Begin a call to a phone in E.164. Place it with `dialing.dial`. Must run outside a transaction.

    Raises CallRefused.
    """
    if not settings.LEADSWITCH_BASE_URL:
        raise CallRefused("no_address")
    try:
        with transaction.atomic(durable=True):
            return _begin(channel_id, to, actor, reason=reason, at=at or read_clock())
    except NoLine as error:
        raise CallRefused(error.reason) from error


def _begin(channel_id: int, to: str, actor: str, *, reason: str, at: datetime) -> Begun:
    found = Channel.objects.get(pk=channel_id)
    phone_hash = identify(email=None, phone=to).phone_hash
    if BlockedPhone.objects.filter(workspace_id=found.workspace_id, phone_hash=phone_hash).exists():
        raise CallRefused("phone_blocked")
    line = take_line(channel_id, account_id=found.account_id, at=at)
    new = NewCall(ring_seconds=CallPolicy().ring_seconds, phone_hash=phone_hash, test_phone=to)
    written = insert_call(new, line=line, at=at)
    if written is None:
        raise CallRefused("phone_in_call")
    call_id, public_id = written
    audit.record(
        actor=actor,
        action="test call",
        target=line.channel,
        workspace_id=line.channel.workspace_id,
        reason=reason,
        after={"call": str(public_id)},
    )
    return Begun(
        call_id=call_id,
        public_id=public_id,
        account=line.account,
        to=to,
        from_number=line.channel.number,
        ring_seconds=new.ring_seconds,
        time_limit_seconds=TIME_LIMIT_SECONDS,
        records=False,
        wait_seconds=(line.slot - at).total_seconds(),
    )
