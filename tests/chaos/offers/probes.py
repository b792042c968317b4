"""What the suite changes in its own processes: shorter offers, and places at which a process kills itself when asked.

The product contains no code for it: `install` wraps its functions before the first process starts. SIGKILL from within
is the same signal as from outside, at an exact place.
"""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.chaos.probes import PROBE

# Seconds. The product's shortest offer takes five.
OFFER_SECONDS: Final = 3

# A web process has the lead of a claim, and nothing is decided yet.
LOCKED: Final = "locked"
# The buyer is charged, in a transaction that is not committed.
CHARGED: Final = "charged"
# The claim is committed, and the buyer has no answer.
CLAIMED: Final = "claimed"
# A worker has closed the offer, in a transaction that is not committed.
CLOSING: Final = "closing"
# The end of the offer and what followed it are committed, and the lead is still leased.
CLOSED: Final = "closed"
POINTS: Final = (LOCKED, CHARGED, CLAIMED, CLOSING, CLOSED)


def install(directory: Path) -> None:
    PROBE.open(directory)
    _shorten()
    _kill_at_claims()
    _kill_at_ends()


def _shorten() -> None:
    from distribution.attempts import offering

    begin = offering.open_offer

    def opened(lead: Any, *, campaign: Any, **named: Any) -> Any:
        offer = replace(campaign.offer, seconds=OFFER_SECONDS)
        return begin(lead, campaign=replace(campaign, offer=offer), **named)

    offering.open_offer = opened


def _kill_at_claims() -> None:
    from distribution.api import offers
    from distribution.offers import claim

    wait, sell, claim_offer = claim.wait_for_lead, claim.sell_selected, offers.claim_offer

    def waited(lead_id: int, **named: Any) -> Any:
        status = wait(lead_id, **named)
        if status == "offered":
            die_if_asked(LOCKED)
        return status

    def sold(*given: Any, **named: Any) -> Any:
        done = sell(*given, **named)
        die_if_asked(CHARGED)
        return done

    def claimed(*given: Any, **named: Any) -> Any:
        done = claim_offer(*given, **named)
        if done.is_new:
            die_if_asked(CLAIMED)
        return done

    claim.wait_for_lead, claim.sell_selected, offers.claim_offer = waited, sold, claimed


def _kill_at_ends() -> None:
    from distribution.attempts import lease, offering

    close, distribute = offering.close_offer, lease.distribute_lead
    closing: list[int] = []

    def closed(lead_id: int, **named: Any) -> Any:
        done = close(lead_id, **named)
        if done is not None:
            closing.append(lead_id)
            die_if_asked(CLOSING)
        return done

    def distributed(lead_id: int, **named: Any) -> Any:
        closing.clear()
        outcome = distribute(lead_id, **named)
        if closing:
            die_if_asked(CLOSED)
        return outcome

    offering.close_offer, lease.distribute_lead = closed, distributed


def die_if_asked(point: str) -> None:
    if PROBE.is_asked(point):
        PROBE.log("dies", point=point)
        os.kill(os.getpid(), signal.SIGKILL)
