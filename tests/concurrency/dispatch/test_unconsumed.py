"""Workers that consume only some ready queues, as with `-Q`: they also run the leads of the other queues."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings

from distribution.models import Assignment, Campaign
from routing.models import Lead, LeadStatus
from routing.redis import keys
from tests.support.factories import CampaignFactory, enroll
from tests.support.processes import WORKER, celery, dispatcher
from tests.support.race_leads import assert_verified, make_leads
from tests.support.waiting import wait_until
from tracing.models import Attempt

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")


def is_distributed(lead_ids: list[int]) -> bool:
    return Lead.objects.filter(pk__in=lead_ids, status=LeadStatus.DISTRIBUTED).count() == len(lead_ids)


def test_leads_of_a_queue_without_a_worker_run_elsewhere(
    redis_client: "redis.Redis[str]", tmp_path: Path
) -> None:
    assert redis_client.ping()
    campaign: Campaign = CampaignFactory(price_cents=100, workspace__dispatch_mode="event")
    enroll(campaign, count=5, credits_cents=1_000_000)
    shards = settings.LEADSWITCH_READY_SHARDS
    home = keys.shard_of(campaign.workspace_id, shards=shards)
    others = [keys.ready_queue(shard) for shard in range(shards) if shard != home]
    queues = ",".join([settings.CELERY_TASK_DEFAULT_QUEUE, *others])
    with celery(tmp_path, *WORKER, "--queues", queues), dispatcher(tmp_path) as leader:
        wait_until(
            lambda: redis_client.hlen(keys.consumed_key()) == len(others), what="a worker's first word"
        )
        lead_ids = make_leads(campaign, count=20)
        wait_until(partial(is_distributed, lead_ids), what="leads whose own queue has no consumer")
        assert not Attempt.objects.filter(worker__endswith=f":{leader.process.pid}").exists()
    assert sorted(Assignment.objects.values_list("lead_id", flat=True)) == sorted(lead_ids)
    assert_verified()
