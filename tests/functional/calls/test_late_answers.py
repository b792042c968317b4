"""Answers of the carrier that come after its reports, after the end of the call, or after it was given up."""

from datetime import timedelta
from typing import Any

from distribution.calls.applying import apply_new
from distribution.calls.begin import Begun, begin_call
from distribution.calls.dialing import dial, place, record, start_request
from distribution.calls.locks import count_lines
from distribution.models import Call, CallNotice, Verification
from routing.models import Lead
from tests.support.calling import Office
from tests.support.waiting import wait_until
from tests.support.waiting_leads import AT, events_of, let_wait

SECOND = timedelta(seconds=1)


def begin(office: Office, digits: str, **changes: Any) -> tuple[Verification, Begun]:
    waiting = let_wait(office.channel, phone=f"+140455501{digits}", **changes)
    begun = begin_call(waiting.pk, at=AT)
    assert isinstance(begun, Begun)
    return waiting, begun


def test_early_reports_win_over_a_late_answer(office: Office) -> None:
    """The call is confirmed and over before its 201 arrives."""
    office.carrier.configure(late_ms=1_500, second_ms=10, ring_ms=5, setup_ms=5)
    waiting, begun = begin(office, "18")
    dialed_at = start_request(begun)
    assert dialed_at is not None

    dialed = place(begun, carrier=office.get_carrier(begun.account))
    call = office.finish(Call.objects.get(pk=begun.call_id))
    assert (call.outcome, call.state) == ("confirmed", "ended")
    before = Call.objects.values().get()
    record(begun, dialed, dialed_at=dialed_at)

    assert Call.objects.values().get() == {**before, "dial": "placed"}
    waiting.refresh_from_db()
    assert (waiting.state, Lead.objects.get().status) == ("verified", "pending")


def test_report_that_came_first_settles_an_unknown_dial(office: Office) -> None:
    """The answer was a 500, and the carrier reports the call: it was placed."""
    _waiting, begun = begin(office, "17")
    dialed_at = start_request(begun)
    assert dialed_at is not None
    dialed = place(begun, carrier=office.get_carrier(begun.account))
    wait_until(lambda: CallNotice.objects.exists(), what="a report")
    apply_new(limit=1)

    record(begun, dialed, dialed_at=dialed_at)

    call = Call.objects.get()
    assert (call.dial, call.dial_code) == ("placed", "20500")
    assert call.carrier_sid == office.carrier.calls()[0]["sid"]


def test_call_that_was_ended_before_its_request_is_not_placed(office: Office) -> None:
    waiting, begun = begin(office, "01")
    assert office.check(after=timedelta(minutes=2)) == 1

    assert dial(begun, carrier_of=office.get_carrier) is None

    assert office.carrier.requests() == []
    waiting.refresh_from_db()
    assert (waiting.state, waiting.tries, count_lines(office.channel.pk)) == ("waiting", 0, 0)


def test_call_whose_lead_has_moved_on_is_not_placed(office: Office) -> None:
    _waiting, begun = begin(office, "01")
    Lead.objects.update(status="cancelled", finished_at=AT, locked_by="", locked_at=None)
    office.check()

    assert dial(begun, carrier_of=office.get_carrier) is None

    assert office.carrier.requests() == []


def test_answer_for_a_call_that_was_given_up_is_hung_up(office: Office) -> None:
    """The request hung for so long that the carrier was asked and did not have the call."""
    office.carrier.configure(lose=1)
    _waiting, begun = begin(office, "27")
    dialed_at = start_request(begun)
    assert dialed_at is not None
    office.check(after=timedelta(hours=1))
    assert Call.objects.get().outcome == "not_placed"

    dialed = place(begun, carrier=office.get_carrier(begun.account))
    record(begun, dialed, dialed_at=dialed_at)
    office.check()

    office.wait_until_over()
    [call] = office.carrier.calls()
    assert (call["sid"], call["ended_by"]) == (dialed.sid, "api")
    assert Call.objects.get().outcome == "not_placed"


def test_second_id_for_one_request_is_hung_up(office: Office) -> None:
    office.carrier.configure(lose=1)
    waiting, begun = begin(office, "27")
    dialed_at = start_request(begun)
    assert dialed_at is not None
    dialed = place(begun, carrier=office.get_carrier(begun.account))
    Call.objects.update(carrier_sid="CA" + "0" * 32, state="ringing")

    record(begun, dialed, dialed_at=dialed_at)
    office.check()

    office.wait_until_over()
    call = Call.objects.get()
    assert (call.carrier_sid, call.state, call.dial) == ("CA" + "0" * 32, "ringing", "")
    assert ("second_call", {}) in events_of(waiting)
