"""Rows of verification calls that the database refuses, by the name of the constraint."""

from collections.abc import Callable
from datetime import date, time
from typing import Any, Final

from django.utils import timezone

from distribution.models import BlockedPhone, Call, CallingHours, CallNotice, CarrierAccount, Channel
from tests.support.factories import (
    CallFactory,
    CampaignFactory,
    CarrierAccountFactory,
    ChannelFactory,
    LeadFactory,
    VerificationFactory,
    WorkspaceFactory,
)

HASH: Final = "5e" * 32


def _change(make: Callable[[], Any], **columns: Any) -> int:
    row = make()
    changed: int = type(row)._default_manager.filter(pk=row.pk).update(**columns)
    return changed


def _account_again() -> CarrierAccount:
    first = CarrierAccountFactory()
    return CarrierAccountFactory.create(workspace=first.workspace, name=first.name)


def _channel_again(column: str) -> Channel:
    first = ChannelFactory()
    return ChannelFactory.create(account=first.account, **{column: getattr(first, column)})


def _verification_again() -> Any:
    return VerificationFactory(lead=VerificationFactory().lead)


def _call_again(**columns: Any) -> Call:
    first = CallFactory(carrier_sid="CA1", phone_hash=HASH)
    values = {"carrier_sid": None, "phone_hash": None, **columns}
    if "lead" in columns:
        values |= {"lead": first.lead, "verification": first.verification}
    return CallFactory.create(channel=first.channel, account=first.account, **values)


def _notice_again() -> CallNotice:
    columns = {"call": CallFactory(), "kind": "status", "carrier_sid": "CA1", "status": "ringing"}
    CallNotice.objects.create(**columns)
    return CallNotice.objects.create(**columns)


def _block_again() -> BlockedPhone:
    workspace = WorkspaceFactory()
    BlockedPhone.objects.create(workspace=workspace, phone_hash=HASH, reason="x")
    return BlockedPhone.objects.create(workspace=workspace, phone_hash=HASH, reason="x")


def _hours(**columns: Any) -> CallingHours:
    given = {"country": "ZZ", "state": "", "opens": time(9), "closes": time(20), **columns}
    return CallingHours.objects.create(source="x", checked_on=date(2026, 1, 1), **given)


CALL_BREACHES: Final[tuple[tuple[str, Callable[[], Any]], ...]] = (
    ("lead_verified_at_iff_verified", lambda: LeadFactory(verification="call")),
    ("lead_verified_at_iff_verified", lambda: LeadFactory(verified_at=timezone.now())),
    ("campaign_unverified_percent_in_range", lambda: CampaignFactory(unverified_percent=101)),
    ("carrieraccount_name_unique", _account_again),
    ("carrieraccount_pace_in_range", lambda: CarrierAccountFactory(calls_per_second=0)),
    ("carrieraccount_stopped_with_code", lambda: CarrierAccountFactory(stopped_at=timezone.now())),
    ("channel_name_unique", lambda: _channel_again("name")),
    ("channel_number_unique", lambda: _channel_again("number")),
    ("channel_lines_in_range", lambda: ChannelFactory(lines=201)),
    ("channel_pace_in_range", lambda: ChannelFactory(calls_per_minute=0)),
    ("channel_flagged_with_reason", lambda: ChannelFactory(flagged_at=timezone.now())),
    ("verification_one_open_of_lead", _verification_again),
    ("verification_due_exactly_while_waiting", lambda: VerificationFactory(due_at=None)),
    ("verification_ended_at_iff_ended", lambda: VerificationFactory(ended_at=timezone.now())),
    ("call_ended_at_iff_ended", lambda: _change(CallFactory, state="ended", next_check_at=None)),
    ("call_checked_until_it_ends", lambda: _change(CallFactory, next_check_at=None)),
    ("call_has_lead_or_test_phone", lambda: _change(CallFactory, kind="test")),
    ("call_carrier_sid_unique", lambda: _call_again(carrier_sid="CA1")),
    ("call_one_open_of_phone", lambda: _call_again(phone_hash=HASH)),
    ("call_one_open_of_lead", lambda: _call_again(lead=None)),
    ("callnotice_once", _notice_again),
    ("blockedphone_once", _block_again),
    (
        "blockedphone_hash_not_blank",
        lambda: BlockedPhone.objects.create(workspace=WorkspaceFactory(), phone_hash="", reason="x"),
    ),
    ("callinghours_one_of_place", lambda: (_hours(), _hours())),
    ("callinghours_open_before_close", lambda: _hours(closes=time(9))),
    ("callinghours_codes", lambda: _hours(country="zz")),
    ("callinghours_most_calls_in_range", lambda: _hours(most_calls_per_day=0)),
)
