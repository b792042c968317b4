"""The numbers that tune the dispatch come from their variables."""

from collections.abc import Mapping
from datetime import timedelta

from leadswitch.env import Environment
from routing.retry import Backoff, Backoffs
from routing.tuning import Takeover, Tuning


def read(numbers: Mapping[str, int]) -> Environment:
    return Environment({f"LEADSWITCH_{name}": str(number) for name, number in numbers.items()})


def test_tuning_is_read_under_its_names() -> None:
    """Each variable with its own value, so that no two fields can be confused."""
    numbers = {
        "LEADER_LEASE_MS": 4_001,
        "LEADER_RENEWAL_MS": 2_000,
        "DISPATCHER_TICK_MS": 51,
        "DISPATCHER_BATCH_LEADS": 101,
        "BACKLOG_LEADS_PER_SECOND": 102,
        "BACKLOG_LONGEST_SPREAD_SECONDS": 103,
        "REDIS_PAUSE_MS": 104,
        "BROKER_PAUSE_MS": 105,
        "CONFLICT_FIRST_RETRY_MS": 106,
        "CONFLICT_LONGEST_RETRY_MS": 107,
        "ERROR_FIRST_RETRY_SECONDS": 108,
        "ERROR_LONGEST_RETRY_SECONDS": 109,
        "SCHEDULE_SWEEP_LEADS": 1_010,
        "WAKEUPS_CHANGES": 111,
        "WAKEUPS_LEADS_PER_SECOND": 115,
        "WAKEUPS_BATCH_LEADS": 116,
        "RETRY_BUFFER_LEADS": 1_017,
        "STALE_LOCKS_BATCH_LEADS": 112,
        "EXPIRY_BATCH_LEADS": 113,
        "SIZES_SECONDS": 14,
    }
    assert read(numbers).tuning == Tuning(
        leader_lease_ms=4_001,
        renewal_seconds=2.0,
        tick_seconds=0.051,
        batch_leads=101,
        sizes_seconds=14,
        backlog_leads_per_second=102,
        longest_spread_seconds=103,
        redis_pause_seconds=0.104,
        broker_pause_seconds=0.105,
        retry_buffer_leads=1_017,
        sweep_leads=1_010,
        wakeup_changes=111,
        wakeup_leads_per_second=115,
        wakeup_batch_leads=116,
        expiry_batch_leads=113,
        stale_locks_batch_leads=112,
        backoffs=Backoffs(
            after_conflict=Backoff(timedelta(milliseconds=106), timedelta(milliseconds=107)),
            after_error=Backoff(timedelta(seconds=108), timedelta(seconds=109)),
        ),
    )


def test_takeover_is_read_under_its_names() -> None:
    numbers = {
        "ALIVE_SECONDS": 90,
        "LEADER_HEARTBEAT_SECONDS": 21,
        "PROCESS_HEARTBEAT_SECONDS": 2,
        "STANDBY_MS": 103,
        "DISPATCHER_PAUSE_MS": 104,
        "FALLBACK_AFTER_SECONDS": 45,
        "FALLBACK_ROUND_SECONDS": 6,
        "FALLBACK_POLL_MS": 107,
    }
    assert read(numbers).takeover == Takeover(
        alive_seconds=90,
        leader_heartbeat_seconds=21,
        process_heartbeat_seconds=2,
        standby_seconds=0.103,
        pause_after_failure_seconds=0.104,
        fallback_after_seconds=45,
        fallback_round_seconds=6,
        fallback_poll_seconds=0.107,
    )
