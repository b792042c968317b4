"""A change that concerns many leads wakes them in batches, each once, without delaying other workspaces."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from distribution.attempts.distribute import distribute_lead
from distribution.models import Enrollment
from leadswitch.env.tuning import DispatchTuning
from routing.dispatch import wakeups
from routing.models import DispatchControl, Lead, Wakeup
from routing.reconcile import find_reconciler, run_reconciler
from tests.support.factories import (
    CampaignFactory,
    LeadFactory,
    SourceFactory,
    enroll,
)
from tests.support.waking import came, is_due, raise_cap, world

pytestmark = pytest.mark.django_db


def waiting_leads(place: Enrollment, count: int) -> None:
    """Leads that failed for a cap, without their attempts."""
    source = SourceFactory(workspace=place.campaign.workspace)
    now = datetime.now(UTC)
    Lead.objects.bulk_create(
        LeadFactory.build(
            source=source,
            workspace=source.workspace,
            source_workspace=source.workspace,
            status="failed",
            skip_reason="all_buyers_capped",
            attempts=1,
            received_at=now - timedelta(minutes=1, milliseconds=count - number),
            finished_at=now,
            next_attempt_at=None,
            expires_at=now + timedelta(days=9),
        )
        for number in range(count)
    )


def spread_of(place: Enrollment, start: int, end: int) -> float:
    """Seconds between the first and the last due time of a part of the leads, oldest first."""
    leads = Lead.objects.filter(workspace_id=place.campaign.workspace_id).order_by("received_at", "id")
    due = [lead.next_attempt_at for lead in leads[start:end] if lead.next_attempt_at is not None]
    assert len(due) == end - start
    return (max(due) - min(due)).total_seconds()


class TestMany:
    @pytest.mark.finds("wakeups")
    def test_large_change_delays_no_other_workspaces_leads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Both have more than a change wakes by itself. A run wakes 40, and the first 20 of each come at once."""
        monkeypatch.setattr(wakeups, "leads_per_run", lambda: 40)
        large, small = world(cap_day=0), world(cap_day=0)
        waiting_leads(large, 700)
        waiting_leads(small, 220)
        for place in (large, small):
            raise_cap(place)

        assert run_reconciler(find_reconciler("wakeups"), fix=True).repaired == 40

        woken = dict(Wakeup.objects.filter(cause="cap_raised").values_list("workspace_id", "woken"))
        assert woken == {large.campaign.workspace_id: 220, small.campaign.workspace_id: 220}

    def test_leads_become_due_one_after_the_other(
        self, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        """200 with the change, and the rest by the reconciler in batches, a thousand per second, oldest first."""
        settings.LEADSWITCH_TUNING = replace(settings.LEADSWITCH_TUNING, wakeup_batch_leads=150)
        batches: list[int] = []
        wake_batch = wakeups.wake_batch

        def count_batch(wakeup_id: int, *, count: int, placed: int) -> int:
            batches.append(count)
            return wake_batch(wakeup_id, count=count, placed=placed)

        monkeypatch.setattr(wakeups, "wake_batch", count_batch)
        monkeypatch.setattr(wakeups, "leads_per_run", lambda: 400)
        place = world(cap_day=0)
        waiting_leads(place, 700)

        raise_cap(place)

        change = Wakeup.objects.get(cause="cap_raised")
        assert (change.matched, change.woken, len(change.lead_ids)) == (700, 200, 200)
        assert Lead.objects.filter(status="pending").count() == 200
        runs = [run_reconciler(find_reconciler("wakeups"), fix=True).repaired for _ in range(3)]
        assert runs == [400, 100, 0]
        assert batches[:3] == [150, 150, 100]
        change.refresh_from_db()
        assert (change.woken, change.lead_ids) == (700, [])
        leads = list(Lead.objects.filter(woken_by=change.pk).order_by("received_at", "id"))
        assert len(leads) == 700
        due = [lead.next_attempt_at for lead in leads if lead.next_attempt_at is not None]
        for start, end in ((0, 200), (200, 600), (600, 700)):
            part = due[start:end]
            spread = (max(part) - min(part)).total_seconds()
            assert (end - start) / 1000 * 0.9 <= spread <= (end - start) / 1000 * 2 + 0.1

    @pytest.mark.parametrize("pace", [20, 100])
    def test_leads_become_due_at_the_set_pace(self, pace: int, settings: Any) -> None:
        """Leads that the change wakes itself, and those of the reconciler within a period."""
        settings.LEADSWITCH_TUNING = replace(settings.LEADSWITCH_TUNING, wakeup_leads_per_second=pace)
        name, _ = settings.LEADSWITCH_RECONCILERS["wakeups"]
        settings.LEADSWITCH_RECONCILERS = {**settings.LEADSWITCH_RECONCILERS, "wakeups": (name, 3)}
        run_reconciler(find_reconciler("wakeups"), fix=True)
        assert DispatchControl.objects.get().wake_leads_per_second == pace
        place = world(cap_day=0)
        waiting_leads(place, 700)

        raise_cap(place)

        assert 0.9 * 199 / pace <= spread_of(place, 0, 200) <= 199 / pace + 1
        repaired = run_reconciler(find_reconciler("wakeups"), fix=True).repaired
        assert repaired == 3 * pace
        assert 0.9 * 3 <= spread_of(place, 200, 200 + repaired) <= 3 + 1

    def test_pace_of_a_new_database_is_the_default_of_the_setting(self) -> None:
        field = DispatchControl._meta.get_field("wake_leads_per_second")
        assert field.db_default == field.default == DispatchTuning({}).wakeups_leads_per_second

    def test_pace_of_zero_is_refused_by_the_database(self) -> None:
        with pytest.raises(IntegrityError, match="dispatchcontrol_wakes_leads"):
            DispatchControl.objects.create(wake_leads_per_second=0)

    def test_lead_is_woken_once_by_a_change(self) -> None:
        place = world(cap_day=0, budget_day_cents=1)
        lead = came(place)
        distribute_lead(lead.pk)
        raise_cap(place)
        assert distribute_lead(lead.pk).skip_reason == "all_buyers_capped"

        assert run_reconciler(find_reconciler("wakeups"), fix=True).repaired == 0

        assert not is_due(lead)

    def test_finished_change_is_closed_and_deleted(self) -> None:
        place = world(cap_day=0)
        raise_cap(place)
        run_reconciler(find_reconciler("wakeups"), fix=True)
        assert Wakeup.objects.filter(done_at__isnull=True, swept_at__isnull=False).exists()
        Wakeup.objects.update(swept_at=datetime.now(UTC) - timedelta(minutes=1))

        run_reconciler(find_reconciler("wakeups"), fix=True)

        assert not Wakeup.objects.filter(done_at__isnull=True).exists()
        Wakeup.objects.update(done_at=datetime.now(UTC) - timedelta(days=8))
        run_reconciler(find_reconciler("wakeups"), fix=True)
        assert not Wakeup.objects.exists()

    def test_many_rows_of_one_statement_are_one_change(self) -> None:
        campaign = CampaignFactory()
        enroll(campaign, count=5, credits_cents=100, cap_day=0)
        Wakeup.objects.all().delete()

        Enrollment.objects.update(cap_day=9)

        assert Wakeup.objects.count() == 1
