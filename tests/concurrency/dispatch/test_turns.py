"""An attempt waits for the buyer whose turn it is while another session holds it briefly. A round robin does not."""

from collections.abc import Callable
from functools import partial

import pytest
from django.utils import timezone

from distribution import locks
from distribution.attempts import distribute
from distribution.attempts.decide_under_lock import LockWait
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome
from distribution.models import Assignment, Campaign, Enrollment, Wallet
from tests.support.factories import CampaignFactory, EnrollmentFactory
from tests.support.race_leads import assert_verified, make_leads, store_snapshot
from tests.support.racing import in_background, open_transaction
from tests.support.waiting import wait_until_blocked
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")


def campaign_of(mode: str, *, max_buyers: int = 1) -> tuple[Campaign, Enrollment, Enrollment]:
    """A campaign with a better and a worse buyer: by priority, bid, weight or turn."""
    campaign: Campaign = CampaignFactory(mode=mode, price_cents=100, max_buyers=max_buyers)
    better: Enrollment = EnrollmentFactory(
        campaign=campaign, priority=2, bid_cents=200, weight=3, buyer__credits_cents=10_000
    )
    worse: Enrollment = EnrollmentFactory(
        campaign=campaign, last_assigned_at=timezone.now(), buyer__credits_cents=10_000
    )
    store_snapshot(campaign)
    return campaign, better, worse


def hold(enrollment: Enrollment) -> Callable[[], object]:
    """The lock that a top-up or another lead's sale takes on a buyer."""
    wallets = Wallet.objects.select_for_update(no_key=True)
    return lambda: wallets.get(buyer_id=enrollment.buyer_id)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, a lock that the test releases at once may be held for longer than the product waits."""
    monkeypatch.setattr(locks, "LONGEST_WAIT_MS", 60_000)


def sold_to() -> list[int | None]:
    return list(Assignment.objects.order_by("enrollment_id").values_list("enrollment_id", flat=True))


def distribute_while_held(campaign: Campaign, held: Enrollment) -> AttemptOutcome:
    """Start one attempt while `held` is locked, and release the lock as soon as the attempt waits for it."""
    lead_id = make_leads(campaign, count=1)[0]
    with open_transaction(hold(held)) as let_go, in_background(partial(distribute_lead, lead_id)) as outcome:
        wait_until_blocked()
        let_go()
    return outcome.result()


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("mode", ["priority", "price", "weighted"])
def test_attempt_waits_for_the_better_buyer(mode: str) -> None:
    campaign, better, _ = campaign_of(mode)
    if mode == "weighted":  # after one lead for each, the next two turns belong to the better buyer
        for lead_id in make_leads(campaign, count=2):
            distribute_lead(lead_id)
    sold_before = sold_to()
    outcome = distribute_while_held(campaign, better)
    assert outcome.result == "success"
    assert sorted(sold_to()) == sorted([*sold_before, better.pk])
    assert_verified()


def test_control_without_waiting_the_lead_goes_to_the_worse_buyer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribute, "FIRST_WAIT", LockWait())
    campaign, better, worse = campaign_of("priority")
    lead_id = make_leads(campaign, count=1)[0]
    with open_transaction(hold(better)):
        distribute_lead(lead_id)
    assert sold_to() == [worse.pk]


@pytest.mark.usefixtures("patient")
def test_shared_lead_waits_for_all_its_buyers() -> None:
    campaign, better, worse = campaign_of("round_robin", max_buyers=2)
    assert distribute_while_held(campaign, better).charged_cents == 300
    assert sold_to() == [better.pk, worse.pk]
    assert_verified()


def test_round_robin_skips_a_busy_buyer_at_once() -> None:
    """The skipped buyer counts as having the lead that holds it: its turn is over."""
    campaign, better, worse = campaign_of("round_robin")
    lead_id = make_leads(campaign, count=1)[0]
    with open_transaction(hold(better)):
        assert distribute_lead(lead_id).result == "success"
    assert sold_to() == [worse.pk]
    skipped = LeadDistributionEvent.objects.filter(event="buyer_skipped")
    assert list(skipped.values_list("buyer_id", "skip_reason")) == [(better.buyer_id, "locked")]
    assert_verified()


def test_skipped_buyer_gets_its_leads_later() -> None:
    """Its holder sold it nothing, so it was owed two leads. By the last lead's time alone it would get one of two."""
    campaign, better, worse = campaign_of("round_robin")
    first, second, third, fourth = make_leads(campaign, count=4)
    with open_transaction(hold(better)):
        distribute_lead(first)
        distribute_lead(second)
    assert sold_to() == [worse.pk, worse.pk]
    distribute_lead(third)
    distribute_lead(fourth)
    assert sold_to() == [better.pk, better.pk, worse.pk, worse.pk]
    assert_verified()


def test_buyer_that_stays_busy_does_not_hold_up_the_lead() -> None:
    campaign, better, worse = campaign_of("priority")
    lead_id = make_leads(campaign, count=1)[0]
    with open_transaction(hold(better)):
        assert distribute_lead(lead_id).result == "success"
    assert sold_to() == [worse.pk]
    assert Attempt.objects.count() == 1
    assert_verified()


def test_lead_is_retried_soon_when_all_buyers_stay_busy() -> None:
    campaign, better, worse = campaign_of("priority")
    lead_id = make_leads(campaign, count=1)[0]
    with open_transaction(hold(better)), open_transaction(hold(worse)):
        outcome = distribute_lead(lead_id)
    assert (outcome.result, outcome.skip_reason) == ("retry", "tier_lock_contention")
    assert sold_to() == []
    assert_verified()
