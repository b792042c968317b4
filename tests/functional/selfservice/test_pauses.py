"""Pauses end by themselves: a lead waits for the end, and what failed while it ran is tried again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from distribution.attempts.distribute import distribute_lead
from distribution.buyers.pause import switch_buyer
from distribution.models import Buyer, Enrollment
from distribution.reconcile import buyer_pauses
from routing.models import Wakeup
from routing.reconcile import Counts, find_reconciler, run_reconciler
from tests.support.factories import CampaignFactory, enroll
from tests.support.holds import lead_of
from tracing.models import AuditEntry, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
UNTIL = AT + timedelta(hours=3)
ENDS: dict[str, Any] = {"paused_at": AT - timedelta(hours=1), "paused_until": UNTIL}


@pytest.fixture
def enrollment() -> Enrollment:
    [made] = enroll(CampaignFactory(), count=1, credits_cents=100_000)
    return made


def pause(row: Buyer | Enrollment, **columns: Any) -> None:
    own = {"is_paused_by_buyer": True} if isinstance(row, Buyer) else {}
    type(row)._default_manager.filter(pk=row.pk).update(**{**ENDS, **own, **columns})


@pytest.mark.parametrize("whose", ["buyer", "enrollment"])
def test_lead_waits_for_the_end_and_is_sold_without_any_write(enrollment: Enrollment, whose: str) -> None:
    pause(enrollment if whose == "enrollment" else enrollment.buyer)
    lead = lead_of(enrollment.campaign, at=AT)

    distribute_lead(lead.pk, at=AT)

    lead.refresh_from_db()
    assert (lead.status, lead.next_attempt_at) == ("pending", UNTIL)
    skip = LeadDistributionEvent.objects.get(lead_id=lead.pk, event="buyer_skipped")
    assert skip.skip_reason == f"{whose}_paused"
    assert skip.data["gates"][0]["by"] == "buyer"
    assert distribute_lead(lead.pk, at=UNTIL).result == "success"


@pytest.mark.finds("buyer_pauses")
def test_ended_pauses_are_cleared_and_wake_leads(enrollment: Enrollment) -> None:
    pause(enrollment.buyer)
    pause(enrollment)
    Wakeup.objects.all().delete()
    with time_machine.travel(UNTIL + timedelta(seconds=1), tick=False):
        counts = run_reconciler(find_reconciler("buyer_pauses"), fix=True)

    enrollment.refresh_from_db()
    assert counts == Counts(checked=2, repaired=2)
    assert set(counts.named) == {f"buyer {enrollment.buyer_id}", f"enrollment {enrollment.pk}"}
    assert (enrollment.paused_at, enrollment.paused_until) == (None, None)
    assert not enrollment.buyer.is_paused_by_buyer
    assert set(Wakeup.objects.values_list("cause", flat=True)) == {"buyer_resumed", "enrollment_resumed"}
    actions = AuditEntry.objects.values_list("actor", "action", "reason")
    assert set(actions) == {("reconciler", "pause ended", "Its end has passed.")}


def test_running_pauses_stay(enrollment: Enrollment) -> None:
    pause(enrollment.buyer, paused_at=datetime.now(UTC), paused_until=datetime.now(UTC) + timedelta(days=1))
    pause(enrollment, paused_at=datetime.now(UTC), paused_until=None)
    assert buyer_pauses.run(fix=True, limit=10) == Counts()
    assert Enrollment.objects.filter(paused_at__isnull=False, buyer__paused_at__isnull=False).exists()


def test_report_changes_nothing(enrollment: Enrollment) -> None:
    pause(enrollment)
    assert buyer_pauses.run(fix=False, limit=10) == Counts(checked=1, skipped=1)
    assert Enrollment.objects.get().paused_until == UNTIL


def test_earlier_end_brings_waiting_leads_forward(enrollment: Enrollment) -> None:
    pause(enrollment)
    Wakeup.objects.all().delete()
    pause(enrollment, paused_until=UNTIL + timedelta(hours=1))
    assert not Wakeup.objects.exists()
    pause(enrollment, paused_until=UNTIL)
    assert [each.cause for each in Wakeup.objects.all()] == ["enrollment_resumed"]


def test_agency_takes_over_a_pause_and_ends_it(enrollment: Enrollment) -> None:
    pause(enrollment.buyer)
    assert switch_buyer(enrollment.buyer, to=AT, actor="ann", reason="unpaid")
    buyer = Buyer.objects.get()
    assert (buyer.paused_at, buyer.paused_until, buyer.is_paused_by_buyer) == (AT, None, False)
    assert not switch_buyer(buyer, to=AT, actor="ann", reason="again")
    assert switch_buyer(buyer, to=None, actor="ann", reason="paid")
    assert Buyer.objects.get().paused_at is None
