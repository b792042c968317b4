"""The numbers that tune the dispatch, read from the settings. docs/dispatch.md says what each one changes."""

from dataclasses import dataclass
from typing import Final

from routing.retry import Backoffs

# How often a Celery worker sends a heartbeat, unless it is started with another --heartbeat-interval.
WORKER_HEARTBEAT_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Tuning:
    """Read once from the environment, in the settings. `redis_pause_seconds`, `broker_pause_seconds`: after a failure.

    `backlog_leads_per_second`: of one workspace. `longest_spread_seconds`: over which a requeued backlog becomes due.
    """

    leader_lease_ms: int
    renewal_seconds: float
    tick_seconds: float
    batch_leads: int
    sizes_seconds: int
    backlog_leads_per_second: int
    longest_spread_seconds: int
    redis_pause_seconds: float
    broker_pause_seconds: float
    retry_buffer_leads: int
    sweep_leads: int
    wakeup_changes: int
    wakeup_leads_per_second: int
    wakeup_batch_leads: int
    expiry_batch_leads: int
    stale_locks_batch_leads: int
    backoffs: Backoffs


@dataclass(frozen=True, slots=True)
class Takeover:
    """Read once from the environment, in the settings. When a process counts as dead, and how another one takes over.

    `process_heartbeat_seconds`: of the file that the liveness probe reads. `pause_after_failure_seconds`: after a
    failure of PostgreSQL. `fallback_...`: how a dispatcher runs leads while it does not reach Redis.
    """

    alive_seconds: int
    leader_heartbeat_seconds: int
    process_heartbeat_seconds: int
    standby_seconds: float
    pause_after_failure_seconds: float
    fallback_after_seconds: int
    fallback_round_seconds: int
    fallback_poll_seconds: float
