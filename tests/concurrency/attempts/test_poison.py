"""A lead whose every attempt fails, on a real worker: it ends as failed after its tries and blocks no other lead."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.utils import timezone

from distribution.models import Assignment, LedgerEntry
from distribution.tasks import pick_up_due
from routing.leads.actions import rerun_lead
from routing.models import Lead, LeadStatus
from tests.support.factories import CampaignFactory, enroll
from tests.support.processes import WORKER, beat, celery
from tests.support.race_leads import assert_verified, make_leads
from tests.support.waiting import wait_until
from tracing.models import Attempt

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")

POISON = """
CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM routing_lead WHERE id = NEW.lead_id AND external_id = 'poison') THEN
        RAISE EXCEPTION 'poison';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_poison BEFORE INSERT ON distribution_assignment FOR EACH ROW EXECUTE FUNCTION refuse_poison();
"""
ANTIDOTE = "DROP TRIGGER refuse_poison ON distribution_assignment; DROP FUNCTION refuse_poison()"


@pytest.fixture
def _poison(committed_db: None) -> Iterator[None]:  # noqa: ARG001
    with connection.cursor() as cursor:
        cursor.execute(POISON)
    yield
    with connection.cursor() as cursor:
        cursor.execute(ANTIDOTE)


def has_attempts(lead: Lead, number: int) -> bool:
    return Lead.objects.filter(pk=lead.pk, attempts=number).exists()


@pytest.mark.usefixtures("_poison")
def test_poison_lead_ends_as_failed_after_its_tries(redis_client: "redis.Redis[str]", tmp_path: Path) -> None:
    """A permanent fault is not retried forever, and leaves one due time."""
    assert redis_client.ping()
    campaign = CampaignFactory(price_cents=100)
    enroll(campaign, count=2, credits_cents=100_000)
    [poison_id] = make_leads(campaign, count=1, external_id="poison")
    good = make_leads(campaign, count=5)
    poison = Lead.objects.get(pk=poison_id)
    period = {"LEADSWITCH_PICKUP_PERIOD_SECONDS": "1"}

    with celery(tmp_path, *WORKER, **period), beat(tmp_path, **period):
        for number, minutes in ((1, 1), (2, 2)):
            wait_until(partial(has_attempts, poison, number), what=f"attempt {number}")
            poison.refresh_from_db()
            assert (poison.status, poison.due_reason) == ("pending", "internal_error")
            delay = poison.next_attempt_at - Attempt.objects.get(number=number, lead_id=poison.pk).started_at
            assert timedelta(minutes=minutes) <= delay < timedelta(minutes=2 * minutes)
            Lead.objects.filter(pk=poison.pk).update(
                next_attempt_at=timezone.now()
            )  # as if that time had passed
        wait_until(partial(has_attempts, poison, 3), what="the last attempt")
        sold = Lead.objects.filter(pk__in=good, status=LeadStatus.DISTRIBUTED)
        wait_until(lambda: sold.count() == len(good), what="the leads beside it")

    poison.refresh_from_db()
    assert (poison.status, poison.skip_reason, poison.next_attempt_at) == ("failed", "internal_error", None)
    assert (poison.due_reason, poison.errors, poison.locked_by) == ("", 3, "")
    assert poison.finished_at is not None
    results = Attempt.objects.filter(lead_id=poison.pk).order_by("number").values_list("number", "result")
    assert list(results) == [(1, "retry"), (2, "retry"), (3, "failed")]
    assert not Assignment.objects.filter(lead=poison).exists()
    assert LedgerEntry.objects.filter(kind="charge").count() == len(good)
    assert_verified()
    pick_up_due()
    assert has_attempts(poison, 3)  # only a person starts it again

    rerun_lead(poison.pk, at=timezone.now())
    pick_up_due()
    poison.refresh_from_db()
    assert (poison.status, poison.errors, poison.attempts) == ("pending", 1, 4)
