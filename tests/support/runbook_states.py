"""The state of each runbook: which faults bring it about, and what the commands of its pages print there."""

from typing import Final

from tests.support import runbook_faults as faults
from tests.support.runbook_call_states import CALL_STATES
from tests.support.runbook_delivery_states import DELIVERY_STATES
from tests.support.runbook_offer_states import OFFER_STATES
from tests.support.runbook_promises import (
    ALL_HOLD,
    ALL_VALID,
    DATABASE,
    DEFINITIONS,
    DIGEST,
    EXPLAIN,
    FAILURES,
    INCREMENTAL,
    MIGRATIONS,
    NO_ANSWER,
    NO_DRIFT,
    NO_DUE_RETRY,
    NO_FAILURE,
    NO_LOCK,
    NO_PROBLEM,
    NO_RETRY,
    RETRIES,
    STATUS,
    UNREADABLE,
    WRONG_VARIABLE,
    drift,
    failures,
    retries,
)
from tests.support.runbook_state import RUNNING, State
from tests.support.runbooks import Promise

STATES: Final[tuple[State, ...]] = (
    *DELIVERY_STATES,
    *OFFER_STATES,
    *CALL_STATES,
    State(
        name="no fault",
        pages=("daily-digest", "exporter-absent", "rolling-deploy", "watchdog"),
        brought_by=(*RUNNING, faults.sold),
        prints={
            DIGEST: NO_DUE_RETRY,
            STATUS: NO_PROBLEM,
            DATABASE: NO_LOCK,
            INCREMENTAL: ALL_HOLD,
            DEFINITIONS: ALL_VALID,
            "manage.py migrate": Promise(0, "No migrations to apply."),
            "manage.py reconcile balances": NO_DRIFT,
        },
    ),
    State(
        name="no worker",
        pages=("availability-page", "dispatch-halted"),
        brought_by=(faults.led, faults.reconciled, faults.overdue_leads),
        prints={
            STATUS: Promise(1, "Problem: No worker has sent a heartbeat for N seconds."),
            FAILURES: NO_FAILURE,
            DATABASE: NO_LOCK,
            "manage.py reconcile schedule": drift("schedule"),
        },
    ),
    State(
        name="due retries",
        pages=(
            "availability-ticket",
            "capacity",
            "due-retries-critical",
            "due-retries-high",
            "hot-workspace",
            "latency-page",
            "latency-ticket",
            "retry-backlog",
            "workspace-due-retries-high",
        ),
        brought_by=(*RUNNING, faults.contention, faults.due_retries),
        prints={
            STATUS: Promise(1, "Problem: N leads are due and have not started."),
            RETRIES: retries("tier_lock_contention"),
            DATABASE: NO_LOCK,
            FAILURES: failures("retry", "tier_lock_contention"),
            "manage.py dispatch status --workspace SLUG": Promise(1, "SLUG event N N running"),
            "manage.py failures --workspace SLUG": failures("retry", "tier_lock_contention"),
        },
    ),
    State(
        name="errors of the product",
        pages=("routing-failures", "success-rate-low"),
        brought_by=(*RUNNING, faults.refused_sales),
        prints={
            FAILURES: failures("retry", "internal_error"),
            EXPLAIN: Promise(0, "internal_error: LeadSwitch failed while deciding; nothing was charged."),
            INCREMENTAL: ALL_HOLD,
            RETRIES: retries("internal_error", numbers="0 N 0"),
            STATUS: NO_PROBLEM,
        },
    ),
    State(
        name="failed attempts",
        pages=("failure-rate-high",),
        brought_by=(*RUNNING, faults.uncompilable),
        prints={
            FAILURES: failures("failed", "internal_error"),
            EXPLAIN: Promise(0, "Failed: LeadSwitch failed while deciding; nothing was charged."),
            DATABASE: NO_LOCK,
        },
    ),
    State(
        name="a lock that is held",
        pages=(
            "decision-slow",
            "exporter-collector-failed",
            "lock-success-low",
            "lock-timeouts",
            "offers-closed-late",
        ),
        brought_by=(*RUNNING, faults.timed_out_lock, faults.open_lock),
        prints={
            DATABASE: Promise(0, "PID NAME NAME active SECONDS PID SELECT"),
            FAILURES: failures("retry", "database_timeout"),
            RETRIES: Promise(0, "SLUG database_timeout"),
            STATUS: NO_PROBLEM,
        },
    ),
    State(
        name="no beat",
        pages=("job-absent", "stale-claims", "stale-locks"),
        brought_by=(faults.led, faults.worked, faults.without_beat, faults.old_claims),
        prints={
            STATUS: Promise(1, "Problem: N reconcilers have not run on time:"),
            "manage.py reconcile stale_locks": drift("stale_locks"),
            "python -m leadswitch.alive beat": Promise(1, "beat: last heartbeat N seconds ago"),
            DATABASE: NO_LOCK,
            FAILURES: NO_FAILURE,
            RETRIES: NO_RETRY,
        },
    ),
    State(
        name="a reconciler that fails",
        pages=("reconciler-late",),
        brought_by=(*RUNNING, faults.old_claims, faults.failing_reconciler),
        prints={
            STATUS: Promise(1, "Problem: The last run of the reconciler stale_locks failed"),
            "manage.py reconcile stale_locks": drift("stale_locks"),
            DATABASE: NO_LOCK,
        },
    ),
    State(
        name="a canary that does not come back",
        pages=("canary-late",),
        brought_by=(*RUNNING, faults.late_canary),
        prints={
            STATUS: Promise(1, "Problem: A canary has been on its way through the queues for"),
            DATABASE: NO_LOCK,
            FAILURES: NO_FAILURE,
        },
    ),
    State(
        name="lost workers",
        pages=("lease-losses", "leases-lost", "workers-halved"),
        brought_by=(faults.led, faults.one_worker_of_two, faults.reconciled, faults.lost_workers),
        prints={
            "manage.py reconcile inflight": drift("inflight"),
            STATUS: Promise(0, "workers 1 alive"),
            FAILURES: failures("failed", "worker_lost"),
            DATABASE: NO_LOCK,
        },
    ),
    State(
        name="no leader",
        pages=("no-leader",),
        brought_by=(faults.worked, faults.reconciled, faults.without_leader),
        prints={
            STATUS: Promise(1, "leader none (last leader: LEADER, epoch N)"),
            "python -m leadswitch.alive dispatcher": Promise(1, "dispatcher: last heartbeat N seconds ago"),
            DATABASE: NO_LOCK,
        },
    ),
    State(
        name="two leaders",
        pages=("two-leaders",),
        brought_by=(*RUNNING, faults.two_leaders),
        prints={
            STATUS: Promise(
                1,
                "Problem: Two dispatchers lead: LEADER by its heartbeat in PostgreSQL, OTHER by its lease in Redis.",
            ),
            "manage.py dispatch status --json": Promise(1, '"leader": "OTHER", "workers_alive": N'),
            "manage.py reconcile inflight": NO_DRIFT,
        },
    ),
    State(
        name="a queue without a worker",
        pages=("shard-waiting",),
        brought_by=(faults.led, faults.reconciled, faults.queued_leads),
        prints={
            STATUS: Promise(
                1,
                "Problem: No worker reports that it consumes ready.SHARD. Their leads go to the other queues.",
            ),
            RETRIES: NO_RETRY,
            DATABASE: NO_LOCK,
        },
    ),
    State(
        name="a lead in a paused workspace",
        pages=("lead-stuck",),
        brought_by=(*RUNNING, faults.overdue_leads, faults.paused_workspace),
        prints={
            EXPLAIN: Promise(0, "The workspace has been paused since TIME: nothing is distributed"),
            "manage.py reconcile schedule": drift("schedule"),
            STATUS: Promise(0, "SLUG event 0 0 TIME"),
        },
    ),
    State(
        name="a duplicate",
        pages=("duplicates-high",),
        brought_by=(*RUNNING, faults.duplicate),
        prints={
            STATUS: NO_PROBLEM,
            EXPLAIN: Promise(0, "duplicate_lead: An earlier lead for the same person was received."),
            RETRIES: NO_RETRY,
        },
    ),
    State(
        name="buyers at their caps",
        pages=("retries-entered",),
        brought_by=(*RUNNING, faults.capped),
        prints={
            RETRIES: retries("all_buyers_capped", numbers="0 N 0"),
            FAILURES: NO_FAILURE,
            DEFINITIONS: ALL_VALID,
        },
    ),
    State(
        name="expired leads",
        pages=("expired-high",),
        brought_by=(*RUNNING, faults.expired_leads),
        prints={
            RETRIES: retries("all_buyers_capped"),
            FAILURES: NO_FAILURE,
            "manage.py reconcile expiry": drift("expiry"),
        },
    ),
    State(
        name="a wrong balance",
        pages=("balances-drift",),
        brought_by=(*RUNNING, faults.drifted_balance),
        prints={
            "manage.py reconcile balances": Promise(1, "wallet N"),
            "manage.py verify": Promise(
                1, "breach of 1: wallet N: balance is N cents, but its entries sum to N"
            ),
            STATUS: NO_PROBLEM,
        },
    ),
    State(
        name="a new version that fails",
        pages=("emergency-rollback",),
        brought_by=(*RUNNING, faults.sold),
        prints={
            'manage.py dispatch pause --reason "rollback"': Promise(
                0, "dispatch: the whole product is paused;"
            ),
            MIGRATIONS: Promise(0, "[X] 0001_initial"),
            "manage.py verify": ALL_HOLD,
        },
    ),
    State(
        name="Redis is stopped",
        pages=("redis-lost",),
        brought_by=(faults.led, faults.reconciled, faults.overdue_leads, faults.stopped_redis),
        prints={
            STATUS: Promise(1, "Problem: Redis does not respond (ConnectionError)."),
            "manage.py reconcile schedule --fix": Promise(
                1, "schedule not checked: Redis does not respond (ConnectionError)"
            ),
            "manage.py reconcile workspace_pauses --fix": Promise(
                1, "workspace_pauses not checked: Redis does not respond (ConnectionError)"
            ),
        },
    ),
    State(
        name="Redis is full",
        pages=("schedule-repairs",),
        brought_by=(faults.reconciled, faults.overdue_leads, faults.full_redis),
        prints={
            STATUS: Promise(1, "Problem: Redis refuses writes (OutOfMemoryError):"),
            "manage.py reconcile schedule": drift("schedule"),
            RETRIES: NO_RETRY,
        },
    ),
    State(
        name="a wrong variable",
        pages=("start-up-failed",),
        brought_by=(),
        environment={"LEADSWITCH_LEASE_SECONDS": "soon"},
        prints={
            "manage.py check --deploy": WRONG_VARIABLE,
            MIGRATIONS: WRONG_VARIABLE,
            STATUS: WRONG_VARIABLE,
        },
    ),
    State(
        name="PostgreSQL is stopped",
        pages=("postgres-down",),
        brought_by=(),
        environment={"DATABASE_URL": "postgres://leadswitch@127.0.0.1:1/leadswitch"},
        prints={
            DATABASE: UNREADABLE,
            STATUS: UNREADABLE,
            MIGRATIONS: Promise(2, f"PostgreSQL does not respond; check DATABASE_URL: {NO_ANSWER}"),
        },
    ),
)
