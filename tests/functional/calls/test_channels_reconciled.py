"""`reconcile channels`: calls that no dialer looks after are asked about, and lines are freed only if they are free."""

from datetime import timedelta
from typing import Any, Final

import pytest
from django.utils import timezone

from distribution.calls.applying import apply_new
from distribution.models import Call, CallNotice, Verification
from distribution.reconcile import channels
from distribution.verify import run_verification
from routing.models import Lead
from routing.reconcile import Counts, find_reconciler, run_reconciler
from tests.functional.verify.world import broken
from tests.support.calling import Office
from tests.support.factories import CallFactory
from tests.support.planting import plant

RUN: Final = find_reconciler("channels")
MINUTE: Final = timedelta(minutes=1)


def overdue(call: Call, *, by: timedelta = 2 * MINUTE) -> None:
    Call.objects.filter(pk=call.pk).update(next_check_at=timezone.now() - by)


def refuse_carrier(_: object) -> Any:
    message = "the carrier must not be asked"
    raise AssertionError(message)


@pytest.mark.usefixtures("committed_db")
def test_calls_that_a_dialer_looks_after_are_left_alone() -> None:
    call = CallFactory()
    overdue(call, by=timedelta(seconds=10))

    assert channels.run(fix=True, limit=100, get_carrier=refuse_carrier) == Counts(checked=1)


@pytest.mark.finds("channels")
def test_call_that_ended_at_the_carrier_frees_its_line(office: Office) -> None:
    call = office.begin("26")  # whose end is never reported
    sid = office.request(call).sid
    Call.objects.filter(pk=call.pk).update(carrier_sid=sid, dial="placed")
    office.wait_until_over()
    apply_new(limit=100)
    overdue(call)
    report = run_reconciler(RUN, fix=False)
    assert (report.checked, report.repaired, report.skipped) == (1, 0, 1)

    counts = channels.run(fix=True, limit=100, get_carrier=office.get_carrier)

    call.refresh_from_db()
    assert (counts.checked, counts.repaired, counts.skipped) == (1, 1, 0)
    assert (call.ended_by, call.carrier_sid) == ("poll", sid)
    assert channels.run(fix=True, limit=100, get_carrier=office.get_carrier) == Counts()
    assert broken(run_verification()) == {}


@pytest.mark.finds("channels")
@pytest.mark.usefixtures("committed_db")
def test_call_whose_dialer_died_before_the_request_frees_its_line() -> None:
    call = CallFactory(state="created", dialed_at=None)
    Call.objects.update(created_at=timezone.now() - 3 * MINUTE)
    overdue(call)

    counts = run_reconciler(RUN, fix=True)

    call.refresh_from_db()
    assert (counts.repaired, call.outcome) == (1, "not_placed")
    assert Lead.objects.get().status == "gated"
    assert Verification.objects.get().state == "waiting"
    assert broken(run_verification()) == {}


@pytest.mark.finds("channels")
@pytest.mark.usefixtures("committed_db")
def test_report_that_no_dialer_applied_is_applied() -> None:
    call = CallFactory(state="ringing", carrier_sid="CA1", dial="placed")
    CallNotice.objects.create(
        call=call, kind="keys", carrier_sid="CA1", key="1", received_at=timezone.now() - MINUTE
    )

    counts = run_reconciler(RUN, fix=True)

    assert (counts.checked, counts.repaired) == (1, 1)
    assert Lead.objects.get().verification == "call"


def test_line_is_kept_and_reported_while_the_carrier_is_away(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    call = office.begin("01", state="ringing", carrier_sid="CA1", dial="placed")
    office.carrier.go_away()
    Call.objects.update(dialed_at=timezone.now() - 60 * MINUTE)
    overdue(call)

    counts = channels.run(fix=True, limit=100, get_carrier=office.get_carrier)

    call.refresh_from_db()
    assert (counts.repaired, counts.skipped, counts.named) == (0, 1, (f"call {call.pk}",))
    assert (call.ended_at, Lead.objects.get().status) == (None, "calling")
    assert [each.message for each in caplog.records if "far_too_long" in each.message] == [
        "calls.lasts_far_too_long"
    ]


@pytest.mark.finds("channels")
def test_call_whose_lead_moved_on_is_hung_up(office: Office) -> None:
    call = office.begin("27")
    office.request(call)
    office.check()
    plant(
        "UPDATE routing_lead SET status = 'cancelled', locked_by = '', locked_at = NULL, finished_at = now()"
    )
    plant("UPDATE distribution_verification SET state = 'closed', due_at = NULL, ended_at = now()")
    overdue(call)
    assert run_reconciler(RUN, fix=False).found == 1

    assert channels.run(fix=True, limit=100, get_carrier=office.get_carrier).repaired == 1

    call.refresh_from_db()
    assert call.hang_up_at is not None
