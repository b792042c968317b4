"""What the suite changes in its own processes: shorter waits, and places at which a process kills itself when asked.

The product contains no code for it: `install` wraps its functions before the first process starts.
"""

import json
import os
import signal
import threading
from datetime import timedelta
from pathlib import Path
from random import random
from typing import Any, Final

from tests.chaos.probes import PROBE
from tests.chaos.protections import cut

# The product waits for a killed payer for two minutes, for a request that was cut off for 90 seconds, and for the
# success of a payment that is processed for ten minutes.
LEASE_SECONDS: Final = 2
SETTLING: Final = timedelta(seconds=1)
WAIT: Final = timedelta(seconds=0.2)
LONGEST_WAIT: Final = timedelta(seconds=1)
# A killed payer counts as a request without an answer.
MAX_SENDS: Final = 100
# A request lasts about this long at least, so a process dies in the middle of one.
LONGEST_ASKING: Final = 0.01

# The row of a recharge is committed, and nothing is sent.
STARTED: Final = "started"
# The request is out, and its answer is not known.
ASKING: Final = "asking"
# The provider has the money, and only this process knows.
PAID: Final = "paid"
# The wallet is credited, in a transaction of the payer that is not committed.
CREDITED: Final = "credited"
# A webhook is applied, in a transaction that is not committed.
HEARING: Final = "hearing"
# A webhook is committed, and the provider has no answer.
HEARD: Final = "heard"
POINTS: Final = (STARTED, ASKING, PAID, CREDITED, HEARING, HEARD)


def install(directory: Path) -> None:
    PROBE.open(directory)
    _shorten()
    _kill_payers()
    _kill_web()


def _shorten() -> None:
    from distribution.payments import refunding, sending, settle

    for module in (sending, refunding):
        cut(module, "CLAIM", "'120 seconds'", f"'{LEASE_SECONDS} seconds'")
        module.FIRST_WAIT, module.LONGEST_WAIT = WAIT, LONGEST_WAIT  # type: ignore[misc]
    settle.ASK_AGAIN_AFTER = LONGEST_WAIT  # type: ignore[misc]
    sending.SETTLING, sending.MAX_SENDS = SETTLING, MAX_SENDS  # type: ignore[misc]


def _kill_payers() -> None:
    from distribution.payments import payer, sending, settle

    start, create, credit = payer.recharge_due, sending.create_intent, settle.top_up

    def started(**named: Any) -> int:
        done = start(**named)
        if done:
            die_if_asked(STARTED)
        return done

    def created(order: Any) -> Any:
        if PROBE.is_asked(ASKING):
            threading.Timer(random() * LONGEST_ASKING, die, [ASKING]).start()
        made = create(order)
        die_if_asked(PAID)
        return made

    def credited(*given: Any, **named: Any) -> Any:
        entry = credit(*given, **named)
        if PROBE.program == "deliverer":
            die_if_asked(CREDITED)
        return entry

    payer.recharge_due, sending.create_intent, settle.top_up = started, created, credited


def _kill_web() -> None:
    from distribution.api import paymentwebhook
    from distribution.payments import webhook

    receive, apply = paymentwebhook.receive, webhook._apply

    def applied(*given: Any, **named: Any) -> str:
        result = apply(*given, **named)
        die_if_asked(HEARING)
        return result

    def received(raw: bytes, **named: Any) -> str:
        result = receive(raw, **named)
        if result == webhook.APPLIED:
            PROBE.log("applied", event=json.loads(raw)["id"])
        die_if_asked(HEARD)
        return result

    paymentwebhook.receive, webhook._apply = received, applied


def die_if_asked(point: str) -> None:
    if PROBE.is_asked(point):
        die(point)


def die(point: str) -> None:
    PROBE.log("dies", point=point)
    os.kill(os.getpid(), signal.SIGKILL)
