"""Refuses options of `celery worker` with which the worker would count as dead while it works."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from leadswitch.env.takeover import HEARTBEATS_PER_LIMIT


class HeartbeatTooRare(ImproperlyConfigured):
    """The worker's options turn its heartbeat off, or make it too rare; the message says what to do."""


def check_worker_heartbeat(options: Mapping[str, Any]) -> None:
    """`options`: those of the command line, by Celery's names. Raises HeartbeatTooRare."""
    if options.get("without_heartbeat"):
        message = "--without-heartbeat: the worker would count as dead, and its ready queues as not consumed."
        raise HeartbeatTooRare(f"{message} Start it without this option")
    interval = options.get("heartbeat_interval") or 0
    highest = settings.LEADSWITCH_TAKEOVER.alive_seconds // HEARTBEATS_PER_LIMIT
    if interval > highest:
        message = f"--heartbeat-interval: {interval:g} is greater than a third of LEADSWITCH_ALIVE_SECONDS."
        raise HeartbeatTooRare(f"{message} Use at most {highest}, or raise LEADSWITCH_ALIVE_SECONDS")
