"""Dialers as processes: several share the lines, one that is killed leaves nothing behind, and SIGTERM ends it."""

import signal
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from distribution.calls.locks import count_lines
from distribution.models import Call, CallingHours, Channel, Dialer, Verification
from routing.models import Lead
from tests.carrier import Carrier
from tests.support.factories import ChannelFactory
from tests.support.processes import dialer
from tests.support.waiting import LONGEST_SECONDS, wait_until
from tests.support.waiting_leads import allow_calls_now, let_wait

if TYPE_CHECKING:
    from tests.support.calling import Office


@pytest.fixture
def office(carrier: Carrier, committed_db: None, settings: Any) -> Iterator["Office"]:  # noqa: ARG001
    from tests.support.calling import open_office
    from tests.support.served_here import served_here

    kept = list(CallingHours.objects.filter(state__in=("", "GA", "HI")))
    with served_here() as address, open_office(carrier) as office:
        settings.LEADSWITCH_BASE_URL = address
        yield office
        carrier.reset()
    CallingHours.objects.bulk_update(kept, ["opens", "closes", "calls_on_sunday", "calls_on_holidays"])


def let_wait_now(channel: Channel, *numbers: str) -> list[Verification]:
    address, area = allow_calls_now()
    values = {f"lead__{name}": value for name, value in address.items()}
    now = timezone.now()
    return [let_wait(channel, phone=f"+1{area}55{number}", due_at=now, **values) for number in numbers]


def environment(office: "Office", settings: Any, path: Path) -> dict[str, str]:  # noqa: ARG001
    return {"LEADSWITCH_BASE_URL": settings.LEADSWITCH_BASE_URL, "LEADSWITCH_VAR_DIR": str(path)}


def test_two_dialers_never_use_more_lines_than_there_are(
    office: "Office", settings: Any, tmp_path: Path
) -> None:
    """Two processes of eight threads, five numbers of two lines, sixty people of whom six share a phone."""
    office.carrier.configure(second_ms=20, setup_ms=5, ring_ms=20, say_ms=5, key_ms=5, amd_ms=5)
    Channel.objects.update(lines=2)
    ChannelFactory.create_batch(4, account=office.channel.account, lines=2)
    numbers = [f"5{number:02d}01" for number in range(54)] + ["59901"] * 6
    let_wait_now(office.channel, *numbers)
    options = environment(office, settings, tmp_path) | {"LEADSWITCH_DIALER_THREADS": "8"}

    with dialer(tmp_path, **options), dialer(tmp_path, "second", **options):
        wait_until(
            lambda: (
                Lead.objects.filter(verification="call").count() >= 55
                and not Call.objects.filter(ended_at__isnull=True).exists()
            ),
            what="that all are verified, but those of the one phone who wait for their turn",
        )

    record = office.carrier.record()
    assert max(record["most_live"].values()) <= 2
    assert len(record["most_live"]) == 5
    assert record["doubled"] == []
    requests = Counter(dict(each["form"])["StatusCallback"] for each in office.carrier.requests("POST"))
    assert set(requests.values()) == {1}
    assert [count_lines(channel.pk) for channel in Channel.objects.all()] == [0] * 5


@pytest.mark.parametrize("step", ["insert", "begun", "request"])
def test_killed_dialer_leaves_a_lead_that_is_called(
    office: "Office", settings: Any, tmp_path: Path, step: str
) -> None:
    office.carrier.configure(lose=1, second_ms=20)
    [waiting] = let_wait_now(office.channel, "50105")
    command = ("-m", "tests.support.killed_dialing", step)
    with dialer(tmp_path, command=command, **environment(office, settings, tmp_path)) as killed:
        assert killed.process.wait(LONGEST_SECONDS) == -signal.SIGKILL

    calls = list(Call.objects.values_list("state", "dial", "carrier_sid"))
    requests = len(office.carrier.requests("POST"))
    if step == "insert":
        assert (calls, requests) == ([], 0)
    elif step == "begun":
        assert (calls, requests) == ([("created", "", None)], 0)
        office.check(after=timedelta(seconds=61))
        assert Call.objects.get().outcome == "not_placed"
    else:
        assert (calls, requests) == ([("dialing", "", None)], 1)
        office.wait_until_over()
        office.check()
        call = Call.objects.get()
        assert (call.outcome, call.ended_by) == ("busy", "poll")
    waiting.refresh_from_db()
    assert (waiting.state, count_lines(office.channel.pk)) == ("waiting", 0)
    assert Lead.objects.get().status == "gated"
    assert len(office.carrier.requests("POST")) == requests, "nobody is called to find out"


def test_stopped_dialer_records_its_request_first(office: "Office", settings: Any, tmp_path: Path) -> None:
    office.carrier.configure(lose=1, late_ms=1_500)
    with dialer(tmp_path, **environment(office, settings, tmp_path)) as program:
        wait_until(Dialer.objects.exists, what="the heartbeat of the dialer")
        let_wait_now(office.channel, "50118")
        wait_until(lambda: Call.objects.filter(state="dialing").exists(), what="a request")
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(LONGEST_SECONDS) == 0

    call = Call.objects.get()
    assert (call.dial, call.state) == ("placed", "queued")
    assert Dialer.objects.count() == 0
