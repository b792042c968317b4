"""The loop that starts leads when they are due: the leader of all dispatchers moves them to the ready queues.

    lead or stand by -> take what is due -> publish it -> wait for the next tick, the next due time, or a put
    Redis does not answer -> run what is due straight from PostgreSQL until it does

Whatever it does twice, or leaves half done when it is killed, is right: a lease or a row's lock stands for each lead.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final

from django.db import Error, close_old_connections
from redis.exceptions import RedisError

from routing import metrics, schedule
from routing.control import read_control, say_leading, say_resigned
from routing.handon import publish
from routing.keys import wake_key
from routing.models import DispatchPath
from routing.redisclient import get_client
from routing.schedule import TIMEOUT_SECONDS, Lead, NotLeading, Take

logger = logging.getLogger(__name__)

LEADS_A_TAKE: Final = 1_000
TICK_SECONDS: Final = 0.05
LEADER_LEASE_SECONDS: Final = 3.0
RENEWAL_SECONDS: Final = 1.0
STANDBY_SECONDS: Final = 0.5
HEARTBEAT_SECONDS: Final = 5.0
SIZES_SECONDS: Final = 2.0
PAUSE_AFTER_FAILURE_SECONDS: Final = 1.0
# Below the socket's time-out, or the wait itself would look like a failure (PITFALLS 22).
LONGEST_WAIT_SECONDS: Final = TIMEOUT_SECONDS / 2


class Every:
    """Says yes once in so many seconds, the first time at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def is_time(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True

    def reset(self) -> None:
        self._next = 0.0


@dataclass(slots=True)
class Leadership:
    """This process's claim to lead. `least_epoch` comes from PostgreSQL: a flushed Redis would count from 1 again."""

    name: str
    lead: Lead | None = None
    is_new: bool = False

    def hold(self) -> Lead | None:
        """Win or renew it. None: another dispatcher leads."""
        least_epoch = self.lead.epoch if self.lead else read_control().epoch
        lease_ms = int(LEADER_LEASE_SECONDS * 1000)
        before = self.lead
        self.lead, _ = schedule.lead(self.name, lease_ms=lease_ms, least_epoch=least_epoch)
        self.is_new = self.lead is not None and self.lead != before
        return self.lead
