"""The dialer: what wakes it, what it does without being woken, and how it ends."""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from distribution import metrics
from distribution.calls import dialer as dialer_module
from distribution.calls.applying import APPLYING_LOCK
from distribution.calls.carrier import CarrierClient, Dialed, DialOutcome, PlaceCall, Problem
from distribution.calls.dialer import Dialer, FullPass
from distribution.calls.inbox import store
from distribution.calls.notices import Notice
from distribution.calls.picking import Picked
from distribution.models import (
    CALL_REPORTS_CHANNEL,
    Call,
    CallingHours,
    CarrierAccount,
    Channel,
    Verification,
)
from distribution.models import Dialer as DialerRow
from routing.dispatch.heartbeat import heartbeat_age
from routing.models import DispatchControl, Lead, Workspace
from tests.support.blocking import holding
from tests.support.calling import Office
from tests.support.dialer_here import dialing_here
from tests.support.factories import CallFactory, ChannelFactory
from tests.support.listened import listening
from tests.support.waiting import LONGEST_SECONDS, wait_until
from tests.support.waiting_leads import allow_calls_now, let_wait

# Far less than the pause between two full passes.
SOON_SECONDS = 10.0


@pytest.fixture(autouse=True)
def _hours(office: Office) -> Iterator[None]:  # noqa: ARG001
    """Calls are allowed now."""
    kept = list(CallingHours.objects.filter(state__in=("", "GA", "HI")))
    allow_calls_now()
    yield
    CallingHours.objects.bulk_update(kept, ["opens", "closes", "calls_on_sunday", "calls_on_holidays"])


def let_wait_now(office: Office, digits: str = "27", *, due_at: datetime | None = None) -> Verification:
    """A lead who may be called now. By default the callee does nothing."""
    address, area = allow_calls_now()
    values = {f"lead__{name}": value for name, value in address.items()}
    return let_wait(
        office.channel, phone=f"+1{area}555{digits:0>4}", **values, due_at=due_at or timezone.now()
    )


@contextmanager
def running(office: Office, settings: Any, path: Path, **options: Any) -> Iterator[Dialer]:
    with dialing_here(settings, path, carrier_of=office.get_carrier, **options) as dialer:
        wait_until(lambda: DialerRow.objects.exists(), what="its heartbeat")
        yield dialer


def wait_for_requests(office: Office, count: int) -> None:
    wait_until(
        lambda: len(office.carrier.requests("POST")) >= count,
        what=f"{count} requests at the carrier",
        seconds=SOON_SECONDS,
    )
    assert len(office.carrier.requests("POST")) == count


@pytest.mark.parametrize(("digits", "status"), [("01", "pending"), ("02", "failed")])
def test_lead_is_called_and_moves_on(
    office: Office, settings: Any, tmp_path: Path, digits: str, status: str
) -> None:
    with running(office, settings, tmp_path):
        waiting = let_wait_now(office, digits)
        wait_until(
            lambda: (
                Verification.objects.filter(ended_at__isnull=False).exists()
                and not Call.objects.filter(ended_at__isnull=True).exists()
            ),
            what="the end of the verification and of its call",
            seconds=SOON_SECONDS,
        )

    assert Lead.objects.get(pk=waiting.lead_id).status == status
    assert len(office.carrier.requests("POST")) == 1
    assert DialerRow.objects.count() == 0
    assert heartbeat_age(tmp_path, "dialer") is not None


def test_lead_is_called_when_it_is_due(office: Office, settings: Any, tmp_path: Path) -> None:
    with running(office, settings, tmp_path):
        due_at = timezone.now() + timedelta(seconds=1)
        let_wait_now(office, due_at=due_at)
        wait_for_requests(office, 1)

    call = Call.objects.get()
    assert call.dialed_at is not None
    assert timedelta() <= call.dialed_at - due_at < timedelta(seconds=0.5)


