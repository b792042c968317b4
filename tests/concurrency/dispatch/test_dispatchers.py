"""Dispatchers that are killed, stopped and cut off from Redis: each lead is published once, and none is lost.

The controls, which take one protection away, are beside the scripts:
tests/functional/dispatch/test_leadership.py (the epoch),
tests/functional/dispatch/test_lost_leases.py (the lease).
"""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.utils import timezone

from distribution.models import Assignment, Campaign
from leadswitch.embedded import redis as embedded_redis
from leadswitch.up import worker_arguments
from routing.dispatch.control import read_control
from routing.dispatch.enqueue import enqueue_now
from routing.dispatch.leadership import acquire_leadership
from routing.dispatch.sizes import read_sizes
from routing.models import DispatchMode, Lead, LeadStatus
from routing.queries import read_due_times
from tests.conftest import remove_keys
from tests.support import switches
from tests.support.cutoff import way_to
from tests.support.factories import CampaignFactory, enroll
from tests.support.processes import Program, beat, celery, dispatcher
from tests.support.race_leads import assert_verified, make_leads
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

    from leadswitch.embedded.paths import ServicePaths

pytestmark = pytest.mark.usefixtures("committed_db")

WORKER = worker_arguments(concurrency=2)
SHORT = {"LEADSWITCH_LEASE_SECONDS": "2", "LEADSWITCH_PICKUP_PERIOD_SECONDS": "1"}


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(price_cents=100, workspace__dispatch_mode="event")
    enroll(campaign, count=5, credits_cents=1_000_000)
    return campaign


def is_distributed(lead_ids: list[int]) -> bool:
    return Lead.objects.filter(pk__in=lead_ids, status=LeadStatus.DISTRIBUTED).count() == len(lead_ids)


def make_flow(campaign: Campaign, *, count: int, seconds: float) -> list[int]:
    """Leads that become due one after the other from now on."""
    now = timezone.now()
    lead_ids = []
    for number in range(count):
        due_at = now + timedelta(seconds=seconds * number / count)
        lead_ids += make_leads(campaign, count=1, next_attempt_at=due_at)
    enqueue_now(read_due_times(lead_ids))
    return lead_ids


def is_led_by(program: Program) -> bool:
    control = read_control()
    return f":{program.process.pid}:" in control.leader and control.age is not None


@contextmanager
def dispatchers(directory: Path, count: int) -> Iterator[list[Program]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(dispatcher(directory, f"dispatcher-{number}", **SHORT))
            for number in range(count)
        ]


def wait_for_leader(programs: list[Program]) -> Program:
    wait_until(lambda: any(map(is_led_by, programs)), what="a dispatcher that leads")
    return next(program for program in programs if is_led_by(program))


def assert_sold_once(lead_ids: list[int]) -> None:
    assert sorted(Assignment.objects.values_list("lead_id", flat=True)) == sorted(lead_ids)
    assert_verified()


def test_standby_takes_over_from_a_killed_dispatcher(
    campaign: Campaign, redis_client: "redis.Redis[str]", tmp_path: Path
) -> None:
    assert redis_client.ping()
    with celery(tmp_path, *WORKER, **SHORT), beat(tmp_path, **SHORT), dispatchers(tmp_path, 2) as programs:
        first = wait_for_leader(programs)
        epoch = read_control().epoch
        lead_ids = make_flow(campaign, count=60, seconds=6)
        wait_until(lambda: Assignment.objects.count() >= 10, what="the first leads")
        first.process.send_signal(signal.SIGKILL)
        second = wait_for_leader([each for each in programs if each is not first])
        wait_until(partial(is_distributed, lead_ids), what="all leads")
        assert second is not first
        assert read_control().epoch > epoch
    assert_sold_once(lead_ids)


def test_dispatcher_stopped_past_its_lease_claims_nothing(
    campaign: Campaign, redis_client: "redis.Redis[str]", tmp_path: Path
) -> None:
    """When it continues, it finds that it does not lead, and becomes a standby."""
    assert redis_client.ping()
    with celery(tmp_path, *WORKER, **SHORT), beat(tmp_path, **SHORT), dispatchers(tmp_path, 2) as programs:
        first = wait_for_leader(programs)
        lead_ids = make_flow(campaign, count=60, seconds=6)
        wait_until(lambda: Assignment.objects.count() >= 10, what="the first leads")
        first.process.send_signal(signal.SIGSTOP)
        second = wait_for_leader([each for each in programs if each is not first])
        first.process.send_signal(signal.SIGCONT)
        first.wait_until_it_says("dispatch.not_leading")
        wait_until(partial(is_distributed, lead_ids), what="all leads")
        assert is_led_by(second)
    assert_sold_once(lead_ids)


