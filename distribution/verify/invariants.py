"""The invariants, with their checks and slices."""

from typing import Final

from distribution.verify import caps, charges, due, events, pools, privacy, replay, sales, wallets
from distribution.verify.findings import Invariant, Look
from distribution.verify.slices import Kind

INVARIANTS: Final = (
    Invariant(
        1,
        "wallets",
        "Every balance is the sum of its entries and within its limit",
        (Look(Kind.WALLETS, wallets.check),),
    ),
    Invariant(
        2,
        "sales",
        "No lead is sold to more buyers than allowed, or twice to one buyer",
        (Look(Kind.LEADS, sales.check),),
    ),
    Invariant(
        3,
        "charges",
        "Every assignment was charged once, and every return refunded",
        (Look(Kind.LEADS, charges.check_sales), Look(Kind.WALLETS, charges.check_entries)),
    ),
    Invariant(
        4,
        "due",
        "Every unfinished lead is due, and every distributed one has a buyer",
        (Look(Kind.LEADS, due.check),),
    ),
    Invariant(
        5,
        "events",
        "Every attempt is traced from its start to one matching end",
        (Look(Kind.ATTEMPTS, events.check_attempts), Look(Kind.LEADS, events.check_leads)),
    ),
    Invariant(
        6,
        "pools",
        "Every enrolled buyer is selected or skipped exactly once",
        (Look(Kind.ATTEMPTS, pools.check_attempts), Look(Kind.LEADS, pools.check_sales)),
    ),
    Invariant(7, "replay", "Every decision, replayed, is the same", (Look(Kind.ATTEMPTS, replay.check),)),
    Invariant(
        8,
        "caps",
        "Counters match the sales, and no cap or budget is exceeded",
        (Look(Kind.PLACES, caps.check),),
    ),
    Invariant(
        9, "privacy", "No trace contains personal data of its lead", (Look(Kind.ATTEMPTS, privacy.check),)
    ),
)
BY_NAME: Final = {invariant.name: invariant for invariant in INVARIANTS}
