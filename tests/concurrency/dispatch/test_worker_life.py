"""A Celery worker as production starts it: its first lead, a warm shutdown, and a Redis that goes away."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from celery import current_app
from django.db import connection
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from distribution.attempts.distribute import distribute_next_due
from distribution.models import Campaign
from distribution.tasks import PROCESS
from leadswitch.embedded import redis as embedded_redis
from leadswitch.embedded.paths import ServicePaths
from leadswitch.env import REPOSITORY, celery_broker_url
from routing.models import Lead, LeadStatus
from tests.support.factories import CampaignFactory, enroll
from tests.support.processes import WORKER, beat, celery, worker_environment
from tests.support.race_leads import assert_verified, make_leads
from tests.support.racing import open_transaction
from tests.support.waiting import wait_until, wait_until_blocked

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(price_cents=100)
    enroll(campaign, count=5, credits_cents=100_000)
    return campaign


def is_distributed(*lead_ids: int) -> bool:
    distributed = Lead.objects.filter(pk__in=lead_ids, status=LeadStatus.DISTRIBUTED)
    return distributed.count() == len(lead_ids)


def lock_trace() -> None:
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE tracing_leaddistributionevent IN ACCESS EXCLUSIVE MODE")


def test_warm_shutdown_finishes_the_current_lead(
    campaign: Campaign, redis_client: "redis.Redis[str]", tmp_path: Path
) -> None:
    """It starts no further lead. The next one stays due, and the pick-up starts it."""
    assert redis_client.ping()
    running, waiting = make_leads(campaign, count=2)
    with celery(tmp_path, *WORKER) as worker:
        worker.wait_until_it_says("ready.")
        with open_transaction(lock_trace) as let_go:
            for lead_id in (running, waiting):
                current_app.send_task(PROCESS, args=[[lead_id]])
            wait_until_blocked()
            worker.process.send_signal(signal.SIGTERM)
            worker.wait_until_it_says("Warm shutdown")
            let_go()
        assert worker.process.wait(30) == 0
    assert is_distributed(running)
    assert not is_distributed(waiting)
    assert distribute_next_due().lead_id == waiting
    assert is_distributed(waiting)
    assert_verified()


BEFORE_THE_FORK = """
import django
django.setup()
from celery import signals
from routing.places import zips
before = len(zips._ROWS)
signals.worker_init.send(sender=None)
print(before, len(zips._ROWS))
"""


def test_worker_reads_the_zip_codes_before_its_pool_is_forked() -> None:
    """Reading takes 0.4 s. Otherwise the first lead of every process would wait for it."""
    command = [sys.executable, "-c", BEFORE_THE_FORK]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=worker_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    before, after = map(int, done.stdout.split())
    assert before == 0
    assert after > 40_000


def test_worker_and_beat_recover_after_a_redis_outage(campaign: Campaign, own_redis: ServicePaths) -> None:
    """A process check would not notice a worker that is up but consumes nothing."""
    environment = {
        "REDIS_URL": embedded_redis.redis_url(own_redis),
        "LEADSWITCH_PICKUP_PERIOD_SECONDS": "1",
    }
    directory = own_redis.var_dir
    with celery(directory, *WORKER, **environment) as worker, beat(directory, **environment):
        worker.wait_until_it_says("ready.")
        before = make_leads(campaign, count=3)
        wait_until(partial(is_distributed, *before), what="the leads before")
        embedded_redis.stop(own_redis)
        during = make_leads(campaign, count=3)
        embedded_redis.start(own_redis)
        wait_until(partial(is_distributed, *during), what="the leads that came in during the outage")
    assert_verified()


def test_worker_survives_every_death_of_redis(campaign: Campaign, own_redis: ServicePaths) -> None:
    """Redis is killed while tasks run, so their acknowledgements meet a dead connection."""
    url = embedded_redis.redis_url(own_redis)
    with (
        celery(own_redis.var_dir, *WORKER, REDIS_URL=url) as worker,
        current_app.connection_for_write(url=celery_broker_url(url)) as broker,
    ):
        worker.wait_until_it_says("ready.")
        lead_ids = make_leads(campaign, count=3)
        for number, lead_id in enumerate(lead_ids, start=1):
            with open_transaction(lock_trace) as let_go:
                wait_until(partial(is_sent, [lead_id], broker=broker), what="a broker that takes a message")
                wait_until_blocked()
                os.kill(int((own_redis.redis_dir / "server.pid").read_text()), signal.SIGKILL)
                let_go()
            wait_until(partial(is_distributed, lead_id), what="the lead that it had")
            embedded_redis.start(own_redis)
            wait_until(partial(has_lost_broker, worker.log, times=number), what="a worker that noticed")
        last = make_leads(campaign, count=1)
        wait_until(partial(is_sent, last, broker=broker), what="a broker that takes a message")
        wait_until(partial(is_distributed, *last), what="a lead after the last death")
        assert worker.process.poll() is None
    assert is_distributed(*lead_ids)
    assert_verified()


def has_lost_broker(log: Path, *, times: int) -> bool:
    return log.read_text().count("Connection to broker lost") >= times


def is_sent(lead_ids: list[int], *, broker: Any) -> bool:
    try:
        current_app.send_task(PROCESS, args=[lead_ids], connection=broker)
    except (KombuError, RedisError, OSError):
        return False
    return True


WITHOUT_BROKER = """
import sys, django
django.setup()
from distribution.tasks import pick_up_due
from routing.metrics.dispatch import WAKES_LOST
from routing.dispatch.enqueue import ENQUEUER, enqueue
from routing.queries import read_due_times
enqueue(read_due_times([int(each) for each in sys.argv[1:]]))
assert ENQUEUER.flush(timeout_seconds=30)
pick_up_due()
samples = [sample for metric in WAKES_LOST.collect() for sample in metric.samples]
print(int(sum(sample.value for sample in samples if sample.name.endswith("_total"))))
"""


def test_without_redis_the_pick_up_distributes_new_leads(campaign: Campaign, own_redis: ServicePaths) -> None:
    """More leads than one picker takes, so it also tries to start others. Nothing raises, and nothing waits long."""
    lead_ids = make_leads(campaign, count=220)
    embedded_redis.stop(own_redis)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_BROKER, *map(str, lead_ids)],
        cwd=REPOSITORY,
        env=worker_environment(
            REDIS_URL=embedded_redis.redis_url(own_redis), LEADSWITCH_PICKUP_PERIOD_SECONDS="60"
        ),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert int(done.stdout) >= 1
    assert is_distributed(*lead_ids)
    assert_verified()