def test_leader_cut_off_from_redis_is_replaced(
    campaign: Campaign, redis_client: "redis.Redis[str]", tmp_path: Path
) -> None:
    """Its calls are not refused, but get no answer. Both may run leads for a while: each lead once."""
    assert redis_client.ping()
    with (
        celery(tmp_path, *WORKER, **SHORT),
        beat(tmp_path, **SHORT),
        way_to(settings.REDIS_URL, Path(tempfile.mkdtemp(dir="/tmp"))) as way,
        dispatcher(tmp_path, "cut", **{**SHORT, "REDIS_URL": way.url}) as first,
    ):
        wait_for_leader([first])
        with dispatchers(tmp_path, 1) as others:
            lead_ids = make_flow(campaign, count=60, seconds=6)
            wait_until(lambda: Assignment.objects.count() >= 10, what="the first leads")
            way.cut()
            wait_for_leader(others)
            way.reconnect()
            first.wait_until_it_says("dispatch.not_leading")
            wait_until(partial(is_distributed, lead_ids), what="all leads")
    assert_sold_once(lead_ids)


def test_flush_under_load_is_repaired_at_once(
    campaign: Campaign, redis_client: "redis.Redis[str]", tmp_path: Path
) -> None:
    """Without beat: the leader finds its own key missing, and scans the leads that are due soon."""
    with celery(tmp_path, *WORKER, **SHORT), dispatchers(tmp_path, 1) as programs:
        [only] = programs
        wait_for_leader(programs)
        lead_ids = make_flow(campaign, count=60, seconds=6)
        wait_until(lambda: Assignment.objects.count() >= 10, what="the first leads")
        before = only.log.read_text().count("dispatch.leading")
        remove_keys(redis_client)
        wait_until(lambda: only.log.read_text().count("dispatch.leading") > before, what="the lead, won anew")
        wait_until(partial(is_distributed, lead_ids), what="all leads")
    assert_sold_once(lead_ids)


def test_without_redis_the_dispatcher_runs_leads_itself(
    campaign: Campaign, own_redis: "ServicePaths", tmp_path: Path
) -> None:
    """When Redis is back, it enqueues the due leads. No worker runs while Redis is away, since it gets no messages."""
    environment = {**SHORT, "REDIS_URL": embedded_redis.redis_url(own_redis)}
    with (
        dispatcher(tmp_path, "one", **environment) as one,
        dispatcher(tmp_path, "other", **environment) as other,
    ):
        wait_for_leader([one, other])
        embedded_redis.stop(own_redis)
        during = make_leads(campaign, count=30)
        wait_until(partial(is_distributed, during), what="the leads without Redis")
        assert read_control().path == "postgres"
        polled = make_leads(CampaignFactory(workspace__dispatch_mode="poll"), count=1)
        wait_until(lambda: Lead.objects.get(pk=polled[0]).status == "failed", what="a polled lead")
        soon = make_leads(campaign, count=10, next_attempt_at=timezone.now() + timedelta(seconds=5))
        embedded_redis.start(own_redis)
        with celery(tmp_path, *WORKER, **environment):
            wait_until(partial(is_distributed, soon), what="the leads with Redis again")
        wait_until(lambda: read_control().path == "redis", what="a leader through Redis")
    assert_sold_once([*during, *soon])


def test_one_dispatcher_at_a_time_runs_the_fallback(campaign: Campaign, own_redis: "ServicePaths") -> None:
    """The other two are standbys: the lock is in PostgreSQL."""
    environment = {**SHORT, "REDIS_URL": embedded_redis.redis_url(own_redis)}
    embedded_redis.stop(own_redis)
    with ExitStack() as stack:
        for number in range(3):
            stack.enter_context(dispatcher(own_redis.var_dir, f"dispatcher-{number}", **environment))
        lead_ids = make_leads(campaign, count=100)
        wait_until(partial(is_distributed, lead_ids), what="the leads without Redis")
    assert_sold_once(lead_ids)


def test_modes_flip_while_leads_flow(
    campaign: Campaign, redis_client: "redis.Redis[str]", tmp_path: Path
) -> None:
    assert redis_client.ping()
    modes = [DispatchMode.SHADOW, DispatchMode.POLL, DispatchMode.EVENT]
    lead_ids: list[int] = []
    with celery(tmp_path, *WORKER, **SHORT), beat(tmp_path, **SHORT), dispatchers(tmp_path, 1) as programs:
        wait_for_leader(programs)
        for flip in range(12):
            lead_ids += make_flow(campaign, count=5, seconds=1)
            goal = Assignment.objects.count() + 2
            wait_until(lambda goal=goal: Assignment.objects.count() >= goal, what="two leads more")  # type: ignore[misc]
            switches.change_mode(campaign.workspace_id, modes[flip % 3])
        wait_until(partial(is_distributed, lead_ids), what="all leads")
        wait_until(lambda: read_sizes().inflight == 0, what="the end of every lease")
    assert_sold_once(lead_ids)


def test_stopped_dispatcher_resigns(redis_client: "redis.Redis[str]", tmp_path: Path) -> None:
    """The next one leads at once, and the pick-up sees that the first no longer leads."""
    assert redis_client.ping()
    with dispatchers(tmp_path, 1) as [only]:
        wait_for_leader([only])
        only.process.send_signal(signal.SIGTERM)
        assert only.process.wait(30) == 0
    assert read_control().age is None
    won, is_new = acquire_leadership("next", lease_ms=1_000, least_epoch=0)
    assert (won is not None, is_new) == (True, True)
