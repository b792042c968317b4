"""A lead that kills its process while it has no lease in Redis: it is counted, and parked after too many losses."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import OperationalError, transaction

from distribution.attempts import attempt, distribute
from distribution.attempts.distribute import distribute_next_due
from distribution.attempts.outcome import AttemptOutcome, NotRun
from distribution.attempts.restart import Restart, RestartReason
from distribution.models import Campaign
from routing.leads import crash_marks
from routing.locks.attempts import lock_lead
from routing.models import Begun, Lead
from tests.support.factories import CampaignFactory, enroll
from tests.support.ports import free_port
from tests.support.processes import started
from tests.support.race_leads import assert_verified, make_leads
from tests.support.waiting import wait_until
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

MOST = 3
POISONOUS = "30399"


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(price_cents=100)
    enroll(campaign, count=2, credits_cents=100_000)
    return campaign


@pytest.fixture
def no_redis_url() -> str:
    return f"redis://127.0.0.1:{free_port()}/0"


def run(*arguments: str, directory: Path, **environment: str) -> int | None:
    """Start the process and wait until it has ended, or no lead is due. Returns its code, or None while it lives."""
    with (
        (directory / "log").open("a") as output,
        started(
            *("-m", "tests.support.poisoned", POISONOUS, *arguments),
            output=output,
            LEADSWITCH_MAX_LOST_LEASES=str(MOST),
            **environment,
        ) as process,
    ):
        wait_until(lambda: process.poll() is not None or not is_waiting(), what="an end")
        return process.poll()


def is_waiting() -> bool:
    return Lead.objects.filter(status="pending").exists()


def assert_parked(lead_id: int) -> None:
    lead = Lead.objects.get(pk=lead_id)
    assert (lead.status, lead.skip_reason, lead.next_attempt_at) == ("failed", "worker_lost", None)
    assert Attempt.objects.filter(lead_id=lead_id, result="failed").count() == 1
    assert not Begun.objects.exists()
    assert_verified()


def test_dispatcher_without_redis_parks_a_killer(
    campaign: Campaign, no_redis_url: str, tmp_path: Path
) -> None:
    [poison] = make_leads(campaign, count=1, zip=POISONOUS)
    good = make_leads(campaign, count=5)
    codes = [run("dispatcher", directory=tmp_path, REDIS_URL=no_redis_url) for _ in range(MOST + 1)]
    assert codes == [-signal.SIGKILL] * MOST + [None]
    assert Lead.objects.filter(pk__in=good, status="distributed").count() == len(good)
    assert_parked(poison)


def test_picker_parks_a_killer(campaign: Campaign, tmp_path: Path) -> None:
    [poison] = make_leads(campaign, count=1, zip=POISONOUS)
    good = make_leads(campaign, count=5)
    codes = [run("pick_up", directory=tmp_path) for _ in range(MOST)]
    assert codes == [-signal.SIGKILL] * MOST
    assert run("pick_up", directory=tmp_path, LEADSWITCH_PICKUP_PERIOD_SECONDS="60") in (0, None)
    assert Lead.objects.filter(pk__in=good, status="distributed").count() == len(good)
    assert_parked(poison)


def test_wake_up_that_kills_its_worker_is_counted(campaign: Campaign, tmp_path: Path) -> None:
    [poison] = make_leads(campaign, count=1, zip=POISONOUS)
    assert run("wake", str(poison), directory=tmp_path) == -signal.SIGKILL
    assert run("wake", str(poison), directory=tmp_path) == 0  # it counts the loss instead
    assert Lead.objects.get(pk=poison).lost_leases == 1


def test_control_without_marks_it_kills_forever(campaign: Campaign, tmp_path: Path) -> None:
    """Why the marks exist."""
    [poison] = make_leads(campaign, count=1, zip=POISONOUS)
    codes = [run("unmarked_wake", str(poison), directory=tmp_path) for _ in range(MOST + 1)]
    assert codes == [-signal.SIGKILL] * (MOST + 1)
    lead = Lead.objects.get(pk=poison)
    assert (lead.status, lead.lost_leases) == ("pending", 0)


def test_process_that_outlives_a_failure_is_no_loss(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database went away during the attempt: the lead keeps its due time, and no lost worker is counted."""
    [lead_id] = make_leads(campaign, count=1)

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(distribute, "decide_and_sell", fail)
        patch.setattr(distribute, "write_verdict", fail)
        with pytest.raises(OperationalError):
            distribute_next_due()
    assert not Begun.objects.exists()
    crash_marks._owner.cache_clear()  # another process
    assert distribute_next_due().result == "success"
    assert Lead.objects.get(pk=lead_id).lost_leases == 0


