"""The states of the runbooks about deliveries, holds and return requests."""

from typing import Final

from tests.support import runbook_delivery_faults as faults
from tests.support.runbook_promises import (
    ALL_HOLD,
    DATABASE,
    DELIVERIES,
    EXPLAIN,
    INCREMENTAL,
    NO_DRIFT,
    NO_LOCK,
    NO_PROBLEM,
    STATUS,
)
from tests.support.runbook_state import RUNNING, State
from tests.support.runbooks import Promise

DELIVERY_STATES: Final = (
    State(
        name="no deliverer",
        pages=("deliveries-halted",),
        brought_by=(*RUNNING, faults.due_messages),
        prints={
            DELIVERIES: Promise(1, "Problem: No deliverer has sent a heartbeat in the last 30 s. Start one."),
            "python -m leadswitch.alive deliverer": Promise(1, "deliverer: last heartbeat N seconds ago"),
            DATABASE: NO_LOCK,
        },
    ),
    State(
        name="a buyer's system that does not answer",
        pages=("endpoints-failing",),
        brought_by=(*RUNNING, faults.delivered, faults.failing_endpoint),
        prints={
            DELIVERIES: Promise(
                1, "Problem: Endpoints without a success for 10 minutes: N. Ask their buyers."
            ),
            "manage.py reconcile deliveries": NO_DRIFT,
            STATUS: NO_PROBLEM,
        },
    ),
    State(
        name="a message that the buyer may have",
        pages=("deliveries-unknown",),
        brought_by=(*RUNNING, faults.delivered, faults.unknown_message),
        prints={
            DELIVERIES: Promise(
                1,
                "Problem: Messages that wait for a person to decide: N. The oldest has waited for over 4 hours.",
            ),
            "manage.py reconcile deliveries": NO_DRIFT,
            INCREMENTAL: ALL_HOLD,
        },
    ),
    State(
        name="an old hold",
        pages=("holds-open",),
        brought_by=(*RUNNING, faults.delivered, faults.old_hold),
        prints={
            DELIVERIES: Promise(1, "Problem: Open holds: N. The oldest has waited for over 2 hours."),
            "manage.py reconcile holds": NO_DRIFT,
            EXPLAIN: Promise(0, "status posting: Waiting for a buyer's system."),
        },
    ),
    State(
        name="an old return request",
        pages=("returns-waiting",),
        brought_by=(*RUNNING, faults.delivered, faults.old_return_request),
        prints={
            "manage.py returns": Promise(0, "bad_phone N TIME"),
            DELIVERIES: Promise(
                1,
                "Problem: Return requests that wait for review: N. The oldest has waited for over 3 days.",
            ),
            INCREMENTAL: ALL_HOLD,
        },
    ),
    State(
        name="a buyer who is late to pay",
        pages=("statements-overdue",),
        brought_by=(*RUNNING, faults.overdue_statement),
        prints={
            "manage.py statements": Promise(0, "Overdue statements"),
            "manage.py reconcile balances": NO_DRIFT,
            INCREMENTAL: ALL_HOLD,
        },
    ),
    State(
        name="a payment by card that waits for the provider",
        pages=("payments-stuck", "webhooks-refused"),
        brought_by=(*RUNNING, faults.old_payment),
        prints={
            "manage.py payments": Promise(0, "Open payments by card"),
            "manage.py reconcile payments": NO_DRIFT,
            INCREMENTAL: ALL_HOLD,
        },
    ),
)
