"""The payer: a thread of each deliverer that starts recharges and brings payments further. Sales never wait for it.

Several may run: PostgreSQL gives each payment to one of them. Without any, `reconcile payments` does the same.
"""

import logging
import threading
from typing import Final

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from distribution.payments.detaching import detach_next
from distribution.payments.failed_refunds import check_next
from distribution.payments.recharging import recharge_due
from distribution.payments.refunding import refund_next
from distribution.payments.sending import advance_next

logger = logging.getLogger(__name__)

RECHARGES_AT_ONCE: Final = 50
# Payments of one turn, so that recharges are looked at in between. A turn detaches one card.
STEPS_AT_ONCE: Final = 20
PAUSE_AFTER_FAILURE_SECONDS: Final = 5.0


def run_due(*, steps: int = STEPS_AT_ONCE) -> int:
    """One turn. Returns how much was done. No transaction may be open."""
    done = recharge_due(at=timezone.now(), limit=RECHARGES_AT_ONCE)
    for step, most in ((advance_next, steps), (refund_next, steps), (check_next, steps), (detach_next, 1)):
        for _ in range(most):
            if not step():
                break
            done += 1
    return done


class Payer(threading.Thread):
    """Runs until `stop` is set. `wake` is set by a Listener; without one it polls. It survives every failure."""

    def __init__(self, *, stop: threading.Event, wake: threading.Event) -> None:
        super().__init__(name="payer", daemon=True)
        self._stop_event, self._wake = stop, wake
        self._poll_seconds: float = settings.LEADSWITCH_PAYMENTS_POLL_MS / 1000

    def run(self) -> None:
        while not self._stop_event.is_set():
            self._wake.clear()
            if not self._turn():
                self._wake.wait(self._poll_seconds)
        connection.close()

    def _turn(self) -> int:
        try:
            close_old_connections()
            return run_due()
        except Exception as error:  # noqa: BLE001 - one bad payment must not end the thread, nor its deliverer
            self._note_failure(error)
        return 0

    def _note_failure(self, error: Exception) -> None:
        logger.error("payments.payer_failed", extra={"cause": type(error).__name__})
        close_old_connections()
        self._stop_event.wait(PAUSE_AFTER_FAILURE_SECONDS)
