"""A change and an attempt at the same time: the lead is woken though its attempt read what was before."""

from datetime import UTC, datetime

import pytest
from django.db import transaction

from distribution.distribute import distribute_lead
from distribution.models import Enrollment
from distribution.verify import run_verification
from routing import wakeups
from routing.models import Lead, Wakeup
from routing.reconcile import find_reconciler, run_reconciler
from tests.factories import CampaignFactory, LeadFactory, enroll
from tests.functional.verify.world import broken

pytestmark = pytest.mark.usefixtures("committed_db")


def is_due(lead: Lead) -> bool:
    at = Lead.objects.values_list("next_attempt_at", flat=True).get(pk=lead.pk)
    return at is not None and at <= datetime.now(UTC)


def test_lead_that_somebody_works_on_is_woken_by_the_next_run() -> None:
    """The change does not wait for it, and so cannot deadlock with it."""
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
def test_change_that_commits_after_a_younger_one_wakes_what_that_one_woke(
    monkeypatch: pytest.MonkeyPatch,
    is_renumbered: bool,  # noqa: FBT001
) -> None:
    """The attempt after the younger change could not see the older. The control leaves the older one its number."""
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
