"""A Redis that refuses commands, and queues without a consumer: leads still go out, through PostgreSQL."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
import redis
from django.utils import timezone

from distribution.models import Assignment, Campaign
from leadswitch.embedded import redis as embedded_redis
from leadswitch.embedded.paths import ServicePaths
from routing.models import Canary, Lead, LeadStatus
from tests.support.factories import CampaignFactory, enroll
from tests.support.processes import WORKER, celery, dispatcher
from tests.support.race_leads import assert_verified, make_leads
from tests.support.redis_faults import refusing_writes
from tests.support.waiting import wait_until
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def environment(own_redis: ServicePaths) -> dict[str, str]:
    return {
        "REDIS_URL": embedded_redis.redis_url(own_redis),
        "LEADSWITCH_CANARY_SECONDS": "1",
        "LEADSWITCH_CANARY_LATE_SECONDS": "1",
    }


@pytest.fixture
def client(own_redis: ServicePaths) -> Iterator["redis.Redis[str]"]:
    url = embedded_redis.redis_url(own_redis)
    with redis.Redis.from_url(url, decode_responses=True) as client:
        yield client


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(price_cents=100, workspace__dispatch_mode="event")
    enroll(campaign, count=5, credits_cents=1_000_000)
    return campaign


def is_distributed(lead_ids: list[int]) -> bool:
    return Lead.objects.filter(pk__in=lead_ids, status=LeadStatus.DISTRIBUTED).count() == len(lead_ids)


def has_come_back(since: datetime) -> bool:
    """Since then a canary has passed through every queue."""
    return Canary.objects.filter(back_at__gt=since).count() == 4


def assert_sold_once(lead_ids: list[int]) -> None:
    assert sorted(Assignment.objects.values_list("lead_id", flat=True)) == sorted(lead_ids)
    assert_verified()


def test_leads_are_dispatched_while_redis_is_full(
    campaign: Campaign, client: "redis.Redis[str]", environment: dict[str, str], tmp_path: Path
) -> None:
    """The leads are in PostgreSQL alone, as if Redis had refused to enqueue them. No worker or dispatcher ends."""
    started = timezone.now()
    with celery(tmp_path, *WORKER, **environment) as worker, dispatcher(tmp_path, **environment) as leader:
        wait_until(partial(has_come_back, started), what="the first canaries")
        with refusing_writes(client):
            during = make_leads(campaign, count=3)
            wait_until(partial(is_distributed, during), what="leads while Redis is full")
        wait_until(partial(has_come_back, timezone.now()), what="canaries after Redis was full")
        assert (worker.process.poll(), leader.process.poll()) == (None, None)
        after = make_leads(campaign, count=3)
        wait_until(partial(is_distributed, after), what="leads that the leader finds in PostgreSQL")
    assert_sold_once([*during, *after])


def test_leads_are_dispatched_while_no_worker_consumes_the_queues(
    campaign: Campaign, client: "redis.Redis[str]", environment: dict[str, str], tmp_path: Path
) -> None:
    assert client.ping()
    lead_ids = make_leads(campaign, count=20)
    with dispatcher(tmp_path, **environment) as leader:
        wait_until(partial(is_distributed, lead_ids), what="the leads, without a worker")
        assert "dispatch.canary_late" in leader.log.read_text()
    assert Attempt.objects.filter(worker__endswith=f":{leader.process.pid}").count() == 20
    assert_sold_once(lead_ids)
