"""Many workers start the same lead: the row lock lets one of them run its attempt."""

import threading
from collections import Counter
from functools import partial

import pytest

from distribution.attempts import decide_under_lock
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome, NotRun
from distribution.models import Assignment, LedgerEntry, LedgerKind
from routing.leads import finish
from routing.locks import attempts as locks
from tests.support.factories import CampaignFactory, enroll
from tests.support.race_leads import assert_verified, make_leads, store_snapshot
from tests.support.racing import race
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")

NO_LEAD_LOCK = locks.LOCK_LEAD.replace("FOR NO KEY UPDATE OF l SKIP LOCKED", "")
# The same parameters, but for a lead in any state.
COMPARISON = "AND status IN ('pending', 'offered') AND paused_at IS NULL AND attempts = %s"
assert COMPARISON in finish.CLOSE
NO_COMPARISON = finish.CLOSE.replace(COMPARISON, "AND %s::int IS NOT NULL")


def shared_lead() -> int:
    """A lead that may be sold to 3 of 20 buyers."""
    campaign = CampaignFactory(max_buyers=3, price_cents=1_000)
    enroll(campaign, count=20, credits_cents=100_000)
    store_snapshot(campaign)
    return make_leads(campaign, count=1)[0]


def count_sales() -> tuple[int, int]:
    """The number of assignments and of charges."""
    return Assignment.objects.count(), LedgerEntry.objects.filter(kind=LedgerKind.CHARGE).count()


def test_hundred_workers_sell_one_lead_to_three_buyers() -> None:
    lead_id = shared_lead()
    outcomes = race([partial(distribute_lead, lead_id)] * 100)
    left = Counter(outcome.not_run for outcome in outcomes)
    assert left[None] == 1
    assert left[NotRun.BUSY] + left[NotRun.FINISHED] == 99
    assert count_sales() == (3, 3)
    assert len(set(Assignment.objects.values_list("buyer_id", flat=True))) == 3
    assert Attempt.objects.count() == 1
    assert_verified()


def decide_together(monkeypatch: pytest.MonkeyPatch, lead_id: int) -> list[AttemptOutcome]:
    """Two workers both read how often the lead is sold before either continues."""
    both_have_read = threading.Barrier(2, timeout=60)
    seen = threading.local()
    read_live = decide_under_lock.read_live

    def read_and_wait(**arguments: object) -> object:
        facts = read_live(**arguments)  # type: ignore[arg-type]
        if not hasattr(seen, "first"):
            seen.first = True
            both_have_read.wait()
        return facts

    monkeypatch.setattr(decide_under_lock, "read_live", read_and_wait)
    return race([partial(distribute_lead, lead_id)] * 2)


def test_control_without_the_lock_the_close_of_the_second_attempt_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The comparison in the closing UPDATE is a second protection: the work is done twice, the lead is sold once."""
    lead_id = shared_lead()
    monkeypatch.setattr(locks, "LOCK_LEAD", NO_LEAD_LOCK)
    outcomes = decide_together(monkeypatch, lead_id)
    assert sorted(str(outcome.not_run) for outcome in outcomes) == ["None", "busy"]
    assert count_sales() == (3, 3)
    assert_verified()


def test_control_without_lock_and_comparison_the_lead_is_sold_to_six(monkeypatch: pytest.MonkeyPatch) -> None:
    lead_id = shared_lead()
    monkeypatch.setattr(locks, "LOCK_LEAD", NO_LEAD_LOCK)
    monkeypatch.setattr(finish, "CLOSE", NO_COMPARISON)
    decide_together(monkeypatch, lead_id)
    assert count_sales() == (6, 6)
