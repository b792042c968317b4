"""The numbers that tune the dispatch, as the settings hold them. docs/dispatch.md says what each one changes."""

from dataclasses import dataclass
from typing import Final

from routing.retry import Backoffs

# A leader or a worker without a heartbeat for this long is not alive. The pick-up then starts the leads of every
# workspace, and the queues of such a worker count as not consumed.
ALIVE_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class Tuning:
    """Read once from the environment, in the settings. `redis_pause_seconds`, `broker_pause_seconds`: after a failure.

    `backlog_leads_per_second`: of one workspace. `longest_spread_seconds`: over which a requeued backlog becomes due.
    """

    leader_lease_ms: int
    renewal_seconds: float
    tick_seconds: float
    batch_leads: int
    backlog_leads_per_second: int
    longest_spread_seconds: int
    redis_pause_seconds: float
    broker_pause_seconds: float
    sweep_leads: int
    wakeup_changes: int
    expiry_batch_leads: int
    stale_locks_batch_leads: int
    backoffs: Backoffs
