"""The Celery app. Messages are wake-ups: the work itself is in PostgreSQL, so a lost message does no harm."""

# First, because prometheus_client decides when it is imported whether processes share their metrics.
from leadswitch.levels.serving import worker_directory  # noqa: F401, I001

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from celery import Celery
from celery.signals import (
    beat_init,
    celeryd_init,
    heartbeat_sent,
    setup_logging,
    task_postrun,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
)
from celery.worker import state
from django.conf import settings
from django.db import connections

from distribution.attempts.worker import freeze_startup_objects
from leadswitch.broker import guard_channels
from leadswitch.database.fitness import begin
from leadswitch.levels.serving.begin import serve_metrics
from leadswitch.levels.serving.processes import ProcessKind
from leadswitch.pool_probe import PoolProbe
from leadswitch.spans.begin import begin_spans, end_spans
from leadswitch.start import load_settings, one_line_failures
from leadswitch.worker_heartbeat import check_worker_heartbeat
from routing.dispatch import workers
from routing.places.zips import load_rows
from routing.redis.keys import shards_among
from routing.redis.outage import guarded

load_settings()

guard_channels()
app = Celery("leadswitch")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_: object) -> None:
    """With a receiver for this signal Celery does not replace the root logger."""
    settings.LOGGING  # noqa: B018 - forces the settings, and with them the logging, to be loaded


@celeryd_init.connect
def check_options(options: Mapping[str, Any], **_: object) -> None:
    with one_line_failures():
        check_worker_heartbeat(options)


@worker_init.connect
def begin_worker(sender: Any, **_: object) -> None:
    begin(processes=sender.concurrency)
    serve_metrics(ProcessKind.WORKER)


@beat_init.connect
def begin_beat(**_: object) -> None:
    begin()
    serve_metrics(ProcessKind.BEAT)
    freeze_startup_objects()


@worker_init.connect
def load_places(**_: object) -> None:
    """Load the table before the pool forks. The processes share it, and none loads it during its first decision."""
    load_rows()
    freeze_startup_objects()


@task_postrun.connect
def drop_broken_connections(**_: object) -> None:
    """CELERY_DB_REUSE_MAX keeps connections between tasks; a broken one must not fail the next task too."""
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()


PROBES: Final[dict[int, PoolProbe]] = {}


@worker_ready.connect
def begin_consuming(sender: Any, **_: object) -> None:
    """Celery sends this after each new connection to the broker, also if the pool is the same."""
    if id(sender.pool) not in PROBES:
        PROBES.clear()
        PROBES[id(sender.pool)] = PoolProbe(sender.pool, count_steps)
        freeze_startup_objects()


def count_steps() -> int:
    """Count the tasks that were started, and the leads within them."""
    return int(state.all_total_count[0]) + workers.count_steps()


@heartbeat_sent.connect
def write_heartbeat(sender: Any, **_: object) -> None:
    """Runs every two seconds in the process that consumes. A process that hangs or is not ready sends no heartbeat."""
    shards = shards_among(app.amqp.queues.consume_from)
    for probe in PROBES.values():
        silent = probe.silent_seconds()
        send = partial(
            workers.write_worker_heartbeat, sender.eventer.hostname, shards=shards, silent_seconds=silent
        )
        guarded("heartbeat", send, None)


@worker_process_init.connect
def begin_pool_process(**_: object) -> None:
    begin_spans(ProcessKind.WORKER)
    freeze_startup_objects()


@worker_process_shutdown.connect
def end_pool_process(**_: object) -> None:
    """Run in each process of the pool that ends or is replaced: such a process runs no exit handlers."""
    from routing.dispatch.enqueue import ENQUEUER

    ENQUEUER.drain()
    end_spans()
