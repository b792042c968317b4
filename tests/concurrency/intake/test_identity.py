"""Two copies of one person's lead arrive together: the lock on the identity lets exactly one be sold."""

import threading
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone

import routing.rules.route
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment
from routing.locks import attempts as locks
from routing.locks.attempts import lock_identity, lock_lead
from routing.models import Lead, Source
from tests.support.factories import (
    CampaignFactory,
    LeadFactory,
    RuleFactory,
    SourceFactory,
    WorkspaceFactory,
    enroll,
    person,
)
from tests.support.processes import distribute_in_processes
from tests.support.race_leads import assert_verified, store_snapshot
from tests.support.racing import in_background, open_transaction, race
from tests.support.waiting import count_blocked, wait_until, wait_until_blocked
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")

PAIRS = 200
WORKERS = 4
NO_LOCK = locks.LOCK_IDENTITY.replace("pg_advisory_xact_lock(key)", "key")
assert NO_LOCK != locks.LOCK_IDENTITY


@pytest.fixture
def sources() -> list[Source]:
    """Two partners in one network: each sends its leads to its own agency, and both send to a third."""
    sources, common = [], WorkspaceFactory()
    for _ in range(2):
        campaign = CampaignFactory(price_cents=100)
        enroll(campaign, count=3, credits_cents=1_000_000)
        store_snapshot(campaign)
        source = SourceFactory(workspace__kind="partner")
        RuleFactory(workspace=source.workspace, destination=campaign.workspace)
        RuleFactory(
            workspace=source.workspace,
            destination=common,
            priority=1,
            conditions={"field": "vertical", "op": "eq", "value": "never"},
        )
        sources.append(source)
    return sources


def identities(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same person twice: with the same email and phone, the same email, or the same phone."""
    email, phone = f"person{number}@example.com", f"+1404555{number:04d}"
    both = person(email, phone)
    match number % 3:
        case 0:
            return both, both
        case 1:
            return both, person(email, f"+1404556{number:04d}")
        case _:
            return person(f"another{number}@example.com", phone), both


def pair(sources: list[Source], number: int) -> tuple[Lead, Lead]:
    """The older and the younger copy. The older copy's partner alternates."""
    at = timezone.now() - timedelta(seconds=5)
    ours, theirs = sources if number % 2 else sources[::-1]
    first, second = identities(number)
    return (
        LeadFactory(source=ours, received_at=at, **first),
        LeadFactory(source=theirs, received_at=at + timedelta(milliseconds=1), **second),
    )


class Meeting:
    """The younger copy has searched for others before the older one existed. Now both attempts run.

    The younger continues when the older waits for it or has ended. The lock decides which of the two happens.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._read = routing.rules.route.read_arrival
        self._younger_id = 0
        monkeypatch.setattr(routing.rules.route, "read_arrival", self._read_and_wait)

    def _read_and_wait(self, lead: Any, **where: Any) -> Any:
        arrival = self._read(lead, **where)
        if lead.id == self._younger_id:
            self._has_read.set()
            wait_until(
                lambda: self._older_has_ended.is_set() or count_blocked() > 0,
                what="the older copy to wait or to end",
            )
        return arrival

    def run(self, older: Lead, younger: Lead) -> list[str]:
        """The results of the older and the younger copy."""
        self._younger_id = younger.pk
        self._has_read, self._older_has_ended = threading.Event(), threading.Event()
        Lead.objects.filter(pk=older.pk).delete()  # its intake has not committed yet

        def arrive() -> Any:
            assert self._has_read.wait(60)
            older.save(force_insert=True)
            try:
                return distribute_lead(older.pk)
            finally:
                self._older_has_ended.set()

        outcomes = race([arrive, partial(distribute_lead, younger.pk)])
        return [outcome.result for outcome in outcomes]


def test_one_of_two_simultaneous_copies_is_sold_200_times(
    sources: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time in the harmful order: neither sees the other before it decides, unless it waits."""
    meeting = Meeting(monkeypatch)
    results: Counter[tuple[str, ...]] = Counter()
    for number in range(PAIRS):
        results[tuple(sorted(meeting.run(*pair(sources, number))))] += 1

    assert results == {("duplicate", "success"): PAIRS}
    assert Assignment.objects.count() == PAIRS
    assert set(Attempt.objects.filter(result="duplicate").values_list("first_lead_id", flat=True)) == set(
        Assignment.objects.values_list("lead_id", flat=True)
    )
    assert_verified()


def test_control_without_the_lock_both_copies_are_sold(
    sources: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_IDENTITY", NO_LOCK)
    meeting = Meeting(monkeypatch)
    for number in range(6):
        assert meeting.run(*pair(sources, number)) == ["success", "success"]
    assert Assignment.objects.count() == 12


def test_worker_processes_sell_each_person_once_and_the_oldest_copy(sources: list[Source]) -> None:
    pairs = [pair(sources, number) for number in range(PAIRS)]

    distribute_in_processes(WORKERS, patience="0")

    status = dict(Lead.objects.values_list("pk", "status"))
    assert Counter((status[older.pk], status[younger.pk]) for older, younger in pairs) == {
        ("distributed", "duplicate"): PAIRS
    }
    assert Assignment.objects.count() == PAIRS
    assert_verified()


@pytest.mark.parametrize("is_ordered", [True, False], ids=["ordered", "control"])
def test_leads_that_share_both_in_reverse_do_not_deadlock(
    sources: list[Source],
    monkeypatch: pytest.MonkeyPatch,
    is_ordered: bool,  # noqa: FBT001
) -> None:
    """Locks in random order end in deadlocks. The control locks in the order of the columns."""
    if not is_ordered:
        monkeypatch.setattr(locks, "sorted", list, raising=False)
    low, high = sorted(("one", "other"), key=locks._identity_key)
    straight = LeadFactory(source=sources[0], email_hash=low, phone_hash=high)
    crossed = LeadFactory(source=sources[1], email_hash=high, phone_hash=low)
    holder = LeadFactory(source=sources[0], email_hash=low)

    def wait_for(lead_id: int) -> str:
        try:
            with transaction.atomic():
                lead = lock_lead(lead_id)
                assert lead is not None
                lock_identity(lead)
                return "locked"
        except OperationalError as error:
            return str(getattr(error.__cause__, "sqlstate", None))

    def hold() -> None:
        lead = lock_lead(holder.pk)
        assert lead is not None
        lock_identity(lead)

    with open_transaction(hold) as let_go, in_background(partial(wait_for, straight.pk)) as one:
        wait_until_blocked()
        with in_background(partial(wait_for, crossed.pk)) as other:
            wait_until_blocked(sessions=2)
            let_go()
    results = sorted([one.result(), other.result()])
    assert results == (["locked", "locked"] if is_ordered else ["40P01", "locked"])


def test_copy_that_waits_too_long_is_retried(sources: list[Source]) -> None:
    """The wait is bounded: the attempt ends as a database timeout, and the lead is due again soon."""
    _, younger = pair(sources, 0)

    def hold() -> None:
        lead = lock_lead(LeadFactory(source=sources[0], **identities(0)[0]).pk)
        assert lead is not None
        lock_identity(lead)

    with open_transaction(hold) as let_go:
        outcome = distribute_lead(younger.pk)
        let_go()

    assert (outcome.result, outcome.skip_reason) == ("retry", "database_timeout")
    younger.refresh_from_db()
    assert younger.status == "pending"
    assert_verified()
