"""Variables that tune the dispatch. Each has a range; leadswitch/env/together.py has the rules about two of them."""

from datetime import timedelta

from leadswitch.env.parse import IntegerRange
from leadswitch.env.variable import Section, Variable
from routing.retry import Backoff, Backoffs
from routing.tuning import Tuning


def _period(reconciler: str, *, default: int, highest: int) -> Variable[int]:
    return Variable(
        f"LEADSWITCH_{reconciler.upper()}_PERIOD_SECONDS",
        IntegerRange(1, highest),
        default=default,
        help=f"How often Celery beat starts the reconciler {reconciler}.",
    )


class DispatchTuning(Section):
    TITLE = "How the dispatch is tuned. The defaults fit most installations (docs/dispatch.md)"

    leader_lease_ms = Variable(
        "LEADSWITCH_LEADER_LEASE_MS",
        IntegerRange(2_000, 60_000),
        default=3_000,
        help="How long a dispatcher leads without renewing its lease. After that, another dispatcher takes over.",
    )
    leader_renewal_ms = Variable(
        "LEADSWITCH_LEADER_RENEWAL_MS",
        IntegerRange(100, 30_000),
        default=1_000,
        help="How often the leading dispatcher renews its lease. At most half of LEADSWITCH_LEADER_LEASE_MS.",
    )
    dispatcher_tick_ms = Variable(
        "LEADSWITCH_DISPATCHER_TICK_MS",
        IntegerRange(5, 1_000),
        default=50,
        help=(
            "The longest wait between two batches while leads are due. Longer: fewer, larger messages, and leads that"
            " start later. At most LEADSWITCH_LEADER_RENEWAL_MS."
        ),
    )
    dispatcher_batch_leads = Variable(
        "LEADSWITCH_DISPATCHER_BATCH_LEADS",
        # A Lua script unpacks a batch of one workspace into twice as many arguments. Redis allows 8,000.
        IntegerRange(10, 3_000),
        default=1_000,
        help="How many due leads the leading dispatcher claims at once.",
    )
    sizes_seconds = Variable(
        "LEADSWITCH_SIZES_SECONDS",
        IntegerRange(1, 60),
        default=2,
        help="How often the leading dispatcher counts the schedule for its gauges. One script reads every workspace.",
    )
    backlog_leads_per_second = Variable(
        "LEADSWITCH_BACKLOG_LEADS_PER_SECOND",
        IntegerRange(10, 100_000),
        default=1_000,
        help=(
            "After a loss in Redis, how many overdue leads of one workspace become due per second. It decides how the"
            " spread grows with the backlog."
        ),
    )
    backlog_longest_spread_seconds = Variable(
        "LEADSWITCH_BACKLOG_LONGEST_SPREAD_SECONDS",
        IntegerRange(2, 600),
        default=300,
        help="The longest such spread. A backlog that is longer than this starts a second round, at twice the rate.",
    )
    redis_pause_ms = Variable(
        "LEADSWITCH_REDIS_PAUSE_MS",
        IntegerRange(100, 60_000),
        default=2_000,
        help="How long intakes, attempts and rate limits do not call Redis after it failed (circuit breaker).",
    )
    broker_pause_ms = Variable(
        "LEADSWITCH_BROKER_PAUSE_MS",
        IntegerRange(100, 60_000),
        default=5_000,
        help="How long a process publishes nothing after the Celery broker failed (circuit breaker).",
    )
    retry_buffer_leads = Variable(
        "LEADSWITCH_RETRY_BUFFER_LEADS",
        IntegerRange(1_000, 1_000_000),
        default=50_000,
        help=(
            "How many leads and leases a process holds in memory while Redis does not respond. The reconcilers and the"
            " leading dispatcher find those beyond it."
        ),
    )
    conflict_first_retry_ms = Variable(
        "LEADSWITCH_CONFLICT_FIRST_RETRY_MS",
        IntegerRange(10, 60_000),
        default=100,
        help="After a lock conflict, the delay of the first retry. It doubles with each retry in a row.",
    )
    conflict_longest_retry_ms = Variable(
        "LEADSWITCH_CONFLICT_LONGEST_RETRY_MS",
        IntegerRange(100, 3_600_000),
        default=30_000,
        help="After lock conflicts, the longest delay. Up to as much again is added at random.",
    )
    error_first_retry_seconds = Variable(
        "LEADSWITCH_ERROR_FIRST_RETRY_SECONDS",
        IntegerRange(1, 3_600),
        default=60,
        help="After a failure of the product, the delay of the first retry. It doubles with each retry in a row.",
    )
    error_longest_retry_seconds = Variable(
        "LEADSWITCH_ERROR_LONGEST_RETRY_SECONDS",
        IntegerRange(1, 86_400),
        default=3_600,
        help="After failures of the product, the longest delay. Up to as much again is added at random.",
    )
    # Ten minutes ahead of the due time, the reconciler must run at least twice.
    schedule_period_seconds = _period("schedule", default=60, highest=300)
    schedule_sweep_leads = Variable(
        "LEADSWITCH_SCHEDULE_SWEEP_LEADS",
        IntegerRange(1_000, 1_000_000),
        default=10_000,
        help="How many of the leads that are not due soon the reconciler schedule checks in each run.",
    )
    inflight_period_seconds = _period("inflight", default=10, highest=300)
    workspace_pauses_period_seconds = _period("workspace_pauses", default=30, highest=600)
    wakeups_period_seconds = _period("wakeups", default=5, highest=60)
    wakeups_changes = Variable(
        "LEADSWITCH_WAKEUPS_CHANGES",
        IntegerRange(1, 100_000),
        default=1_000,
        help="How many open changes the reconciler wakeups reads in each run.",
    )
    wakeups_leads_per_second = Variable(
        "LEADSWITCH_WAKEUPS_LEADS_PER_SECOND",
        IntegerRange(10, 10_000),
        default=1_000,
        help=(
            "How many leads of a changed cap, wallet or buyer become due per second. The reconciler wakeups copies it"
            " to the database and wakes as many leads in each run as become due until the next."
        ),
    )
    wakeups_batch_leads = Variable(
        "LEADSWITCH_WAKEUPS_BATCH_LEADS",
        IntegerRange(1, 5_000),
        default=500,
        help="How many leads the reconciler wakeups locks in one transaction.",
    )
    stale_locks_period_seconds = _period("stale_locks", default=60, highest=3_600)
    stale_locks_batch_leads = Variable(
        "LEADSWITCH_STALE_LOCKS_BATCH_LEADS",
        IntegerRange(1, 5_000),
        default=200,
        help="How many leads the reconciler stale_locks locks in one transaction.",
    )
    expiry_period_seconds = _period("expiry", default=3_600, highest=86_400)
    expiry_batch_leads = Variable(
        "LEADSWITCH_EXPIRY_BATCH_LEADS",
        IntegerRange(1, 5_000),
        default=500,
        help="How many leads the reconciler expiry locks in one transaction.",
    )
    buyer_pauses_period_seconds = _period("buyer_pauses", default=10, highest=3_600)
    offers_period_seconds = _period("offers", default=5, highest=3_600)
    verifications_period_seconds = _period("verifications", default=60, highest=3_600)
    channels_period_seconds = _period("channels", default=60, highest=3_600)
    holds_period_seconds = _period("holds", default=30, highest=3_600)
    balances_period_seconds = _period("balances", default=3_600, highest=86_400)
    rollups_period_seconds = _period("rollups", default=60, highest=3_600)
    statements_period_seconds = _period("statements", default=300, highest=86_400)

    @property
    def tuning(self) -> Tuning:
        return Tuning(
            leader_lease_ms=self.leader_lease_ms,
            renewal_seconds=self.leader_renewal_ms / 1000,
            tick_seconds=self.dispatcher_tick_ms / 1000,
            batch_leads=self.dispatcher_batch_leads,
            sizes_seconds=self.sizes_seconds,
            backlog_leads_per_second=self.backlog_leads_per_second,
            longest_spread_seconds=self.backlog_longest_spread_seconds,
            redis_pause_seconds=self.redis_pause_ms / 1000,
            broker_pause_seconds=self.broker_pause_ms / 1000,
            retry_buffer_leads=self.retry_buffer_leads,
            sweep_leads=self.schedule_sweep_leads,
            wakeup_changes=self.wakeups_changes,
            wakeup_leads_per_second=self.wakeups_leads_per_second,
            wakeup_batch_leads=self.wakeups_batch_leads,
            expiry_batch_leads=self.expiry_batch_leads,
            stale_locks_batch_leads=self.stale_locks_batch_leads,
            backoffs=self._backoffs,
        )

    @property
    def _backoffs(self) -> Backoffs:
        first, longest = self.conflict_first_retry_ms, self.conflict_longest_retry_ms
        return Backoffs(
            after_conflict=Backoff(timedelta(milliseconds=first), timedelta(milliseconds=longest)),
            after_error=Backoff(
                timedelta(seconds=self.error_first_retry_seconds),
                timedelta(seconds=self.error_longest_retry_seconds),
            ),
        )
