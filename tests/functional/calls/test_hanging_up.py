"""Calls that are to be hung up are not kept up by what is heard of them, and their ends are written as they were."""

from datetime import timedelta
from typing import Final

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from distribution.calls.applying import apply_new
from distribution.calls.carrier import Dialed, DialOutcome, Problem
from distribution.calls.check_times import next_search
from distribution.calls.checking import check_due
from distribution.calls.dial_outcomes import write_dial_outcome
from distribution.calls.inbox import store
from distribution.calls.lines import NoLine, take_line
from distribution.calls.notices import Notice
from distribution.models import Call, CallEvent, CarrierAccount, Channel
from tests.support.calling import Office, story_of
from tests.support.factories import CarrierAccountFactory, ChannelFactory

SID: Final = "CA" + "e" * 32
LATER: Final = timedelta(minutes=10)


def hang_up(call: Call) -> Call:
    at = timezone.now()
    Call.objects.filter(pk=call.pk).update(hang_up_at=at, next_check_at=at + LATER)
    return Call.objects.get(pk=call.pk)


def test_unknown_call_that_is_to_be_hung_up_is_looked_for_at_once(office: Office) -> None:
    call = hang_up(office.begin("01"))
    at = timezone.now()
    dialed = Dialed(DialOutcome.UNKNOWN, problem=Problem.NO_ANSWER)
    with transaction.atomic():
        write_dial_outcome(call.pk, dialed, dialed_at=at, at=at)
    assert Call.objects.get(pk=call.pk).next_check_at == at


@pytest.mark.parametrize(("is_hung_up", "wait"), [(False, 44), (True, 5)], ids=["goes on", "hung up"])
def test_search_for_a_call_that_may_ring_is_soon(office: Office, wait: int, *, is_hung_up: bool) -> None:
    call = office.begin("01", dial="unknown")
    call = hang_up(call) if is_hung_up else call
    assert call.dialed_at is not None
    at = call.dialed_at + timedelta(seconds=16)
    assert next_search(call, at=at) == at + timedelta(seconds=wait)


def test_report_with_the_id_of_a_call_that_is_to_be_hung_up_ends_it(office: Office) -> None:
    office.carrier.configure(lose=1)
    call = office.begin("27")
    sid = office.request(call).sid
    hang_up(call)
    store(Notice("status", sid, "ringing", 1), call_id=call.pk)

    apply_new(limit=10)
    check_due(limit=10, get_carrier=office.get_carrier)

    office.wait_until_over()
    assert office.carrier.calls()[0]["ended_by"] == "api"


@pytest.mark.parametrize(("is_hung_up", "wait"), [(False, 30), (True, 5)], ids=["goes on", "hung up"])
def test_silent_carrier_is_asked_again_soon_for_an_end(
    office: Office, wait: int, *, is_hung_up: bool
) -> None:
    call = office.begin("01", carrier_sid=SID, state="ringing")
    call = hang_up(call) if is_hung_up else call
    office.carrier.go_away()
    at = timezone.now()
    Call.objects.update(next_check_at=at)

    check_due(limit=1, get_carrier=office.get_carrier, clock=lambda: at)

    assert Call.objects.get(pk=call.pk).next_check_at == at + timedelta(seconds=wait)


def test_call_that_ended_while_no_dialer_ran_did_not_last_too_long(office: Office) -> None:
    office.carrier.configure(lose=1, second_ms=20)
    call = office.begin("05")
    Call.objects.filter(pk=call.pk).update(carrier_sid=office.request(call).sid, dial="placed")
    office.wait_until_over()

    office.check(after=timedelta(hours=1))

    call.refresh_from_db()
    assert (call.outcome, call.ended_by) == ("busy", "poll")
    assert "hung_up" not in story_of(call)
    assert office.carrier.requests("POST")[1:] == []


def test_call_that_was_not_requested_because_its_lead_moved_on_says_so(office: Office) -> None:
    call = hang_up(office.begin("01", state="created", dialed_at=None))
    Call.objects.update(next_check_at=timezone.now())

    check_due(limit=1, get_carrier=office.get_carrier)

    event = CallEvent.objects.get(call_id=call.pk, code="not_placed")
    assert event.data == {"problem": "lead_moved_on"}


def test_call_in_doubt_is_looked_for_under_its_own_number(office: Office) -> None:
    office.carrier.configure(lose=1)
    made = office.begin("27", dial="unknown")
    Call.objects.filter(pk=made.pk).update(from_number="+14045559876")
    call = Call.objects.get(pk=made.pk)
    office.request(call)

    office.check()

    call.refresh_from_db()
    assert call.carrier_sid == office.carrier.calls()[0]["sid"]


@pytest.mark.parametrize("column", ["number", "account"])
def test_channel_keeps_its_number_and_account(office: Office, column: str) -> None:
    other = CarrierAccountFactory(workspace=office.channel.workspace)
    value = {"number": "+14045559876", "account": other}[column]
    with (
        pytest.raises(IntegrityError, match="Disable this channel and add another one"),
        transaction.atomic(),
    ):
        Channel.objects.update(**{column: value})


@pytest.mark.parametrize("change", [{"account_sid": "AC2"}, {"api_url": "https://other.example.com"}])
def test_account_keeps_its_carrier(office: Office, change: dict[str, str]) -> None:
    assert office.channel
    with (
        pytest.raises(IntegrityError, match="Disable this account and add another one"),
        transaction.atomic(),
    ):
        CarrierAccount.objects.update(**change)


def test_account_of_another_workspace_is_refused(office: Office) -> None:
    with pytest.raises(IntegrityError, match="belongs to its workspace"), transaction.atomic():
        ChannelFactory(account=office.channel.account, workspace=CarrierAccountFactory().workspace)


def test_number_that_moves_to_another_account_gets_another_channel(office: Office) -> None:
    other = CarrierAccountFactory(workspace=office.channel.workspace)
    made = ChannelFactory(account=other, number=office.channel.number)
    assert Channel.objects.filter(number=made.number).count() == 2


def test_line_of_another_account_is_not_taken(office: Office) -> None:
    other = CarrierAccountFactory(workspace=office.channel.workspace)
    with pytest.raises(NoLine), transaction.atomic():
        take_line(office.channel.pk, account_id=other.pk, at=timezone.now())
