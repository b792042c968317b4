"""Calls of a carrier account that is closed for good are ended by a person, with a reason, and never by time alone."""

from datetime import datetime, timedelta
from io import StringIO
from typing import Final

import pytest
from django.core.management import CommandError, call_command

from distribution.calls.applying import apply_new
from distribution.calls.begin import Begun, begin_call
from distribution.calls.freeing import FAR_TOO_LONG, FreeRefused, free_calls, list_freeable
from distribution.calls.inbox import store
from distribution.calls.notices import Notice
from distribution.calls.switching import stop_by_hand
from distribution.models import Call, CallNotice, CarrierAccount, Verification
from routing.models import Lead
from tests.support.factories import ChannelFactory
from tests.support.waiting_leads import AT, events_of, let_wait
from tracing.models import AuditEntry

pytestmark = pytest.mark.usefixtures("committed_db")

SID: Final = "CA" + "a" * 32
LONGEST: Final = timedelta(seconds=28 + 120 + 60)
LATE: Final = AT + LONGEST + FAR_TOO_LONG


def begin(*, sid: str | None = SID) -> Call:
    begun = begin_call(let_wait(ChannelFactory(lines=1)).pk, at=AT)
    assert isinstance(begun, Begun)
    Call.objects.filter(pk=begun.call_id).update(
        state="queued", dial="placed" if sid else "unknown", dialed_at=AT, carrier_sid=sid
    )
    return Call.objects.get(pk=begun.call_id)


def free(call: Call, *, at: datetime = LATE) -> int:
    stop_by_hand(call.account_id, at=at, actor="olga", reason="closed")
    return free_calls(call.account_id, at=at, actor="olga", reason="the carrier closed it")


def test_call_frees_line_lead_and_phone() -> None:
    call = begin()

    assert free(call) == 1

    call.refresh_from_db()
    assert (call.state, call.outcome, call.ended_by, call.ended_at) == ("ended", "failed", "hand", LATE)
    waiting = Verification.objects.get()
    assert (waiting.state, waiting.reason, waiting.tries) == ("waiting", "failed", 1)
    assert Lead.objects.get(pk=call.lead_id).status == "gated"
    assert ("freed", {}) in events_of(waiting)
    entry = AuditEntry.objects.get(action="freed")
    assert (entry.actor, entry.reason) == ("olga", "the carrier closed it")


def test_carrier_is_asked_to_end_it_once_it_is_back() -> None:
    call = begin()
    free(call)
    assert list(CallNotice.objects.values_list("call_id", "carrier_sid", "result")) == [
        (call.pk, SID, "hang_up")
    ]


def test_call_without_an_id_is_hung_up_once_it_is_reported() -> None:
    call = begin(sid=None)
    free(call)
    assert not CallNotice.objects.exists()
    store(Notice("status", SID, "in-progress", 1), call_id=call.pk)

    apply_new(limit=10)

    assert CallNotice.objects.get().result == "hang_up"
    call.refresh_from_db()
    assert (call.outcome, call.carrier_sid) == ("failed", SID)


def test_call_that_may_go_on_is_kept() -> None:
    call = begin()
    with pytest.raises(FreeRefused, match="no call of it has lasted far too long"):
        free(call, at=LATE - timedelta(seconds=1))
    call.refresh_from_db()
    assert call.ended_at is None
    assert not AuditEntry.objects.filter(action="freed").exists()


def test_account_that_is_not_stopped_keeps_its_calls() -> None:
    call = begin()
    with pytest.raises(FreeRefused, match="the account is not stopped"):
        free_calls(call.account_id, at=LATE, actor="olga", reason="x")
    assert list_freeable(call.account_id, at=LATE) == [call.pk]


def test_command_ends_them_with_a_warning() -> None:
    call = begin()
    stop_by_hand(call.account_id, at=AT, actor="olga", reason="closed")
    account = CarrierAccount.objects.get()
    out = StringIO()
    with pytest.raises(CommandError, match="Give a reason"):
        call_command("free_calls", str(account.public_id), reason=" ")

    call_command("free_calls", str(account.public_id), reason="closed for good", stdout=out)

    assert out.getvalue().startswith("1 call ended. A call that the carrier has not ended may still be live")
    call.refresh_from_db()
    assert call.ended_by == "hand"
    with pytest.raises(CommandError, match="no call of it has lasted far too long"):
        call_command("free_calls", str(account.public_id), reason="again")
