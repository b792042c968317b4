"""Changes and attempts on several connections, with real commits."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from distribution.attempts.distribute import distribute_lead
from distribution.models import Enrollment
from distribution.verify import run_verification
from routing.dispatch import wakeups
from routing.models import Lead, Wakeup
from routing.reconcile import find_reconciler, run_reconciler
from tests.functional.verify.world import broken
from tests.support.factories import CampaignFactory, LeadFactory, enroll
from tests.support.waking import came, fresh, is_due, world

pytestmark = pytest.mark.usefixtures("committed_db")


def test_locked_lead_is_woken_by_the_next_run() -> None:
    """The change does not wait for the lock, so it cannot deadlock with it."""
    campaign = CampaignFactory()
    [place] = enroll(campaign, count=1, credits_cents=100_000, cap_day=0)
    lead = LeadFactory(source__workspace=campaign.workspace)
    assert distribute_lead(lead.pk).skip_reason == "all_buyers_capped"
    Wakeup.objects.all().delete()
    with transaction.atomic(using="verdict"):
        Lead.objects.using("verdict").select_for_update().get(pk=lead.pk)
        Enrollment.objects.filter(pk=place.pk).update(cap_day=9)
        assert run_reconciler(find_reconciler("wakeups"), fix=True).repaired == 0
    assert not is_due(lead)

    report = run_reconciler(find_reconciler("wakeups"), fix=False)
    assert (report.skipped, is_due(lead)) == (1, False)
    assert run_reconciler(find_reconciler("wakeups"), fix=True).repaired == 1

    assert is_due(lead)
    assert distribute_lead(lead.pk).result == "success"
    assert broken(run_verification()) == {}


@pytest.mark.parametrize("is_renumbered", [True, False], ids=["renumbered", "control"])
def test_change_that_commits_after_a_younger_one_wakes_the_lead_again(
    monkeypatch: pytest.MonkeyPatch,
    is_renumbered: bool,  # noqa: FBT001
) -> None:
    """The attempt after the younger change could not see the older one. The control does not renumber the older."""
    if not is_renumbered:
        monkeypatch.setattr(wakeups, "RENUMBER", "SELECT WHERE %s IS NULL")
    campaign = CampaignFactory()
    [place] = enroll(campaign, count=1, credits_cents=100_000, cap_day=0)
    after_it = CampaignFactory(workspace=campaign.workspace, priority=campaign.priority - 1)
    [elsewhere] = enroll(after_it, count=1, cap_day=0, cap_month=0)
    lead = LeadFactory(source__workspace=campaign.workspace)
    assert distribute_lead(lead.pk).skip_reason == "all_buyers_capped"
    Wakeup.objects.all().delete()
    with transaction.atomic(using="verdict"):
        with transaction.atomic():
            Lead.objects.select_for_update().get(pk=lead.pk)
            Enrollment.objects.using("verdict").filter(pk=place.pk).update(cap_day=9)
        Enrollment.objects.filter(pk=elsewhere.pk).update(cap_month=9)
        assert is_due(lead)
        assert distribute_lead(lead.pk).skip_reason == "all_buyers_capped"
    younger = Wakeup.objects.order_by("-pk")[0]

    repaired = run_reconciler(find_reconciler("wakeups"), fix=True).repaired

    assert (repaired, is_due(lead)) == (int(is_renumbered), is_renumbered)
    woken_by = Wakeup.objects.get(pk=Lead.objects.get().woken_by)
    assert (woken_by.campaign_id == campaign.pk, woken_by.pk > younger.pk) == (is_renumbered, is_renumbered)
    assert run_reconciler(find_reconciler("wakeups"), fix=True).repaired == 0
    if is_renumbered:
        assert distribute_lead(lead.pk).result == "success"


def test_two_changes_of_one_transaction_wake_a_lead_once() -> None:
    campaign = CampaignFactory()
    [place] = enroll(campaign, count=1, credits_cents=100_000, cap_day=0, budget_day_cents=1)
    lead = LeadFactory(source__workspace=campaign.workspace)
    assert distribute_lead(lead.pk).skip_reason == "all_buyers_capped"
    Wakeup.objects.all().delete()
    with transaction.atomic():
        Enrollment.objects.filter(pk=place.pk).update(cap_day=9)
        Enrollment.objects.filter(pk=place.pk).update(cap_day=10)
    assert Wakeup.objects.count() == 2
    assert distribute_lead(lead.pk).skip_reason == "all_buyers_capped"

    assert run_reconciler(find_reconciler("wakeups"), fix=True).repaired == 0

    assert not is_due(lead)


def test_lead_is_woken_six_times_and_then_once_in_ten_minutes() -> None:
    """Each pause and resume causes one attempt, until the wake-ups are spent."""
    place = world(budget_day_cents=1)
    lead = came(place)
    assert distribute_lead(lead.pk).skip_reason == "all_buyers_capped"
    due = []

    for _ in range(6):
        Enrollment.objects.filter(pk=place.pk).update(active=False)
        Enrollment.objects.filter(pk=place.pk).update(active=True)
        due.append(is_due(lead))
        assert distribute_lead(lead.pk).skip_reason == "all_buyers_capped"
    Enrollment.objects.filter(pk=place.pk).update(active=False)
    Enrollment.objects.filter(pk=place.pk).update(active=True)

    assert due == [True] * 6
    waits, stored = fresh(lead), Lead.objects.values().get(pk=lead.pk)
    assert waits.next_attempt_at is not None
    assert waits.wakes_full_at == waits.next_attempt_at + timedelta(hours=1)
    assert timedelta(minutes=9) < waits.next_attempt_at - datetime.now(UTC) <= timedelta(minutes=10)
    assert waits.due_reason == "enrollment_resumed"

    Enrollment.objects.filter(pk=place.pk).update(budget_day_cents=None)

    assert Wakeup.objects.latest("pk").cause == "cap_raised"
    assert Lead.objects.values().get(pk=lead.pk) == stored
    assert run_reconciler(find_reconciler("wakeups"), fix=True).repaired == 0
    Lead.objects.filter(pk=lead.pk).update(next_attempt_at=datetime.now(UTC))
    assert distribute_lead(lead.pk).result == "success"