class Gap:
    """Replaces the counter of restarted runs: calls `call` after the rollback, before the next lock."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call

    def inc(self) -> None:
        self._call()


def run_twice_at_once(monkeypatch: pytest.MonkeyPatch) -> list[AttemptOutcome]:
    """Run a due lead. Its attempt restarts, and another process gets the lead before this one locks it again.

    Returns the outcomes of the other process and of this one.
    """
    decide_and_sell = distribute.decide_and_sell
    outcomes: list[AttemptOutcome] = []

    def ask_for_time(*_: object, **__: object) -> Restart:
        return Restart(RestartReason.BUYERS_BUSY)

    def run_in_another_process() -> None:
        monkeypatch.setattr(distribute, "decide_and_sell", decide_and_sell)
        with monkeypatch.context() as patch:
            patch.setattr(crash_marks, "_owner", lambda _: "another")
            outcomes.append(distribute_next_due())

    monkeypatch.setattr(distribute, "decide_and_sell", ask_for_time)
    monkeypatch.setattr(distribute.metrics, "CANDIDATE_WAITS", Gap(run_in_another_process))
    own = distribute_next_due()
    return [*outcomes, own]


def test_process_that_restarts_its_attempt_is_no_loss(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    [lead_id] = make_leads(campaign, count=1)
    other, own = run_twice_at_once(monkeypatch)
    assert (other.result, own.not_run) == ("success", NotRun.BUSY)
    lead = Lead.objects.get(pk=lead_id)
    assert (lead.status, lead.lost_leases) == ("distributed", 0)
    assert not Begun.objects.exists()


def test_control_mark_that_outlives_the_lock_counts_as_a_loss(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why the mark is removed before the rollback."""
    [lead_id] = make_leads(campaign, count=1)
    monkeypatch.setattr(attempt.RunningAttempt, "unmark", lambda _: None)
    other, _ = run_twice_at_once(monkeypatch)
    assert other.not_run is NotRun.LOST_BEFORE
    assert Lead.objects.get(pk=lead_id).lost_leases > 0


def test_process_leaves_the_next_ones_mark(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    [lead_id] = make_leads(campaign, count=1)
    with transaction.atomic():
        lead = lock_lead(lead_id)
        assert lead is not None
        monkeypatch.setattr(crash_marks, "_owner", lambda _: "next")
        crash_marks.begin(lead)
        monkeypatch.setattr(crash_marks, "_owner", lambda _: "former")
        crash_marks.end(lead_id)
    assert list(Begun.objects.values_list("lead_id", "owner")) == [(lead_id, "next")]


def test_mark_of_an_earlier_try_is_no_loss(campaign: Campaign) -> None:
    """The process was killed right after its commit."""
    [lead_id] = make_leads(campaign, count=1)
    lead = Lead.objects.get(pk=lead_id)
    assert lead.next_attempt_at is not None
    Begun.objects.create(
        lead_id=lead_id,
        attempts=lead.attempts + 1,
        due_at=lead.next_attempt_at,
        owner="gone",
        begun_at=lead.received_at,
    )
    assert distribute_next_due().result == "success"
    assert not Begun.objects.exists()
