"""When a call must have ended."""

from datetime import UTC, datetime, timedelta

import pytest

from distribution.calls.check_times import lasts_too_long, longest_until
from distribution.models import Call

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def make_call(*, dialed_at: datetime | None = AT, ringing_at: datetime | None = None) -> Call:
    return Call(dialed_at=dialed_at, ringing_at=ringing_at, ring_seconds=28, time_limit_seconds=120)


@pytest.mark.parametrize(
    ("call", "until"),
    [
        (make_call(dialed_at=None), None),
        (make_call(), AT + 208 * SECOND),
        # The carrier kept it in its queue for 100 seconds.
        (make_call(ringing_at=AT + 100 * SECOND), AT + 308 * SECOND),
        # A poll found out late that it had rung.
        (make_call(ringing_at=AT + 208 * SECOND), AT + 208 * SECOND),
    ],
)
def test_it_ends_after_its_ring_its_talk_and_a_margin(call: Call, until: datetime | None) -> None:
    assert longest_until(call) == until
    assert not lasts_too_long(call, at=AT + 207 * SECOND)
    assert lasts_too_long(call, at=AT + 308 * SECOND) == (until is not None)
