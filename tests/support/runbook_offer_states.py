"""The states of the runbooks about offers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.support import runbook_faults as faults
from tests.support.offers import offering_campaign, open_offer_of
from tests.support.runbook_promises import DATABASE, NO_DRIFT, NO_LOCK, STATUS
from tests.support.runbook_state import State
from tests.support.runbooks import Promise


@contextmanager
def overdue_offer(_product: faults.Product) -> Iterator[None]:
    """Its minute was over three minutes ago, and no worker has closed it."""
    open_offer_of(offering_campaign(buyers=2), at=datetime.now(UTC) - timedelta(minutes=4))
    yield


OFFER_STATES: Final = (
    State(
        name="an offer that stays open",
        pages=("offers-overdue",),
        brought_by=(faults.led, faults.reconciled, overdue_offer),
        prints={
            STATUS: Promise(1, "Problem: No worker has sent a heartbeat for N seconds."),
            "manage.py reconcile offers": NO_DRIFT,
            DATABASE: NO_LOCK,
        },
    ),
)
