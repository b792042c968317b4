"""The first attempt with a campaign's version delays no other lead, even if it does not commit."""

import threading
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from distribution.attempts import decide_under_lock, distribute
from distribution.attempts.campaigns import CAMPAIGNS, CampaignCache, SnapshotMissing
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome
from distribution.models import Campaign, CampaignSnapshot
from tests.support.assigning import assign_by_hand
from tests.support.factories import CampaignFactory, enroll
from tests.support.interleaving import Stopped
from tests.support.planting import plant
from tests.support.race_leads import assert_verified, make_leads
from tests.support.racing import in_background, race
from tests.support.waiting import LONGEST_SECONDS, count_blocked, wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def campaign() -> Campaign:
    """A campaign with an unused version, and more buyers than a test has leads."""
    campaign: Campaign = CampaignFactory(price_cents=100)
    enroll(campaign, count=4, credits_cents=10_000)
    CAMPAIGNS.clear()
    return campaign


@pytest.fixture
def cache_of_each_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As separate processes would have it."""

    class OfThread(threading.local):
        def __init__(self) -> None:
            self.cache = CampaignCache()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.cache, name)

    ours = OfThread()
    for module in (
        decide_under_lock,
        distribute,
        "distribution.attempts.campaigns",
        "distribution.attempts.assign_by_hand",
        "distribution.attempts.offering",
    ):
        where = f"{module}.CAMPAIGNS" if isinstance(module, str) else f"{module.__name__}.CAMPAIGNS"
        monkeypatch.setattr(where, ours)


@pytest.mark.usefixtures("cache_of_each_thread")
def test_worker_stopped_before_commit_blocks_no_other(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = make_leads(campaign, count=2)
    stopped = Stopped(monkeypatch)

    with in_background(lambda: distribute_lead(one)) as first:
        assert stopped.is_there.wait(LONGEST_SECONDS)
        assert distribute_lead(other).result == "success"
        assert count_blocked() == 0
        stopped.may_go_on.set()

    assert first.result().result == "success"
    assert CampaignSnapshot.objects.count() == 1
    assert_verified()


@pytest.mark.usefixtures("cache_of_each_thread")
def test_control_snapshot_in_the_attempts_transaction_blocks_others(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = make_leads(campaign, count=2)
    monkeypatch.setattr(
        CampaignCache, "has_snapshot", lambda cache, compiled: bool(cache.store_snapshot_within(compiled))
    )
    stopped = Stopped(monkeypatch)

    def distribute_the_other() -> AttemptOutcome:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '30s'")
        return distribute_lead(other)

    with in_background(lambda: distribute_lead(one)), in_background(distribute_the_other) as second:
        assert stopped.is_there.wait(LONGEST_SECONDS)
        wait_until_blocked()
        assert not second.done()
        stopped.may_go_on.set()
    assert second.result().result == "success"


@pytest.mark.usefixtures("cache_of_each_thread")
def test_sale_by_hand_waits_for_no_snapshot(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = make_leads(campaign, count=2)
    stopped = Stopped(monkeypatch)

    with in_background(lambda: distribute_lead(one)):
        assert stopped.is_there.wait(LONGEST_SECONDS)
        with transaction.atomic():
            chosen = campaign.enrollments.select_for_update(skip_locked=True)[0]
        assert assign_by_hand(other, enrollment_id=chosen.pk).buyer_id == chosen.buyer_id
        assert count_blocked() == 0
        stopped.may_go_on.set()
    assert_verified()


@pytest.mark.usefixtures("cache_of_each_thread")
def test_many_first_users_store_the_version_once(campaign: Campaign) -> None:
    leads = make_leads(campaign, count=8)

    outcomes = race([partial(distribute_lead, lead) for lead in leads])

    assert {each.result for each in outcomes} <= {"success", "retry"}
    assert "database_timeout" not in {each.skip_reason for each in outcomes}
    assert CampaignSnapshot.objects.count() == 1
    assert_verified()


def test_snapshot_of_a_failed_attempt_does_no_harm(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    [lead] = make_leads(campaign, count=1)

    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(decide_under_lock, "sell_selected", fail)
        assert distribute_lead(lead).skip_reason == "internal_error"

    assert CampaignSnapshot.objects.count() == 1
    assert_verified()


def test_without_a_snapshot_the_lead_is_not_sold_and_is_retried(campaign: Campaign) -> None:
    """No sale without an explanation: if the snapshot cannot be stored, the attempt fails and holds no locks."""
    [lead] = make_leads(campaign, count=1)
    plant("ALTER TABLE distribution_campaignsnapshot ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    try:
        outcome = distribute_lead(lead)
    finally:
        plant("ALTER TABLE distribution_campaignsnapshot DROP CONSTRAINT full_disk")

    assert (outcome.result, outcome.skip_reason, outcome.is_traced) == ("retry", "internal_error", True)
    assert distribute_lead(lead, at=outcome.next_attempt_at).result == "success"
    assert_verified()


def test_campaign_that_changes_all_the_time_still_sells(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each stored version there is a newer one. The attempt stores the last in its own transaction."""
    [lead] = make_leads(campaign, count=1)
    store_snapshot = CampaignCache.store_snapshot
    prices = iter(range(201, 300))

    def store_and_change(cache: CampaignCache, compiled: Any) -> None:
        store_snapshot(cache, compiled)
        Campaign.objects.update(price_cents=next(prices))

    monkeypatch.setattr(CampaignCache, "store_snapshot", store_and_change)

    outcome = distribute_lead(lead)

    assert (outcome.result, outcome.charged_cents) == ("success", 203)
    assert CampaignSnapshot.objects.count() == 4
    assert_verified()


def test_transaction_without_its_snapshot_is_rolled_back(campaign: Campaign) -> None:
    compiled = CAMPAIGNS.get(campaign.pk, config_version=campaign.config_version)
    with (
        pytest.raises(SnapshotMissing, match=f"of campaign {campaign.pk} has no snapshot"),
        transaction.atomic(),
    ):
        CAMPAIGNS.require_snapshot(compiled)
