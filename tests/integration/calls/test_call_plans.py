"""Statements about calls that are out, on many calls that have ended: those are not read."""

from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.utils import timezone

from distribution.calls.applying import SEARCHED, TAKE
from distribution.calls.checking import FIND_DUE
from distribution.calls.costs import FIND_COST
from distribution.calls.hanging_up import FIND_LEFT_BEHIND
from distribution.calls.inbox import store
from distribution.calls.notices import Notice
from distribution.calls.second_calls import FIND_DUE as FIND_SECOND
from distribution.models import Call, CallEvent, CallNotice
from tests.support.factories import CallFactory
from tests.support.plans import read_by_table
from tests.support.planting import plant

ROWS: Final = 20_000
SID: Final = "CA" + "a" * 32
CALLS: Final = """
INSERT INTO distribution_call (
    public_id, kind, workspace_id, account_id, channel_id, lead_id, verification_id, from_number, number, state,
    outcome, carrier_sid, ended_at
)
SELECT gen_random_uuid(), kind, workspace_id, account_id, channel_id, lead_id, verification_id, from_number, 1, 'ended',
    'busy', 'CA' || n, now()
FROM distribution_call CROSS JOIN generate_series(1, %(rows)s) n
"""
NOTICES: Final = """
INSERT INTO distribution_callnotice (call_id, kind, carrier_sid, status, sequence, applied_at, result)
SELECT id, 'status', carrier_sid, 'busy', 3, now(), 'applied' FROM distribution_call WHERE ended_at IS NOT NULL
"""


TAKING: Final = {"busy": "{}", "searched": SEARCHED, "lock": 1}
WAITING: Final = """
INSERT INTO distribution_callnotice (call_id, kind, carrier_sid, status, sequence, result, received_at)
SELECT c.id, 'status', c.carrier_sid, 'ringing', 1, r.result, now()
FROM distribution_call c CROSS JOIN (VALUES (''), ('hang_up')) r (result) WHERE c.ended_at IS NOT NULL
ON CONFLICT DO NOTHING
"""
OF_OPEN: Final = {
    *("callnotice_new", "callnotice_new_of_call", "callnotice_hang_up"),
    *("call_checked", "call_lines", "call_one_open_of_lead", "call_cost_due"),
}


@pytest.fixture
def call(committed_db: None) -> Call:  # noqa: ARG001
    call = Call.objects.get(pk=CallFactory().pk)
    plant(CALLS, {"rows": ROWS})
    plant(NOTICES)
    store(Notice("status", SID, "ringing", 1), call_id=call.pk)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_call, distribution_callnotice, routing_lead")
    return call


@pytest.mark.parametrize(
    ("sql", "parameters", "table"),
    [
        (TAKE, TAKING, "distribution_callnotice"),
        (FIND_DUE, {"at": timezone.now() + timedelta(days=1), "without": []}, "distribution_call"),
        (FIND_SECOND, {"at": timezone.now() + timedelta(days=1), "without": []}, "distribution_callnotice"),
        (FIND_LEFT_BEHIND, [10], "distribution_call"),
        (FIND_COST, {"at": timezone.now() + timedelta(days=1), "without": []}, "distribution_call"),
    ],
    ids=["new reports", "due calls", "second calls", "calls left behind", "due costs"],
)
def test_only_what_is_open_is_read(call: Call, sql: str, parameters: Any, table: str) -> None:
    assert call.ended_at is None
    indexes, rows = read_by_table(sql, parameters)[table]
    assert indexes <= OF_OPEN
    assert rows <= 2


def test_search_of_an_applier_does_not_grow_with_the_inbox(call: Call) -> None:
    plant(WAITING)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_callnotice")
    assert CallNotice.objects.filter(applied_at__isnull=True).count() > ROWS
    indexes, rows = read_by_table(TAKE, TAKING)["distribution_callnotice"]
    assert (indexes, rows) == ({"callnotice_new", "callnotice_new_of_call"}, 2), call


def test_reads_of_one_call_have_an_index(call: Call) -> None:
    queries = {
        "a new report": CallNotice.objects.filter(call_id=call.pk, applied_at__isnull=True, result=""),
        "callback": Call.objects.filter(public_id=call.public_id),
        "bound": Call.objects.filter(account_id=call.account_id, carrier_sid__in=["CA1", "CA2"]),
        "story": CallEvent.objects.filter(call_id=call.pk, code="second_call"),
    }
    for name, query in queries.items():
        sql, parameters = query.query.sql_with_params()
        for table, (indexes, rows) in read_by_table(sql, parameters).items():
            is_empty = table == "distribution_callevent"
            assert is_empty or ("none" not in indexes and rows <= 3), (name, table, indexes, rows)
