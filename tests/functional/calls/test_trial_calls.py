"""Test calls over a channel: they take a line, and move no lead."""

from typing import Any

import pytest

from distribution.calls.begin import NotBegun, begin_call
from distribution.calls.dialing import dial
from distribution.calls.locks import count_lines
from distribution.calls.trial_call import CallRefused, begin_test_call
from distribution.models import BlockedPhone, Call, CarrierAccount, Channel
from tests.support.calling import Office
from tests.support.factories import CallFactory
from tests.support.waiting_leads import AT, let_wait
from tracing.models import AuditEntry

PHONE = "+14045550127"


def test_test_call_takes_a_line_until_it_ends(office: Office) -> None:
    Channel.objects.update(lines=1)
    begun = begin_test_call(office.channel.pk, PHONE, "ann", at=AT)
    assert count_lines(office.channel.pk) == 1
    assert Call.objects.values_list("test_phone", "from_number").get() == (PHONE, office.channel.number)
    assert begin_call(let_wait(office.channel).pk, at=AT) == NotBegun("no_line")

    dial(begun, carrier_of=office.get_carrier)
    call = Call.objects.get()
    office.carrier.act(call.carrier_sid or "", "busy")
    office.finish(call)

    assert (call.kind, call.lead_id, call.test_phone, call.outcome) == ("test", None, "", "busy")
    assert count_lines(office.channel.pk) == 0
    entry = AuditEntry.objects.get(action="test call")
    assert (entry.actor, entry.object_id, entry.after) == (
        *("ann", str(office.channel.pk)),
        {"call": str(call.public_id)},
    )


def test_refused_test_call_ends(office: Office) -> None:
    dial(begin_test_call(office.channel.pk, "+14045550111", "ann"), carrier_of=office.get_carrier)

    call = Call.objects.get()
    assert (call.state, call.outcome, call.dial_code) == ("ended", "invalid_phone", "21211")


def refuse(reason: str, office: Office, settings: Any) -> None:
    if reason == "no_line":
        Channel.objects.update(lines=1)
        CallFactory(channel=office.channel, account=office.channel.account)
    elif reason == "no_channel":
        Channel.objects.update(is_enabled=False)
    elif reason == "account_stopped":
        CarrierAccount.objects.update(is_enabled=False)
    elif reason == "paced":
        CarrierAccount.objects.update(next_dial_at=AT.replace(minute=1))
    elif reason == "no_address":
        settings.LEADSWITCH_BASE_URL = ""
    elif reason == "phone_in_call":
        begin_test_call(office.channel.pk, PHONE, "bob", at=AT)
    else:
        phone_hash = let_wait(office.channel, phone=PHONE).lead.phone_hash
        BlockedPhone.objects.create(workspace=office.channel.workspace, phone_hash=phone_hash, reason="asked")


@pytest.mark.parametrize(
    "reason",
    ["no_line", "no_channel", "account_stopped", "paced", "no_address", "phone_in_call", "phone_blocked"],
)
def test_refusal_writes_nothing(office: Office, settings: Any, reason: str) -> None:
    refuse(reason, office, settings)
    before = (Call.objects.count(), AuditEntry.objects.count(), list(Channel.objects.values()))

    with pytest.raises(CallRefused) as refused:
        begin_test_call(office.channel.pk, PHONE, "ann", at=AT)

    assert refused.value.reason == reason
    assert (Call.objects.count(), AuditEntry.objects.count(), list(Channel.objects.values())) == before
