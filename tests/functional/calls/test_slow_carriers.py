"""A carrier account that answers slowly: it takes half of the threads that ask carriers, and others are asked."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from distribution.calls.carrier import CallSeen
from distribution.calls.dialer import CHECKERS, FINISHERS
from distribution.models import Call, CallNotice, CarrierAccount, Channel
from tests.support.dialer_here import dialing_here
from tests.support.factories import CallFactory, ChannelFactory
from tests.support.waiting import LONGEST_SECONDS, wait_until

pytestmark = pytest.mark.usefixtures("committed_db")

OVER = {"state": "ended", "outcome": "no_input", "next_check_at": None}


class Carriers:
    """The slow account answers when the test says so."""

    def __init__(self, slow: CarrierAccount) -> None:
        self.slow_id = slow.pk
        self.answer = threading.Event()
        self.asked: Counter[int] = Counter()
        self._lock = threading.Lock()

    def of(self, account: CarrierAccount) -> Any:
        return Asked(self, account.pk)

    def ask(self, account_id: int) -> None:
        with self._lock:
            self.asked[account_id] += 1
        if account_id == self.slow_id:
            self.answer.wait(LONGEST_SECONDS)


class Asked:
    def __init__(self, carriers: Carriers, account_id: int) -> None:
        self._carriers, self._account_id = carriers, account_id

    def read(self, sid: str) -> CallSeen:
        self._carriers.ask(self._account_id)
        return CallSeen(sid=sid, status="ringing", to="", from_number="")

    def end(self, sid: str, _: object) -> CallSeen:
        return self.read(sid)


def make_call(channel: Channel, number: int, **changes: Any) -> Call:
    values = {"state": "queued", "carrier_sid": f"CA{number:032d}", "dialed_at": timezone.now(), **changes}
    call = CallFactory(channel=channel, verification__lead__phone=f"+140455501{number:02d}", **values)
    return Call.objects.get(pk=call.pk)


def let_check(channel: Channel, number: int) -> None:
    make_call(channel, number, next_check_at=timezone.now())


def let_end_second_call(channel: Channel, number: int) -> None:
    call = make_call(channel, number, ended_at=timezone.now(), **OVER)
    CallNotice.objects.create(call=call, kind="status", carrier_sid=f"CB{number:032d}", result="hang_up")


def let_read_cost(channel: Channel, number: int) -> None:
    now = timezone.now()
    make_call(channel, number, ended_at=now, cost_due_at=now, **OVER)


@pytest.mark.parametrize(
    ("make_due", "most"),
    [
        (let_check, CHECKERS // 2),
        (let_end_second_call, FINISHERS // 2),
        (let_read_cost, FINISHERS // 2),
    ],
)
def test_slow_account_holds_up_no_other(settings: Any, tmp_path: Path, *, make_due: Any, most: int) -> None:
    slow, quick = ChannelFactory(lines=50), ChannelFactory(lines=50)
    carriers = Carriers(slow.account)
    for number in range(10):
        make_due(slow, number)
    make_due(quick, 10)

    with dialing_here(settings, tmp_path, carrier_of=carriers.of):
        try:
            wait_until(
                lambda: carriers.asked[quick.account_id] > 0 and carriers.asked[slow.account_id] >= most,
                what="questions of both accounts",
            )
            asked = carriers.asked[slow.account_id]
        finally:
            carriers.answer.set()
        wait_until(lambda: carriers.asked[slow.account_id] >= 10, what="all questions")

    assert asked == most