def block(kind: str, office: Office) -> Callable[[], object]:
    """Keep calls from going out. Returns what ends it, as a person would."""
    channel = Channel.objects.filter(pk=office.channel.pk)
    account = CarrierAccount.objects.filter(pk=office.channel.account_id)
    now = timezone.now()
    if kind == "line":
        channel.update(lines=1)
        call = CallFactory(channel=office.channel, account=office.channel.account)
        over = {"state": "ended", "outcome": "busy", "ended_at": now, "next_check_at": None}
        Call.objects.filter(pk=call.pk).update(next_check_at=now + timedelta(hours=1))
        return lambda: Call.objects.filter(pk=call.pk).update(**over)
    if kind == "lines":
        channel.update(lines=1)
        call = CallFactory(channel=office.channel, account=office.channel.account)
        Call.objects.filter(pk=call.pk).update(next_check_at=now + timedelta(hours=1))
        return lambda: channel.update(lines=2)
    if kind == "channel":
        channel.update(is_enabled=False)
        return lambda: channel.update(is_enabled=True)
    if kind == "flag":
        channel.update(flagged_at=now, flag_reason="refused")
        return lambda: channel.update(flagged_at=None, flag_reason="")
    if kind == "account":
        account.update(stopped_at=now, stop_code="queue_full")
        return lambda: account.update(stopped_at=None, stop_code="")
    if kind == "workspace":
        Workspace.objects.update(paused_at=now)
        return lambda: Workspace.objects.update(paused_at=None)
    DispatchControl.objects.update_or_create(pk=1, defaults={"paused_at": now})
    return lambda: DispatchControl.objects.update(paused_at=None)


@pytest.mark.parametrize("kind", ["line", "lines", "channel", "flag", "account", "workspace", "product"])
def test_waiting_lead_is_called_when_what_holds_it_back_ends(
    office: Office, settings: Any, tmp_path: Path, kind: str
) -> None:
    end = block(kind, office)
    waiting = let_wait_now(office)
    with running(office, settings, tmp_path):
        before = Verification.objects.filter(pk=waiting.pk).values().get()
        assert office.carrier.requests("POST") == []
        end()
        wait_for_requests(office, 1)
    assert (before["state"], before["reason"]) == ("waiting", "")


def test_pace_of_the_account_spreads_calls(office: Office, settings: Any, tmp_path: Path) -> None:
    """A busy machine dials later than the pace allows, and never earlier."""
    CarrierAccount.objects.update(calls_per_second=5)
    gap, began_at = timedelta(seconds=0.2), timezone.now()
    for digits in ("27", "127", "227", "327"):
        let_wait_now(office, digits)
    with running(office, settings, tmp_path):
        wait_for_requests(office, 4)

    at = [datetime.fromtimestamp(request["at"], UTC) for request in office.carrier.requests("POST")]
    early = [n for n, each in enumerate(sorted(at)) if each < began_at + n * gap]
    next_dial_at = CarrierAccount.objects.get().next_dial_at
    assert early == []
    assert next_dial_at is not None
    assert began_at + 4 * gap <= next_dial_at <= max(at) + gap


def test_without_a_listener_it_polls(office: Office, settings: Any, tmp_path: Path) -> None:
    with running(office, settings, tmp_path, is_woken=False):
        let_wait_now(office)
        wait_for_requests(office, 1)


