"""Leads that a change leaves alone: old, paused, given up, finished, foreign, or failed for another reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign, Enrollment
from routing.leads.actions import give_up_lead, pause_lead
from routing.models import DispatchControl, Lead
from routing.reconcile import find_reconciler, run_reconciler
from tests.support.waking import came, is_due, raise_cap, world

pytestmark = pytest.mark.django_db


class TestLeftAlone:
    @pytest.fixture
    def place(self) -> Enrollment:
        return world(cap_day=0)

    def kept(self, place: Enrollment, lead: Lead) -> None:
        before = Lead.objects.values().get(pk=lead.pk)

        raise_cap(place)
        run_reconciler(find_reconciler("wakeups"), fix=True)

        assert Lead.objects.values().get(pk=lead.pk) == before

    def test_old_lead_is_not_woken(self, place: Enrollment) -> None:
        lead = came(place, received_at=datetime.now(UTC) - timedelta(hours=25))
        distribute_lead(lead.pk)
        self.kept(place, lead)

    def test_lead_that_is_paused(self) -> None:
        place = world(cap_day=1)
        lead = came(place)
        for each in (came(place), lead):
            distribute_lead(each.pk)
        pause_lead(lead.pk, at=datetime.now(UTC))
        self.kept(place, lead)

    def test_lead_that_a_person_gave_up(self, place: Enrollment) -> None:
        lead = came(place)
        distribute_lead(lead.pk)
        Lead.objects.filter(pk=lead.pk).update(
            status="pending", next_attempt_at=datetime.now(UTC), finished_at=None
        )
        give_up_lead(lead.pk, at=datetime.now(UTC))
        self.kept(place, lead)

    @pytest.mark.parametrize("status", ["cancelled", "expired", "duplicate", "distributed", "returned"])
    def test_finished_lead_is_not_woken(self, place: Enrollment, status: str) -> None:
        lead = came(place)
        distribute_lead(lead.pk)
        Lead.objects.filter(pk=lead.pk).update(
            status=status, next_attempt_at=None, finished_at=datetime.now(UTC)
        )
        self.kept(place, lead)

    def test_lead_of_another_workspace(self, place: Enrollment) -> None:
        lead = came(world(cap_day=0))
        distribute_lead(lead.pk)
        self.kept(place, lead)

    def test_lead_that_failed_for_another_reason(self, place: Enrollment) -> None:
        lead = came(place)
        distribute_lead(lead.pk)
        Lead.objects.filter(pk=lead.pk).update(skip_reason="internal_error")
        self.kept(place, lead)

    def test_lead_of_another_vertical(self, place: Enrollment) -> None:
        lead = came(place)
        distribute_lead(lead.pk)
        Campaign.objects.filter(pk=place.campaign_id).update(vertical="solar")
        self.kept(place, lead)

    def test_no_lead_is_woken_if_the_maximum_age_is_0(self, place: Enrollment, settings: Any) -> None:
        settings.LEADSWITCH_WAKE_MAX_AGE_HOURS = 0
        run_reconciler(find_reconciler("wakeups"), fix=True)
        lead = came(place)
        distribute_lead(lead.pk)
        self.kept(place, lead)


def test_setting_reaches_further_back(settings: Any) -> None:
    settings.LEADSWITCH_WAKE_MAX_AGE_HOURS = 48
    run_reconciler(find_reconciler("wakeups"), fix=True)
    assert DispatchControl.objects.get().wake_hours == 48
    place = world(cap_day=0)
    lead = came(place, received_at=datetime.now(UTC) - timedelta(hours=25))
    distribute_lead(lead.pk)

    raise_cap(place)

    assert is_due(lead)
