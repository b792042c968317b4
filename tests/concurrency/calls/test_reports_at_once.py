"""Two processes apply the same reports, or ask about the same call: its lead moves on once."""

from collections import Counter
from datetime import datetime
from typing import Any, Final

import pytest
from django.db import connection
from django.utils import timezone

from distribution.calls import applying
from distribution.calls.applying import InboxPass, apply_new, apply_notices
from distribution.calls.carrier import CallSeen, CarrierClient
from distribution.calls.checking import check_due
from distribution.calls.inbox import store
from distribution.calls.locks import LockedCall
from distribution.calls.notices import Notice
from distribution.models import Call, CallEvent
from routing.leads import claim
from routing.locks import leads_to_end
from routing.models import Lead
from tests.support.blocking import holding
from tests.support.factories import CallFactory
from tests.support.racing import before_its_commit, in_background, race
from tests.support.waiting import wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")
SID: Final = "CA" + "a" * 32


class BusyCarrier(CarrierClient):
    """Everything was busy."""

    def __init__(self) -> None:
        pass

    def read(self, sid: str) -> CallSeen | None:
        return CallSeen(sid, "busy", "", "")

    def find(self, *, to: str, from_number: str, since: datetime) -> list[CallSeen]:
        del since
        return [CallSeen(SID, "busy", to, from_number)]


def begin() -> Call:
    call = Call.objects.get(pk=CallFactory().pk)
    for sequence, status in enumerate(("initiated", "ringing", "busy")):
        store(Notice("status", SID, status, sequence), call_id=call.pk)
    return call


def count_events() -> Counter[str]:
    return Counter(CallEvent.objects.values_list("code", flat=True))


def apply_twice(call: Call) -> None:
    """The second process begins before the first has committed."""
    at = timezone.now()
    with (
        before_its_commit(lambda: apply_notices(call.pk, at=at)) as commit,
        in_background(lambda: apply_new(limit=10)) as second,
    ):
        wait_until_blocked(connection)
        commit()
        second.result()


def test_lead_moves_on_once() -> None:
    apply_twice(begin())
    assert count_events() == {"ringing": 1, "ended": 1, "again": 1}


def test_without_the_locks_it_moves_on_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fence of the claim would refuse the second one, so it is removed as well."""

    def look(call_id: int) -> LockedCall:
        call = Call.objects.get(pk=call_id)
        assert call.lead_id is not None
        return LockedCall(call, leads_to_end.lock_unverified_lead(call.lead_id))

    unlocked = leads_to_end.LOCK_UNVERIFIED.replace("FOR NO KEY UPDATE OF l", "")
    monkeypatch.setattr(leads_to_end, "LOCK_UNVERIFIED", unlocked)
    monkeypatch.setattr(applying, "lock_call", look)
    monkeypatch.setattr(claim, "_owned", lambda lead_id, owner: Lead.objects.filter(pk=lead_id))  # noqa: ARG005
    call = begin()
    Call.objects.update(carrier_sid=SID)  # a second binding would be refused by a constraint
    apply_twice(call)
    assert count_events()["ended"] == 2


def test_reports_and_questions_at_once() -> None:
    calls = [begin() for _ in range(5)]
    Call.objects.update(next_check_at=timezone.now())

    def check() -> Any:
        return check_due(limit=10, get_carrier=lambda _: BusyCarrier())

    race([lambda: apply_new(limit=10), check, check, lambda: apply_new(limit=10)])

    assert {(call.outcome, call.carrier_sid) for call in Call.objects.all()} == {("busy", SID)}
    assert (count_events()["ended"], count_events()["again"]) == (len(calls), len(calls))


def test_two_appliers_take_different_calls() -> None:
    """The first one waits for the lead of its call. The second one does not wait for the first."""
    first, second = begin(), begin()
    woken: list[str] = []
    with (
        holding("SELECT FROM routing_lead WHERE id = %s FOR UPDATE", [first.lead_id]) as holder,
        in_background(lambda: InboxPass(lambda: woken.append("first")).run(limit=1)) as waiting,
    ):
        wait_until_blocked(connection)
        mine = InboxPass(lambda: woken.append("second")).run(limit=10)
        assert (mine.reports, mine.is_left, woken) == (3, True, ["first", "second"])
        assert [call.state for call in Call.objects.order_by("pk")] == ["dialing", "ended"]
        holder.rollback()
        assert waiting.result().reports == 3
    assert Call.objects.get(pk=second.pk).outcome == Call.objects.get(pk=first.pk).outcome == "busy"
    assert InboxPass().run(limit=10).is_left is False