def test_full_pass_counts_and_calls_whom_nothing_woke(
    office: Office, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(dialer_module, "PASS_SECONDS", 1.0)
    missed = metrics.MISSED_WAKES._value.get()
    with running(office, settings, tmp_path, hears=False) as dialer:
        wait_until(lambda: dialer._look_at == math.inf, what="that it sleeps")
        let_wait_now(office)
        wait_for_requests(office, 1)

    assert metrics.MISSED_WAKES._value.get() == missed + 1
    assert "calls.missed_wake" in [record.message for record in caplog.records]


def test_due_time_without_a_notification_is_reread(
    office: Office, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another dialer moved it on, which notifies no dialer, and ended."""
    monkeypatch.setattr(dialer_module, "PASS_SECONDS", 2.0)
    missed = metrics.MISSED_WAKES._value.get()
    with running(office, settings, tmp_path, hears=False) as dialer:
        wait_until(lambda: dialer._look_at == math.inf, what="that it sleeps")
        due_at = timezone.now() + timedelta(seconds=3)
        let_wait_now(office, due_at=due_at)
        wait_for_requests(office, 1)

    dialed_at = Call.objects.get().dialed_at
    assert dialed_at is not None
    assert timedelta() <= dialed_at - due_at < timedelta(seconds=1)
    assert metrics.MISSED_WAKES._value.get() == missed


class SetWhenItTimesOut(threading.Event):
    """A notification comes between the end of a wait and what follows."""

    def wait(self, timeout: float | None = None) -> bool:
        is_set = super().wait(timeout)
        self.set()
        return is_set


@pytest.mark.usefixtures("committed_db")
def test_notification_at_the_end_of_a_wait_is_not_lost(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VAR_DIR = tmp_path
    stop = threading.Event()
    dialer = Dialer("here", stop=stop, is_woken=True)
    dialer._parts.clear()
    dialer._wake = SetWhenItTimesOut()
    turns: list[bool] = []

    def turn(*, is_woken: bool) -> float:
        turns.append(is_woken)
        if len(turns) == 3:
            stop.set()
        return 0.0

    monkeypatch.setattr(dialer, "_turn_or_pause", turn)
    dialer.run()

    assert turns == [True, True, True]


class SilentCarrier(CarrierClient):
    """It answers when the event is set."""

    def __init__(self, answers: threading.Event, taken: list[str]) -> None:
        self._answers, self._taken = answers, taken

    def place(self, request: PlaceCall) -> Dialed:
        self._taken.append(request.to)
        self._answers.wait(LONGEST_SECONDS)
        return Dialed(DialOutcome.NOT_PLACED, problem=Problem.REFUSED)


def test_silent_carrier_keeps_at_most_half_of_the_threads(
    office: Office, settings: Any, tmp_path: Path
) -> None:
    other = ChannelFactory(lines=5)
    answers, taken = threading.Event(), list[str]()

    def carrier_of(account: CarrierAccount) -> CarrierClient:
        if account.pk == office.channel.account_id:
            return SilentCarrier(answers, taken)
        return SilentCarrier(is_well, called)

    is_well, called = threading.Event(), list[str]()
    is_well.set()
    for number in range(6):
        let_wait_now(office, f"{number}27")
    address, area = allow_calls_now()
    values = {f"lead__{name}": value for name, value in address.items()}
    with dialing_here(settings, tmp_path, carrier_of=carrier_of, threads=4):
        try:
            wait_until(lambda: len(taken) == 2, what="two requests")
            for number in range(3):
                let_wait(other, phone=f"+1{area}55601{number:02}", **values, due_at=timezone.now())
            wait_until(lambda: len(called) == 3, what="the calls of the other account")
            assert len(taken) == 2
        finally:
            answers.set()
        wait_until(lambda: len(taken) == 6, what="the other requests")


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Full passes follow each other closely. How many verifications each found."""
    monkeypatch.setattr(dialer_module, "PASS_SECONDS", 0.1)
    monkeypatch.setattr(dialer_module, "MISSED_AFTER_SECONDS", 0.1)
    found = list[int]()
    look = FullPass.look

    def counted(self: FullPass, picked: Sequence[Picked]) -> Sequence[Picked]:
        found.append(len(picked))
        return look(self, picked)

    monkeypatch.setattr(FullPass, "look", counted)
    return found


def test_full_pass_finds_nobody_who_was_announced_or_waits_for_a_line(
    office: Office, settings: Any, tmp_path: Path, passes: list[int]
) -> None:
    Channel.objects.update(lines=1)
    missed = metrics.MISSED_WAKES._value.get()
    with running(office, settings, tmp_path):
        for digits in ("127", "227", "327"):
            let_wait_now(office, digits)
        wait_for_requests(office, 1)
        before = len(passes)
        wait_until(lambda: len(passes) >= before + 5, what="five passes")
        assert passes[before:] == [0] * len(passes[before:])
    assert metrics.MISSED_WAKES._value.get() == missed


@pytest.mark.usefixtures("passes")
@pytest.mark.parametrize(
    ("is_forgotten", "turns", "missed"),
    [(True, (False, True, False), 0), (False, (False, True, False), 1), (True, (False, False), 1)],
    ids=["news in between", "control: the suspicion is kept", "no news"],
)
def test_news_between_two_passes_clear_the_suspicion(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    *,
    is_forgotten: bool,
    turns: Sequence[bool],
    missed: int,
) -> None:
    """The lead stays due: another process has locked it. `turns`: whether each was woken."""
    settings.LEADSWITCH_BASE_URL = "https://leads.example.com"
    let_wait_now(office)
    dialer = Dialer("one", stop=threading.Event(), is_woken=True, carrier_of=office.get_carrier)
    monkeypatch.setattr(dialer, "_start", lambda _: None)
    if not is_forgotten:
        monkeypatch.setattr(FullPass, "forget", lambda _: None)
    dialer._turn(is_woken=True)
    before = metrics.MISSED_WAKES._value.get()

    for is_woken in turns:
        wait_until(dialer._full_pass.is_due, what="the time of the next pass")
        dialer._turn(is_woken=is_woken)

    assert metrics.MISSED_WAKES._value.get() - before == missed


def test_without_an_address_of_our_own_nobody_is_called(
    office: Office, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LEADSWITCH_BASE_URL = ""
    with running(office, settings, tmp_path) as dialer:
        let_wait_now(office)
        wait_until(lambda: dialer._look_at > 0, what="its first look")
        assert not DialerRow.objects.get().has_address
    assert (office.carrier.requests(), Call.objects.count()) == ([], 0)
    assert [each.message for each in caplog.records].count("calls.no_address") == 1


def test_reports_wake_the_appliers_alone(office: Office) -> None:
    call = Call.objects.get(pk=CallFactory(channel=office.channel).pk)
    with listening() as calls, listening(CALL_REPORTS_CHANNEL) as reports:
        store(Notice("status", "CA" + "a" * 32, "ringing"), call_id=call.pk)
        assert (calls(), reports()) == (0, 1)


def test_report_that_another_process_takes_and_loses_is_applied_soon(
    office: Office, settings: Any, tmp_path: Path
) -> None:
    """It announced nothing when it died. The notification of the report was heard before."""
    call = Call.objects.get(pk=CallFactory(channel=office.channel).pk)
    Call.objects.filter(pk=call.pk).update(next_check_at=timezone.now() + timedelta(hours=1))
    with running(office, settings, tmp_path):
        with holding("SELECT pg_advisory_xact_lock(%s, hashint8(%s))", [APPLYING_LOCK, call.pk]):
            store(Notice("status", "CA" + "a" * 32, "busy"), call_id=call.pk)
            other = Call.objects.get(pk=CallFactory(channel=office.channel).pk)
            store(Notice("status", "CA" + "b" * 32, "busy"), call_id=other.pk)
            wait_until(
                lambda: Call.objects.get(pk=other.pk).ended_at is not None,
                what="the end of the other call",
                seconds=SOON_SECONDS,
            )
            assert Call.objects.get(pk=call.pk).state == "dialing"
        wait_until(
            lambda: Call.objects.get(pk=call.pk).ended_at is not None,
            what="the end of the call",
            seconds=SOON_SECONDS,
        )


def test_it_survives_that_its_sessions_are_cut(office: Office, settings: Any, tmp_path: Path) -> None:
    with running(office, settings, tmp_path):
        let_wait_now(office)
        wait_for_requests(office, 1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        let_wait_now(office, "127")
        wait_until(lambda: len(office.carrier.requests("POST")) == 2, what="the second request")
