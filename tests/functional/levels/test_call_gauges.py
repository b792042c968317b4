"""The gauges of calls, and the command that shows the same."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, Final

import pytest
from django.core.management import call_command

from distribution.calls.liveness import write_dialer_heartbeat
from distribution.models import Call, CallNotice, Channel
from leadswitch.levels.call_limits import HALTED_MINUTES, NO_LINE_MINUTES
from leadswitch.levels.call_reports import report_calls
from leadswitch.levels.calls import NO_ADDRESS, find_call_problems, read_calls
from leadswitch.levels.exporter.collectors.calls import CALLS_ROW
from routing.models import DispatchControl, Workspace
from tests.support.factories import (
    CallFactory,
    CarrierAccountFactory,
    ChannelFactory,
    SourceFactory,
    VerificationFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _address(settings: Any) -> None:
    settings.LEADSWITCH_BASE_URL = "https://leads.example.com"


@pytest.fixture
def dialer() -> None:
    write_dialer_heartbeat("one", at=ago(seconds=1))


def read() -> dict[str, Any]:
    return {series.name.removeprefix("leadswitch_"): value for series, value in CALLS_ROW.read().items()}


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def let_wait(channel: Channel, **changes: Any) -> None:
    VerificationFactory(lead__source__workspace=channel.workspace, **changes)


def add_call(channel: Channel, **changes: Any) -> None:
    CallFactory(channel=channel, **changes)


def test_product_without_channels_has_no_calls() -> None:
    assert read() == {
        "dialers": 0,
        "channels": 0,
        "channels_flagged": 0,
        "channels_over_lines": 0,
        "call_lines": {"used": 0, "free": 0},
        "carrier_accounts_stopped": 0,
        "calls_open": {"created": 0, "dialing": 0, "queued": 0, "ringing": 0, "in_progress": 0},
        "verifications_open": {"waiting": 0, "calling": 0, "person": 0},
        "verifications_due": 0,
        "workspaces_without_line": 0,
        "dials_unknown": 0,
        "call_notices_waiting": 0,
        "verification_oldest_due_age_seconds": 0,
        "verification_oldest_callable_age_seconds": 0,
        "call_overdue_check_age_seconds": 0,
        "dial_oldest_unknown_age_seconds": 0,
        "call_notice_oldest_age_seconds": 0,
    }
    assert list(find_call_problems(read_calls())) == []


@pytest.mark.usefixtures("dialer")
def test_lines_are_those_of_channels_that_can_be_used() -> None:
    one = ChannelFactory(lines=3)
    add_call(one, state="ringing")
    add_call(one, state="ended", outcome="busy", ended_at=ago(seconds=1), next_check_at=None)
    ChannelFactory(lines=7, is_enabled=False)
    ChannelFactory(lines=7, flagged_at=ago(hours=1), flag_reason="spam")
    ChannelFactory(lines=7, flagged_at=ago(hours=1), flag_reason="spam", is_enabled=False)
    stopped = CarrierAccountFactory(stopped_at=ago(hours=1), stop_code="account_refused")
    ChannelFactory(lines=7, account=stopped, workspace=stopped.workspace)
    CarrierAccountFactory(stopped_at=ago(hours=1), stop_code="account_refused", is_enabled=False)

    values = read()

    assert (values["channels"], values["channels_flagged"], values["carrier_accounts_stopped"]) == (1, 1, 1)
    assert values["call_lines"] == {"used": 1, "free": 2}
    assert values["calls_open"]["ringing"] == 1
    assert list(find_call_problems(read_calls())) == [
        "Carrier accounts that are stopped: 1. Find the cause, then start them again.",
        "Channels that are flagged: 1. No call goes out over them.",
    ]


def test_channel_with_more_calls_than_lines_is_counted() -> None:
    channel = ChannelFactory(lines=2)
    add_call(channel)
    add_call(channel)
    assert read()["channels_over_lines"] == 0
    Channel.objects.update(lines=1)
    assert read()["channels_over_lines"] == 1
    assert read()["call_lines"] == {"used": 2, "free": 0}
    assert "Channels with more calls than lines: 1." in find_call_problems(read_calls())


@pytest.mark.usefixtures("dialer")
def test_due_lead_waits_for_a_dialer_if_a_line_is_free_and_for_a_line_otherwise() -> None:
    free, full = ChannelFactory(lines=1), ChannelFactory(lines=1)
    let_wait(free, due_at=ago(minutes=HALTED_MINUTES + 1))
    let_wait(full, due_at=ago(minutes=NO_LINE_MINUTES + 1))
    let_wait(full, due_at=ago(minutes=-1))
    add_call(full)

    values = read()

    assert values["verifications_open"]["waiting"] == 3
    assert values["verifications_due"] == 2
    assert values["verification_oldest_due_age_seconds"] == pytest.approx((NO_LINE_MINUTES + 1) * 60, abs=5)
    assert values["verification_oldest_callable_age_seconds"] == pytest.approx(
        (HALTED_MINUTES + 1) * 60, abs=5
    )
    assert values["workspaces_without_line"] == 1
    assert list(find_call_problems(read_calls())) == [
        f"Leads are due and lines are free, and no call was placed for {HALTED_MINUTES} minutes.",
        f"Workspaces with leads due for {NO_LINE_MINUTES} minutes and no free line: 1.",
    ]


CLOSED: Final = {"hours": {"mon": []}}
OPEN_ALWAYS: Final = {"hours": {}}


@pytest.mark.usefixtures("dialer")
@pytest.mark.parametrize(
    ("channels", "is_callable", "is_without_line"),
    [
        ([CLOSED], False, False),
        ([CLOSED, OPEN_ALWAYS], True, False),
        ([CLOSED, {**OPEN_ALWAYS, "lines": 1}], False, True),
        ([{**CLOSED, "timezone": "Nowhere/Else"}], False, True),
    ],
    ids=["closed", "one is open", "the open one is full", "hours that cannot be read"],
)
def test_line_counts_as_free_within_the_hours_of_its_channel(
    channels: list[dict[str, Any]], *, is_callable: bool, is_without_line: bool
) -> None:
    account = CarrierAccountFactory()
    for each in channels:
        channel = ChannelFactory(account=account, workspace=account.workspace, **{"lines": 5, **each})
        if channel.lines == 1:
            add_call(channel)
    let_wait(channel, due_at=ago(hours=2))

    values = read()

    assert values["verification_oldest_due_age_seconds"] == pytest.approx(7200, abs=5)
    assert (values["verification_oldest_callable_age_seconds"] > 0) is is_callable
    assert values["workspaces_without_line"] == is_without_line
    assert any("no call was placed" in each for each in find_call_problems(read_calls())) is is_callable


def test_dialers_without_an_address_are_a_problem_once_a_lead_is_due() -> None:
    """What counts is their environment, and not that of the command."""
    write_dialer_heartbeat("one", at=ago(seconds=1), has_address=False)
    channel = ChannelFactory()
    assert list(find_call_problems(read_calls())) == []

    let_wait(channel, due_at=ago(minutes=HALTED_MINUTES + 1))

    assert list(find_call_problems(read_calls())) == [NO_ADDRESS]
    write_dialer_heartbeat("two", at=ago(seconds=1))
    assert NO_ADDRESS not in list(find_call_problems(read_calls()))


@pytest.mark.usefixtures("dialer")
def test_dialer_that_places_calls_is_not_halted() -> None:
    channel = ChannelFactory(lines=1, last_dialed_at=ago(seconds=30))
    let_wait(channel, due_at=ago(hours=1))

    assert read()["last_dial_age_seconds"] == pytest.approx(30, abs=5)
    assert list(find_call_problems(read_calls())) == []


def test_paused_workspace_is_left_out_and_waits_since_its_pause() -> None:
    channel = ChannelFactory()
    let_wait(channel, due_at=ago(hours=3))
    workspace = Workspace.objects.get(pk=channel.workspace_id)
    workspace.paused_at = ago(hours=1)
    workspace.save(update_fields=["paused_at"])
    assert read()["verification_oldest_due_age_seconds"] == 0
    workspace.paused_at = None
    workspace.save(update_fields=["paused_at"])
    assert read()["verification_oldest_due_age_seconds"] < 5
    DispatchControl.objects.update_or_create(id=1, defaults={"paused_at": ago(hours=1)})
    assert read()["verification_oldest_due_age_seconds"] == 0


@pytest.mark.usefixtures("dialer")
def test_unknown_dial_overdue_check_and_notice_have_ages() -> None:
    channel = ChannelFactory(lines=5)
    add_call(
        channel, state="dialing", dial="unknown", dialed_at=ago(minutes=20), next_check_at=ago(minutes=12)
    )
    add_call(
        channel, state="dialing", dial="unknown", dialed_at=ago(minutes=2), next_check_at=ago(minutes=-1)
    )
    CallNotice.objects.create(
        call=Call.objects.earliest("pk"), kind="status", carrier_sid="CA1", received_at=ago(minutes=3)
    )
    CallNotice.objects.create(
        call=Call.objects.earliest("pk"),
        kind="status",
        carrier_sid="CA2",
        applied_at=ago(minutes=1),
        result="applied",
    )
    CallNotice.objects.update(received_at=ago(minutes=3))

    values = read()

    assert (values["dials_unknown"], values["call_notices_waiting"]) == (2, 1)
    assert values["dial_oldest_unknown_age_seconds"] == pytest.approx(1200, abs=5)
    assert values["call_overdue_check_age_seconds"] == pytest.approx(720, abs=5)
    assert values["call_notice_oldest_age_seconds"] == pytest.approx(180, abs=5)
    assert len(list(find_call_problems(read_calls()))) == 3


def test_command_fails_if_there_is_a_problem() -> None:
    ChannelFactory(flagged_at=ago(hours=1), flag_reason="spam")
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("calls", stdout=out)
    assert ended.value.code == 1
    assert "Problem: Channels that are flagged: 1." in out.getvalue()


@pytest.mark.usefixtures("dialer")
def test_command_shows_the_answer_rate_of_each_channel() -> None:
    channel = ChannelFactory(name="Atlanta")
    ended = {"state": "ended", "ended_at": ago(seconds=1), "next_check_at": None}
    for outcome, days in (("confirmed", 0), ("no_answer", 0), ("busy", 0), ("confirmed", 3), ("canceled", 0)):
        add_call(channel, outcome=outcome, dialed_at=ago(days=days, minutes=1), **ended)
    out = StringIO()

    call_command("calls", stdout=out)

    [row] = [line for line in out.getvalue().splitlines() if " Atlanta " in line]
    assert row.split()[2:8] == ["on", str(channel.lines), "0", "3", "33", "100"]
    assert out.getvalue().endswith("No problems found.\n")


@pytest.mark.usefixtures("dialer")
def test_command_says_why_due_leads_are_not_called(settings: Any) -> None:
    settings.LEADSWITCH_BASE_URL = "https://leads.example.com"
    stopped = CarrierAccountFactory(stopped_at=ago(hours=1), stop_code="queue_full")
    ChannelFactory(account=stopped)
    source = SourceFactory(workspace=stopped.workspace)
    for minutes, reason in ((9, ""), (8, "outside_calling_hours"), (-60, "no_answer")):
        VerificationFactory(lead__source=source, due_at=ago(minutes=minutes), reason=reason)

    [report] = [each for each in report_calls(read_calls(), limit=10) if each.title.startswith("Leads that")]

    assert report.columns == ["workspace", "waits_because", "leads", "due", "earliest"]
    slug = stopped.workspace.slug
    assert [row[:4] for row in report.rows] == [
        (slug, "account_stopped", 2, 2),
        (slug, "no_answer", 1, 0),
    ]


def test_dialers_with_a_recent_heartbeat_are_counted() -> None:
    ChannelFactory()
    write_dialer_heartbeat("killed", at=ago(seconds=31))
    assert list(find_call_problems(read_calls())) == [
        "No dialer has sent a heartbeat in the last 30 s. Start one."
    ]
    write_dialer_heartbeat("one", at=ago(seconds=1))
    write_dialer_heartbeat("two", at=ago(seconds=20))
    assert read()["dialers"] == 2
    assert list(find_call_problems(read_calls())) == []
