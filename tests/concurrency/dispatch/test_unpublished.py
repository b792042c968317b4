"""Leads that Redis dispatched and no process published: they are published at once, not when their leases end.

The leases are those of production, and no beat runs. No dispatcher may run leads itself.
The control is beside the scripts: tests/functional/dispatch/test_unpublished.py.
"""

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from hashlib import sha1
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as product_settings
from django.utils import timezone

from distribution.models import Assignment, Campaign
from routing.dispatch import lua_prelude, scripts
from routing.dispatch.control import read_control
from routing.dispatch.enqueue import enqueue_now
from routing.dispatcher.fallback import LOCK
from routing.locks.owned_lock import owned_lock
from routing.models import Lead, LeadStatus
from routing.queries import read_due_times
from routing.redis import outage
from tests.functional.dispatch.conftest import forget_clients
from tests.support.cutoff import Way, way_to
from tests.support.factories import CampaignFactory, enroll
from tests.support.processes import WORKER, Program, celery, dispatcher, pipe, started
from tests.support.race_leads import assert_verified, make_leads
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

LEADS = 40
# Three numbers or more before the leads of an answer, two parts for each lead. Answers about canaries are shorter.
LEAST_PARTS = 30


@pytest.fixture
def campaign(committed_db: None, redis_client: "redis.Redis[str]") -> Campaign:  # noqa: ARG001 - it makes the database
    assert redis_client.ping()
    campaign: Campaign = CampaignFactory(price_cents=100, workspace__dispatch_mode="event")
    enroll(campaign, count=5, credits_cents=1_000_000)
    return campaign


@pytest.fixture
def workers_alone(campaign: Campaign, tmp_path: Path) -> Iterator[None]:  # noqa: ARG001 - it makes the database
    """A worker, and no dispatcher that runs leads from PostgreSQL."""
    with owned_lock(LOCK), celery(tmp_path, *WORKER) as worker:
        worker.wait_until_it_says("ready.")
        yield


@pytest.fixture
def way() -> Iterator[Way]:
    with way_to(product_settings.REDIS_URL, Path(tempfile.mkdtemp(dir="/tmp"))) as way:
        yield way


def sha_of(script: str) -> str:
    return sha1(lua_prelude.with_prelude(script).encode()).hexdigest()  # noqa: S324 - the name that Redis gives it


def is_distributed(lead_ids: list[int]) -> bool:
    return Lead.objects.filter(pk__in=lead_ids, status=LeadStatus.DISTRIBUTED).count() == len(lead_ids)


def wait_for_leader(program: Program) -> None:
    wait_until(lambda: f":{program.process.pid}:" in read_control().leader, what="a dispatcher that leads")


def make_due_together(campaign: Campaign) -> list[int]:
    """Leads that become due together, in a moment."""
    due_at = timezone.now() + timedelta(seconds=2)
    lead_ids = make_leads(campaign, count=LEADS, next_attempt_at=due_at)
    enqueue_now(read_due_times(lead_ids))
    return lead_ids


def assert_sold_once(lead_ids: list[int]) -> None:
    assert sorted(Assignment.objects.values_list("lead_id", flat=True)) == sorted(lead_ids)
    assert_verified()


@pytest.mark.usefixtures("workers_alone")
def test_claimed_leads_whose_answer_was_lost_are_published(
    campaign: Campaign, way: Way, tmp_path: Path
) -> None:
    with dispatcher(tmp_path, REDIS_URL=way.url) as only:
        wait_for_leader(only)
        way.lose_answer(sha_of(scripts.CLAIM_BATCH), least_parts=LEAST_PARTS)
        lead_ids = make_due_together(campaign)
        wait_until(way.has_lost.is_set, what="a take whose answer is lost")
        wait_until(partial(is_distributed, lead_ids), what="all leads")
    assert_sold_once(lead_ids)


@pytest.mark.usefixtures("workers_alone")
def test_leads_of_a_dispatcher_killed_before_publishing_are_published(
    campaign: Campaign, tmp_path: Path
) -> None:
    with started("-m", "tests.support.killed_between", "dispatcher") as killed:
        wait_until(lambda: f":{killed.pid}:" in read_control().leader, what="a dispatcher that leads")
        lead_ids = make_due_together(campaign)
        assert killed.wait(60) == -9
    with dispatcher(tmp_path):
        wait_until(partial(is_distributed, lead_ids), what="all leads")
    assert_sold_once(lead_ids)


@pytest.mark.usefixtures("workers_alone")
def test_enqueued_leads_whose_answer_was_lost_are_published(
    campaign: Campaign, way: Way, settings: Any, tmp_path: Path
) -> None:
    with dispatcher(tmp_path) as only:
        wait_for_leader(only)
        lead_ids = make_leads(campaign, count=LEADS)
        direct, settings.REDIS_URL = settings.REDIS_URL, way.url
        forget_clients()
        way.lose_answer(sha_of(scripts.PUT), least_parts=LEAST_PARTS)
        enqueue_now(read_due_times(lead_ids))
        assert way.has_lost.is_set()
        settings.REDIS_URL = direct
        forget_clients()
        outage.BREAKER.reset()
        wait_until(partial(is_distributed, lead_ids), what="all leads")
    assert_sold_once(lead_ids)


@pytest.mark.usefixtures("workers_alone")
def test_leads_of_a_process_killed_before_publishing_are_published(
    campaign: Campaign, tmp_path: Path
) -> None:
    with dispatcher(tmp_path) as only:
        wait_for_leader(only)
        with started("-m", "tests.support.killed_between", "enqueue") as killed:
            assert pipe(killed.stdout).readline() == "ready\n"
            lead_ids = make_leads(campaign, count=LEADS)
            killed.communicate(" ".join(map(str, lead_ids)))
        assert killed.returncode == -9
        wait_until(partial(is_distributed, lead_ids), what="all leads")
    assert_sold_once(lead_ids)
