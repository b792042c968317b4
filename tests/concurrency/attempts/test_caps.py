"""Leads that race for the last places under a day cap are counted under the buyer's lock."""

from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction

from distribution.attempts import decide_under_lock
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, Enrollment
from routing.models import Lead
from tests.support.factories import CampaignFactory, EnrollmentFactory, enroll
from tests.support.interleaving import confirm_together, overtake
from tests.support.race_leads import assert_verified, drain, make_leads, store_snapshot
from tests.support.racing import in_background, race
from tests.support.waiting import TooSlow, wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")

NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)  # in New York, where the buyers are
MIDNIGHT = datetime(2026, 3, 4, 5, 0, tzinfo=UTC)


def capped_campaign(*, cap_day: int) -> Campaign:
    campaign: Campaign = CampaignFactory(price_cents=100)
    enroll(campaign, count=1, credits_cents=1_000_000, cap_day=cap_day)
    store_snapshot(campaign)
    return campaign


def make_noon_leads(campaign: Campaign, *, count: int) -> list[int]:
    return make_leads(campaign, count=count, received_at=NOON)


def test_thirty_leads_race_for_five_places() -> None:
    lead_ids = make_noon_leads(capped_campaign(cap_day=5), count=30)
    race([partial(distribute_lead, lead_id, at=NOON) for lead_id in lead_ids])
    drain()
    assert Assignment.objects.count() == 5
    assert Enrollment.objects.get().day_leads == 5
    waiting = Lead.objects.filter(status="pending").values_list("skip_reason", "next_attempt_at")
    assert list(waiting) == [("all_buyers_capped", MIDNIGHT)] * 25
    assert_verified()


def test_control_without_the_lock_two_leads_take_the_last_place(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = capped_campaign(cap_day=1)
    confirm_together(monkeypatch)
    race([partial(distribute_lead, lead_id, at=NOON) for lead_id in make_noon_leads(campaign, count=2)])
    assert Assignment.objects.count() == 2
    assert Enrollment.objects.get().day_leads == 1  # the second count overwrote the first


@pytest.mark.parametrize("is_confirmed", [True, False], ids=["confirmed", "control"])
def test_facts_are_reread_after_the_lock(monkeypatch: pytest.MonkeyPatch, *, is_confirmed: bool) -> None:
    """Another lead takes the last place between this one's reading and its lock.

    The control trusts its first reading: the lock alone does not help.
    """
    campaign = capped_campaign(cap_day=1)
    slow, quick = make_noon_leads(campaign, count=2)
    outcome = overtake(monkeypatch, slow=slow, quick=quick, is_confirmed=is_confirmed, at=NOON)
    assert outcome.skip_reason == ("all_buyers_capped" if is_confirmed else "")
    assert Assignment.objects.count() == (1 if is_confirmed else 2)


def make_again(enrollment: Enrollment, *, is_done: Event) -> None:
    """Delete the enrollment and enroll the buyer again, as a person does."""
    try:
        with transaction.atomic():
            Enrollment.objects.get(pk=enrollment.pk).delete()
            EnrollmentFactory(
                campaign=enrollment.campaign,
                tier=enrollment.tier,
                buyer=enrollment.buyer,
                cap_day=enrollment.cap_day,
            )
    finally:
        is_done.set()


@pytest.mark.parametrize("stage", ["read_live", "lock_candidates", "confirm_live", "sell"])
@pytest.mark.parametrize("sold_before", [0, 1])
def test_reenrollment_during_an_attempt_counts_its_sale(
    monkeypatch: pytest.MonkeyPatch, stage: str, sold_before: int
) -> None:
    """Whether the attempt holds the old row and the deletion waits, or the attempt finds the row gone."""
    campaign = capped_campaign(cap_day=sold_before + 1)
    enrollment = Enrollment.objects.select_related("campaign", "tier", "buyer").get()
    slow, *others = make_noon_leads(campaign, count=4)
    for lead_id in others[:sold_before]:
        assert distribute_lead(lead_id, at=NOON).result == "success"
    real, is_done, started = getattr(decide_under_lock, stage), Event(), Event()

    def interrupted(*positional: Any, **named: Any) -> Any:
        found = None if stage == "sell" else real(*positional, **named)
        if not started.is_set():
            started.set()
            wait_for_the_other(is_done)
        return real(*positional, **named) if stage == "sell" else found

    monkeypatch.setattr(decide_under_lock, stage, interrupted)
    with in_background(partial(distribute_lead, slow, at=NOON)):
        assert started.wait(60)
        make_again(enrollment, is_done=is_done)

    for lead_id in others[sold_before:]:
        distribute_lead(lead_id, at=NOON)
    drain()
    assert Assignment.objects.count() == sold_before + 1
    assert Enrollment.objects.get().day_leads == sold_before + 1
    assert_verified()


def wait_for_the_other(is_done: Event) -> None:
    """Wait until the deletion has committed, or waits for a row of this attempt."""
    while not is_done.is_set():
        try:
            wait_until_blocked(connection, seconds=0.05)
        except TooSlow:
            continue
        return
