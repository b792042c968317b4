"""Fair shares among buyers, with four worker processes that pick up due leads."""

from collections import Counter

import pytest
from django.utils import timezone

from distribution.models import Assignment, Campaign
from tests.support.factories import CampaignFactory, EnrollmentFactory, enroll
from tests.support.interleaving import overtake
from tests.support.processes import distribute_in_processes
from tests.support.race_leads import assert_verified, make_leads, store_snapshot

pytestmark = pytest.mark.usefixtures("committed_db")

LEADS = 1_000
WORKERS = 4


def shares() -> dict[int, int]:
    """The number of leads sold to each enrollment."""
    return Counter(Assignment.objects.values_list("enrollment_id", flat=True))


def distribute_all(campaign: Campaign, *, patience: str = "yes") -> None:
    make_leads(campaign, count=LEADS)
    done = distribute_in_processes(WORKERS, patience=patience)
    assert sum(each["success"] for each in done) == LEADS
    assert min(each["success"] for each in done) > 0  # every worker took part


def test_ten_equal_buyers_get_a_hundred_leads_each_within_two() -> None:
    campaign = CampaignFactory(price_cents=100)
    buyers = enroll(campaign, count=10, credits_cents=10_000_000)
    distribute_all(campaign)
    sold = shares()
    assert len(sold) == len(buyers)
    assert max(abs(count - 100) for count in sold.values()) <= 2, sold
    assert_verified()


@pytest.mark.parametrize("is_confirmed", [True, False], ids=["confirmed", "control"])
def test_turn_is_reread_after_the_lock(monkeypatch: pytest.MonkeyPatch, *, is_confirmed: bool) -> None:
    """Another lead takes the same turn between reading and lock. The control gives one buyer two leads in a row."""
    campaign = CampaignFactory(price_cents=100)
    first = EnrollmentFactory(campaign=campaign, buyer__credits_cents=1_000)
    second = EnrollmentFactory(campaign=campaign, last_assigned_at=timezone.now(), buyer__credits_cents=1_000)
    store_snapshot(campaign)
    slow, quick = make_leads(campaign, count=2)
    outcome = overtake(monkeypatch, slow=slow, quick=quick, is_confirmed=is_confirmed)
    assert outcome.result == "success"
    assert shares() == ({first.pk: 1, second.pk: 1} if is_confirmed else {first.pk: 2})


def weighted_campaign() -> tuple[Campaign, dict[int, int]]:
    """Four buyers with weights 1 to 4, and each one's fair share of 1,000 leads."""
    campaign = CampaignFactory(price_cents=100, mode="weighted")
    expected = {}
    for weight in (1, 2, 3, 4):
        enrollment = EnrollmentFactory(campaign=campaign, weight=weight, buyer__credits_cents=10_000_000)
        expected[enrollment.pk] = weight * LEADS // 10
    return campaign, expected


def largest_error(expected: dict[int, int]) -> float:
    sold = shares()
    return max(abs(sold[each] - count) / count for each, count in expected.items())


def test_weighted_buyers_get_their_shares_within_three_percent() -> None:
    campaign, expected = weighted_campaign()
    distribute_all(campaign)
    assert largest_error(expected) <= 0.03, shares()
    assert_verified()


def test_control_preferring_free_buyers_loses_the_shares() -> None:
    """As many workers as buyers: if none waits, each always finds the one buyer that the others do not hold."""
    campaign, expected = weighted_campaign()
    distribute_all(campaign, patience="no")
    assert largest_error(expected) > 0.2, shares()
