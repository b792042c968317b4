"""A call of which its carrier reports without end holds up no other call and fills no table."""

from typing import Final

import pytest
from django.db import connection

from distribution.calls.applying import APPLYING_LOCK, SEARCHED, apply_new
from distribution.calls.inbox import MOST_REPORTS, store
from distribution.calls.notices import Notice
from distribution.models import Call, CallNotice
from tests.support.blocking import holding
from tests.support.factories import CallFactory

SID: Final = "CA" + "a" * 32
OTHER: Final = "CA" + "b" * 32
HOLD: Final = "SELECT pg_advisory_xact_lock(%s, hashint8(%s))"

pytestmark = pytest.mark.usefixtures("committed_db")


def make_call() -> Call:
    return Call.objects.get(pk=CallFactory().pk)


def flood(call: Call, number: int) -> None:
    """More rows than are stored today."""
    CallNotice.objects.bulk_create(
        CallNotice(call=call, kind="status", carrier_sid=SID, status="ringing", sequence=each)
        for each in range(number)
    )


def test_many_reports_of_a_call_that_is_being_applied_do_not_hold_up_another() -> None:
    flooded, other = make_call(), make_call()
    flood(flooded, 3 * SEARCHED)
    store(Notice("status", OTHER, "busy", 0), call_id=other.pk)

    with holding(HOLD, [APPLYING_LOCK, flooded.pk]):
        assert apply_new(limit=10) == 1

    assert Call.objects.get(pk=other.pk).outcome == "busy"
    assert apply_new(limit=10) == 3 * SEARCHED


def test_calls_that_all_are_being_applied_are_left_to_the_others() -> None:
    flooded, other = make_call(), make_call()
    flood(flooded, 3 * SEARCHED)
    store(Notice("status", OTHER, "busy", 0), call_id=other.pk)

    with (
        holding(HOLD, [APPLYING_LOCK, flooded.pk]),
        holding(HOLD, [APPLYING_LOCK, other.pk]),
    ):
        assert apply_new(limit=10) == 0

    assert connection.in_atomic_block is False
    assert not CallNotice.objects.exclude(result="").exists()


def test_reports_of_one_call_have_a_limit() -> None:
    call, other = make_call(), make_call()

    kept = [
        store(Notice("status", SID, "ringing", number), call_id=call.pk) for number in range(MOST_REPORTS + 5)
    ]

    assert kept == [True] * MOST_REPORTS + [False] * 5
    assert store(Notice("status", OTHER, "ringing", 0), call_id=other.pk)
    assert CallNotice.objects.count() == MOST_REPORTS + 1


@pytest.mark.parametrize("key", ["1", "2", "9"])
def test_key_is_kept_whatever_was_reported_before(key: str) -> None:
    call = make_call()
    for number in range(MOST_REPORTS + 1):
        store(Notice("status", SID, "ringing", number), call_id=call.pk)
        store(Notice("keys", f"CA{number:032d}", key="5"), call_id=call.pk)

    assert store(Notice("keys", SID, key=key), call_id=call.pk)
