"""The gauges of calls with many calls and verifications: those that have ended, and those not due, are not read."""

from typing import Final

import pytest
from django.db import connection

from leadswitch.levels import call_reports, calls
from leadswitch.levels.rows import fetch_rows
from tests.support.factories import CallFactory, ChannelFactory, VerificationFactory
from tests.support.plans import read_by_table
from tests.support.planting import plant

ROWS: Final = 20_000
# Channels that have an equal share of the calls.
SHARES: Final = 4
ENDED_CALLS: Final = """
INSERT INTO distribution_call (
    public_id, kind, workspace_id, account_id, channel_id, from_number, number, state, outcome, created_at, dialed_at,
    ended_at, ended_by
)
SELECT gen_random_uuid(), 'test', workspace_id, account_id, channel_id, from_number, 1, 'ended', 'busy', now(), now(),
    now(), 'webhook'
FROM distribution_call CROSS JOIN generate_series(1, %(rows)s) n
"""
ENDED_VERIFICATIONS: Final = """
INSERT INTO distribution_verification (
    public_id, lead_id, workspace_id, campaign_id, attempt_id, state, opened_at, ended_at
)
SELECT gen_random_uuid(), lead_id, workspace_id, campaign_id, attempt_id, 'verified', now(), now()
FROM distribution_verification CROSS JOIN generate_series(1, %(rows)s) n
"""
APPLIED: Final = """
INSERT INTO distribution_callnotice (call_id, kind, carrier_sid, status, sequence, applied_at, result)
SELECT id, 'status', 'CA1', '', n, now(), 'applied' FROM distribution_call, generate_series(1, %(rows)s) n
WHERE ended_at IS NULL
"""


@pytest.fixture(autouse=True)
def filled(committed_db: None) -> None:  # noqa: ARG001
    channel = ChannelFactory(lines=5)
    CallFactory(channel=channel)
    VerificationFactory(lead__source__workspace=channel.workspace)
    plant(ENDED_CALLS, {"rows": ROWS})
    plant(ENDED_VERIFICATIONS, {"rows": ROWS})
    plant(APPLIED, {"rows": ROWS})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_call, distribution_verification, distribution_callnotice")


@pytest.mark.parametrize(
    ("statement", "table", "most_rows"),
    [
        (calls.COUNT_CHANNELS, "distribution_call", 1),
        (calls.COUNT_CALLS, "distribution_call", 1),
        (calls.READ_OPEN, "distribution_call", 1),
        (calls.FIND_DUE, "distribution_verification", 2),
        (calls.COUNT_VERIFICATIONS, "distribution_verification", 2),
        (calls.READ_NOTICES, "distribution_callnotice", 0),
    ],
)
def test_gauges_read_what_is_open(statement: str, table: str, most_rows: int) -> None:
    parameters = calls.VALUES if "%(" in statement else None
    indexes, rows = read_by_table(statement, parameters)[table]
    assert ("none" in indexes, rows <= most_rows) == (False, True), (indexes, rows)


def test_answer_rates_are_read_for_the_channels_that_are_shown() -> None:
    channels = [ChannelFactory(account__workspace__slug=f"aaa-{n}") for n in range(SHARES)]
    plant(
        "UPDATE distribution_call SET channel_id = (%s::bigint[])[1 + id %% %s] WHERE ended_at IS NOT NULL",
        [[channel.pk for channel in channels], SHARES],
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_call, distribution_channel")
    values = {
        "limit": 1,
        "searched": ROWS,
        "answered": list(call_reports.ANSWERED),
        "rung": list(call_reports.RUNG),
    }
    [row] = fetch_rows(call_reports.CHANNELS, values)
    assert row[:2] == (channels[0].workspace.slug, channels[0].name)
    _, rows = read_by_table(call_reports.CHANNELS, values)["distribution_call"]
    assert rows < 2 * ROWS // SHARES, "the calls of one channel, and lines"
