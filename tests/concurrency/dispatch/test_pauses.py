"""A pause that commits during an attempt stops its sale: the sale itself checks pauses again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from distribution.attempts import assign_by_hand as assign
from distribution.attempts import decide_under_lock
from distribution.attempts import sell as sale
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import NotRun
from distribution.buyers.pause import switch_buyer
from distribution.models import Assignment, Buyer, Campaign, Enrollment, Wallet
from routing.leads.actions import ActionRefused, rerun_lead
from routing.models import Lead, Workspace
from tests.support.assigning import assign_by_hand
from tests.support.factories import (
    CampaignFactory,
    LeadFactory,
    RuleFactory,
    SourceFactory,
    WorkspaceFactory,
    enroll,
    person,
)
from tests.support.interleaving import SECONDS, Stopped
from tests.support.planting import plant
from tests.support.race_leads import assert_verified, store_snapshot
from tests.support.racing import in_background
from tests.support.switches import pause_product, pause_workspace, resume_workspace

pytestmark = pytest.mark.usefixtures("committed_db")

WHO: dict[str, Any] = {"actor": "ann", "reason": "a bad import"}


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(price_cents=100, workspace__slug="sells")
    enroll(campaign, count=1, credits_cents=10_000)
    store_snapshot(campaign)
    return campaign


@pytest.fixture
def lead(campaign: Campaign) -> Lead:
    """A lead on its way from a partner through a hub."""
    source, hub = SourceFactory(workspace__slug="sends"), WorkspaceFactory(slug="hub")
    RuleFactory(workspace=source.workspace, destination=hub)
    RuleFactory(workspace=hub, destination=campaign.workspace)
    lead: Lead = LeadFactory(source=source)
    return lead


def workspace_paused(slug: str) -> Callable[[], object]:
    return lambda: pause_workspace(Workspace.objects.get(slug=slug).pk, at=timezone.now(), **WHO)


# What is paused, and the lead's expected (status, skip reason).
PAUSES: dict[str, tuple[Callable[[], object], tuple[str, str]]] = {
    "product": (lambda: pause_product(at=timezone.now(), **WHO), ("pending", "")),
    "workspace": (workspace_paused("sells"), ("pending", "workspace_paused")),
    "workspace on the way": (workspace_paused("hub"), ("pending", "workspace_paused")),
    "workspace where the lead came in": (workspace_paused("sends"), ("pending", "")),
    "buyer": (
        lambda: switch_buyer(Buyer.objects.get(), to=timezone.now(), **WHO),
        ("failed", "no_eligible_buyers"),
    ),
    "buyer until tomorrow": (
        lambda: Buyer.objects.update(
            paused_at=timezone.now(), paused_until=timezone.now() + timedelta(days=1)
        ),
        ("pending", "no_eligible_buyers"),
    ),
    "campaign": (lambda: Campaign.objects.update(active=False), ("failed", "no_campaign")),
}


def pause_before_the_sale(lead: Lead, pause: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The outcome of an attempt that has decided and has its locks when the pause commits."""
    stopped = Stopped(monkeypatch)
    with in_background(lambda: distribute_lead(lead.pk)) as outcome:
        assert stopped.is_there.wait(SECONDS)
        pause()
        assert not Assignment.objects.exists()
        stopped.may_go_on.set()
    return outcome.result()


