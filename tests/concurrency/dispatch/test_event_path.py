"""Put -> dispatcher -> worker -> end of the lease, with the real processes."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from distribution.models import Campaign
from leadswitch.up import worker_arguments
from routing.dispatch.enqueue import enqueue_now
from routing.dispatch.sizes import read_sizes
from routing.models import Lead, LeadStatus
from routing.queries import read_due_times
from tests.support.factories import CampaignFactory, enroll
from tests.support.processes import celery, dispatcher
from tests.support.race_leads import assert_verified, make_leads
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")

WORKER = worker_arguments(concurrency=2)


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(price_cents=100, workspace__dispatch_mode="event")
    enroll(campaign, count=5, credits_cents=1_000_000)
    return campaign


def count_distributed() -> int:
    return Lead.objects.filter(status=LeadStatus.DISTRIBUTED).count()


def test_leads_start_when_they_are_due(
    campaign: Campaign, redis_client: "redis.Redis[str]", tmp_path: Path
) -> None:
    assert redis_client.ping()
    now = timezone.now()
    due = make_leads(campaign, count=20)
    soon = make_leads(campaign, count=20, next_attempt_at=now + timedelta(seconds=2))
    later = make_leads(campaign, count=1, next_attempt_at=now + timedelta(hours=1))
    with celery(tmp_path, *WORKER), dispatcher(tmp_path):
        enqueue_now(read_due_times([*due, *soon, *later]))
        wait_until(lambda: count_distributed() == 40, what="the leads that are due")
        wait_until(lambda: read_sizes().inflight == 0, what="the end of every lease")

    early = Lead.objects.filter(pk__in=soon, finished_at__lt=now + timedelta(seconds=2))
    assert not early.exists()
    assert read_sizes().waiting == 1
    assert_verified()
