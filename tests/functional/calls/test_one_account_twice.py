"""One account of a carrier in two workspaces: neither takes the calls of the other."""

from datetime import timedelta
from typing import Any, Final

import pytest

from distribution.calls.asking import Asked
from distribution.calls.begin import Begun, begin_call
from distribution.calls.carrier import CallSeen
from distribution.calls.concluding import conclude
from distribution.models import Call, CallNotice
from tests.support.factories import CallFactory, ChannelFactory
from tests.support.waiting_leads import AT, let_wait

SECOND: Final = timedelta(seconds=1)
NUMBER: Final = "+14045550000"
PHONE: Final = "+14045550101"
EARLIER: Final = "CA" + "a" * 32
NOW: Final = "CA" + "b" * 32


def make_channel(**changes: Any) -> Any:
    return ChannelFactory(
        number=NUMBER, account__account_sid="AC" + "7" * 32, account__api_url="https://c.example", **changes
    )


@pytest.mark.usefixtures("committed_db")
def test_search_leaves_the_call_of_another_workspace_alone() -> None:
    channel, other = make_channel(), make_channel(account__is_enabled=False)
    CallFactory(
        channel=other,
        verification__lead__phone=PHONE,
        phone_hash=None,
        carrier_sid=EARLIER,
        from_number=NUMBER,
        state="ended",
        outcome="no_input",
        ended_at=AT - 20 * SECOND,
        next_check_at=None,
        dialed_at=AT - 50 * SECOND,
    )
    begun = begin_call(let_wait(channel, phone=PHONE).pk, at=AT)
    assert isinstance(begun, Begun)
    Call.objects.filter(pk=begun.call_id).update(state="dialing", dialed_at=AT, dial="unknown", created_at=AT)
    listed = [
        CallSeen(EARLIER, "completed", to=PHONE, from_number=NUMBER, created_at=AT - 50 * SECOND),
        CallSeen(NOW, "in-progress", to=PHONE, from_number=NUMBER, created_at=AT + SECOND),
    ]

    conclude(begun.call_id, Asked(listed, is_search=True), at=AT + 5 * SECOND)

    call = Call.objects.get(pk=begun.call_id)
    assert (call.carrier_sid, call.ended_at) == (NOW, None)
    assert not CallNotice.objects.filter(result="hang_up").exists(), "the person on the line is cut off"