@pytest.mark.parametrize("name", PAUSES)
def test_pause_before_the_sale_prevents_it(lead: Lead, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pause, expected = PAUSES[name]

    outcome = pause_before_the_sale(lead, pause, monkeypatch)

    is_left = name in {"product", "workspace where the lead came in"}
    assert outcome.not_run is NotRun.PAUSED if is_left else outcome.result != "success"
    assert not Assignment.objects.exists()
    assert Wallet.objects.get().balance_cents == 10_000
    lead.refresh_from_db()
    assert (lead.status, lead.skip_reason) == expected
    assert_verified()


@pytest.mark.parametrize("name", PAUSES)
def test_control_without_the_second_check_it_is_sold(
    lead: Lead, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert sale.IS_OPEN in sale.SELL
    monkeypatch.setattr(sale, "SELL", sale.SELL.replace(sale.IS_OPEN, f"true OR ({sale.IS_OPEN})"))

    outcome = pause_before_the_sale(lead, PAUSES[name][0], monkeypatch)

    assert outcome.result == "success"
    assert Assignment.objects.count() == 1


def test_enrollment_paused_before_its_lock_gets_no_lead(lead: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt locks the enrollment's row later: the pause commits between the version and that lock."""
    lock_candidates = decide_under_lock.lock_candidates

    def pause_first(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(decide_under_lock, "lock_candidates", lock_candidates)
        with in_background(lambda: Enrollment.objects.update(active=False)):
            pass
        return lock_candidates(*arguments, **named)

    monkeypatch.setattr(decide_under_lock, "lock_candidates", pause_first)

    outcome = distribute_lead(lead.pk)

    assert (outcome.result, outcome.skip_reason) == ("unsold", "no_eligible_buyers")
    assert not Assignment.objects.exists()
    assert_verified()


def test_lead_continues_when_its_workspace_is_resumed(lead: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    pause_before_the_sale(lead, PAUSES["workspace"][0], monkeypatch)
    resume_workspace(Workspace.objects.get(slug="sells").pk, **WHO)

    assert distribute_lead(lead.pk).result == "success"
    assert_verified()


@pytest.mark.parametrize("fields", [{}, person("ann@example.com")], ids=["without-a-person", "of-a-person"])
def test_retried_lead_waits_where_its_path_is_paused(lead: Lead, fields: dict[str, Any]) -> None:
    """It is already in the last workspace, but its path still leads through the hub."""
    Lead.objects.filter(pk=lead.pk).update(**fields)
    Enrollment.objects.update(cap_day=0)
    assert distribute_lead(lead.pk).result == "unsold"
    Enrollment.objects.update(cap_day=None)
    rerun_lead(lead.pk, at=timezone.now())
    workspace_paused("hub")()

    outcome = distribute_lead(lead.pk)

    assert (outcome.result, outcome.skip_reason) == ("deferred", "workspace_paused")
    resume_workspace(Workspace.objects.get(slug="hub").pk, **WHO)
    assert distribute_lead(lead.pk).result == "success"
    assert_verified()


def test_paused_sender_holds_no_enqueued_leads(lead: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    Enrollment.objects.update(cap_day=0)
    assert distribute_lead(lead.pk).result == "unsold"
    Enrollment.objects.update(cap_day=None)
    rerun_lead(lead.pk, at=timezone.now())

    assert pause_before_the_sale(lead, workspace_paused("sends"), monkeypatch).result == "success"


def test_lead_of_a_paused_buyer_goes_to_another_buyer(
    campaign: Campaign, lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    [paused] = Buyer.objects.all()
    [other] = enroll(campaign, count=1, credits_cents=0)
    plant("UPDATE distribution_wallet SET credit_limit_cents = 1000 WHERE buyer_id = %s", [other.buyer_id])
    Campaign.objects.update(mode="priority")
    campaign.enrollments.filter(buyer=paused).update(priority=5)

    outcome = pause_before_the_sale(lead, lambda: switch_buyer(paused, to=timezone.now(), **WHO), monkeypatch)

    assert outcome.result == "success"
    assert Assignment.objects.get().buyer_id == other.buyer_id


@pytest.mark.parametrize("name", ["product", "workspace", "campaign"])
def test_sale_by_hand_is_refused_too(campaign: Campaign, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    [enrollment] = campaign.enrollments.all()
    stopped = Stopped(monkeypatch, module=assign)

    def sell_by_hand() -> str:
        try:
            assign_by_hand(lead.pk, enrollment_id=enrollment.pk)
        except ActionRefused as refusal:
            return str(refusal)
        return ""

    with in_background(sell_by_hand) as refusal:
        assert stopped.is_there.wait(SECONDS)
        PAUSES[name][0]()
        stopped.may_go_on.set()

    assert "was just paused" in refusal.result()
    assert not Assignment.objects.exists()


def test_person_overrides_a_buyers_pause(campaign: Campaign) -> None:
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    Buyer.objects.update(paused_at=timezone.now())
    [enrollment] = campaign.enrollments.all()

    assert assign_by_hand(lead.pk, enrollment_id=enrollment.pk).overridden == ("buyer_paused",)


def test_buyer_paused_and_resumed_all_the_time_costs_a_retry(
    lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt of the run meets another pause. The lead is retried soon, as after any conflict."""
    sell = decide_under_lock.sell_selected

    def pause_first(*arguments: Any, **named: Any) -> Any:
        with in_background(lambda: Buyer.objects.update(paused_at=timezone.now())):
            pass
        try:
            return sell(*arguments, **named)
        finally:
            with in_background(lambda: Buyer.objects.update(paused_at=None)):
                pass

    with monkeypatch.context() as patch:
        patch.setattr(decide_under_lock, "sell_selected", pause_first)
        outcome = distribute_lead(lead.pk)

    assert (outcome.result, outcome.skip_reason) == ("retry", "tier_lock_contention")
    assert not Assignment.objects.exists()
    assert distribute_lead(lead.pk, at=outcome.next_attempt_at).result == "success"
    assert_verified()
