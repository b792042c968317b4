"""Celery beat's scheduler, with a heartbeat: in each tick, and each second while it waits for Redis to come back."""

from functools import partial
from typing import Any

from celery.beat import PersistentScheduler
from django.conf import settings
from structlog import get_logger

from routing.dispatch.heartbeat import send_heartbeat

log = get_logger(__name__)

send = partial(send_heartbeat, settings.VAR_DIR, "beat")


class HeartbeatScheduler(PersistentScheduler):
    def tick(self, *arguments: Any, **options: Any) -> float:
        send()
        seconds: float = super().tick(*arguments, **options)
        return seconds

    def _ensure_connected(self) -> Any:
        """As in the parent class, which waits here without a limit."""
        return self.connection.ensure_connection(
            log_waiting, self.app.conf.broker_connection_max_retries, callback=send
        )


def log_waiting(error: Exception, seconds: float) -> None:
    log.warning("beat.waits_for_redis", cause=type(error).__name__, seconds=seconds)
