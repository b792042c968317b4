"""Leads, top-ups, returns and edits at once on the same few buyers: they wait for each other, but never in a cycle."""

import threading
from collections.abc import Callable
from functools import partial
from itertools import count
from random import Random

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone

from distribution import locks
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome
from distribution.models import Assignment, AssignmentState, Buyer, Campaign, Enrollment
from distribution.money.wallet import top_up
from tests.support.factories import CampaignFactory, TierFactory, enroll
from tests.support.race_leads import assert_verified, drain, make_leads
from tests.support.racing import in_background, open_transaction, race
from tests.support.returning import return_assignment
from tests.support.waiting import count_deadlocks, wait_until, wait_until_blocked
from tracing.models import LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

LEADS = 120
DISTRIBUTORS = 8
RETURNS = 30


def two_campaigns() -> list[Campaign]:
    """Eight buyers in both, in opposite orders: enrollment ids and wallet ids cross."""
    first = CampaignFactory(max_buyers=3, price_cents=100, mode="weighted")
    buyers = [each.buyer for each in enroll(first, count=8, credits_cents=5_000)]
    second = CampaignFactory(workspace=first.workspace, vertical="solar", max_buyers=3, price_cents=100)
    for buyer in reversed(buyers):
        enroll(second, count=1, buyer=buyer)
    return [first, second]


@pytest.mark.parametrize("order", ["w.id", "e.id"], ids=["by wallet", "control"])
def test_two_campaigns_lock_their_common_buyers_in_one_order(
    monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """The control locks by ascending enrollment: correct within one campaign, a cycle across two."""
    monkeypatch.setattr(locks, "LONGEST_WAIT_MS", 10_000)
    monkeypatch.setattr(locks, "WAIT_FOR_CANDIDATES", locks.WAIT_FOR_CANDIDATES.replace("w.id", order))
    first, second = (
        [each.pk for each in campaign.enrollments.order_by("pk")] for campaign in two_campaigns()
    )
    a, b = first[:2]
    same_buyers = second[-2:]  # enrolled in the opposite order

    def wait_for(enrollment_ids: list[int]) -> str:
        try:
            with transaction.atomic():
                return str(len(locks.wait_for_candidates(enrollment_ids)))
        except OperationalError as error:
            return str(getattr(error.__cause__, "sqlstate", None))

    # Stop one at its first buyer, whose wallet it has locked, let the other begin, then let the first continue.
    hold_a = partial(Enrollment.objects.select_for_update(no_key=True).get, pk=a)
    with open_transaction(hold_a) as let_go, in_background(partial(wait_for, [a, b])) as one:
        wait_until_blocked()
        with in_background(partial(wait_for, same_buyers)) as other:
            wait_until_blocked(sessions=2)
            let_go()
    results = sorted([one.result(), other.result()])
    assert results == (["2", "2"] if order == "w.id" else ["2", "40P01"])


def distribute_in_own_order(lead_ids: list[int], *, seed: int) -> list[AttemptOutcome]:
    """Every distributor tries every lead, each in its own order."""
    return [distribute_lead(lead_id) for lead_id in Random(seed).sample(lead_ids, len(lead_ids))]


def until(is_over: threading.Event, act: Callable[[int], object]) -> int:
    """Act again and again while the leads are distributed. Returns how often."""
    for number in count():
        if is_over.is_set():
            return number
        act(number)
    return 0


def edit_something(number: int, *, campaign: Campaign) -> None:
    """A different row each time: a weight, the price, the pause and resume of a buyer."""
    enrollments = Enrollment.objects.filter(campaign=campaign).order_by("pk")
    enrollment = enrollments[number % 8]
    Enrollment.objects.filter(pk=enrollment.pk).update(weight=number % 5 + 1)
    Campaign.objects.filter(pk=campaign.pk).update(price_cents=100 + number % 3)
    buyer = Buyer.objects.filter(pk=enrollment.buyer_id)
    buyer.update(paused_at=timezone.now())
    buyer.update(paused_at=None)


def enroll_again(number: int, *, campaign: Campaign, buyers: list[int]) -> None:
    """A buyer of the other campaigns joins and leaves a third one: its enrollment waits for edits of the buyer."""
    place = {"campaign": campaign, "buyer_id": buyers[number % len(buyers)]}
    Enrollment.objects.create(**place, tier=campaign.tiers.get())
    Enrollment.objects.filter(**place).delete()


def return_some(*, is_over: threading.Event) -> None:
    """Return assignments as they come in, newest first: their leads and buyers are still in use."""
    for _ in range(RETURNS):
        sold = Assignment.objects.filter(state=AssignmentState.SOLD).order_by("-pk")
        wait_until(lambda sold=sold: sold.exists() or is_over.is_set(), what="a lead that was sold")  # type: ignore[misc]
        assignment = sold.first()
        if assignment is not None:
            return_assignment(assignment.public_id, actor="test", reason="race")


def test_leads_top_ups_returns_and_edits_never_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    # Beyond the server's deadlock_timeout of 1 s: a cycle is ended as a deadlock, not by a lock timeout.
    monkeypatch.setattr(locks, "LONGEST_WAIT_MS", 5_000)
    first, second = two_campaigns()
    lead_ids = [
        *make_leads(first, count=LEADS // 2),
        *make_leads(second, count=LEADS // 2, vertical="solar"),
    ]
    buyers = list(Buyer.objects.order_by("pk").values_list("pk", flat=True))
    third = TierFactory(campaign__workspace=first.workspace, campaign__vertical="hvac").campaign
    deadlocks_before = count_deadlocks()
    is_over = threading.Event()

    def top_up_all(number: int) -> None:
        for buyer_id in buyers:
            top_up(buyer_id, amount_cents=100, key=f"{buyer_id}-{number}", actor="test")

    finished = count(1)

    def distribute(seed: int) -> int:
        try:
            return len(distribute_in_own_order(lead_ids, seed=seed))
        finally:
            if next(finished) == DISTRIBUTORS:
                is_over.set()

    done = race(
        [partial(distribute, seed) for seed in range(DISTRIBUTORS)]
        + [partial(until, is_over, top_up_all)]
        + [partial(until, is_over, partial(edit_something, campaign=each)) for each in (first, second)]
        + [partial(until, is_over, partial(enroll_again, campaign=third, buyers=buyers))]
        + [partial(return_some, is_over=is_over)]  # type: ignore[list-item]
    )
    assert min(each for each in done if each is not None) > 0
    drain()

    assert count_deadlocks() == deadlocks_before
    failures = LeadDistributionEvent.objects.filter(event="failed").exclude(data__cause=None)
    assert set(failures.values_list("skip_reason", "data__cause")) <= {
        (
            "tier_lock_contention",
            "TierLockContention",
        ),  # a deadlock would have an OperationalError as its cause
        ("database_timeout", "OperationalError"),
    }
    assert Assignment.objects.filter(state=AssignmentState.RETURNED).count() > 0
    assert_verified()
