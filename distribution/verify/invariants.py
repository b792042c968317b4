"""The invariants, with their checks and slices."""

from typing import Final

from distribution.verify import (
    accounts,
    calls,
    caps,
    charges,
    deliveries,
    due,
    events,
    offers,
    payables,
    pools,
    privacy,
    promises,
    replay,
    returns,
    sales,
    statements,
    subscriptions,
    verified,
    wallets,
)
from distribution.verify.findings import Invariant, SliceCheck
from distribution.verify.slices import SliceKind

INVARIANTS: Final = (
    Invariant(
        1,
        "wallets",
        "Every balance is the sum of its entries and within its limit",
        (SliceCheck(SliceKind.WALLETS, wallets.check),),
    ),
    Invariant(
        2,
        "sales",
        "No lead is sold to more buyers than allowed, twice to one buyer, or without the verification that its campaign"
        " asked for, and each claim fits its offer",
        (
            SliceCheck(SliceKind.LEADS, sales.check),
            SliceCheck(SliceKind.LEADS, offers.check_claims),
            SliceCheck(SliceKind.LEADS, verified.check),
        ),
    ),
    Invariant(
        3,
        "charges",
        "Every assignment was charged once, and every return was refunded",
        (
            SliceCheck(SliceKind.LEADS, charges.check_sales),
            SliceCheck(SliceKind.WALLETS, charges.check_entries),
        ),
    ),
    Invariant(
        4,
        "due",
        "Every unfinished lead has a due time, a verification or a claim, and every distributed lead has a buyer",
        (
            SliceCheck(SliceKind.LEADS, due.check),
            SliceCheck(SliceKind.LEADS, offers.check_due),
            SliceCheck(SliceKind.LEADS, calls.check_due),
        ),
    ),
    Invariant(
        5,
        "events",
        "Every attempt has a complete trace that ends with its result",
        (
            SliceCheck(SliceKind.ATTEMPTS, events.check_attempts),
            SliceCheck(SliceKind.LEADS, events.check_leads),
            SliceCheck(SliceKind.LEADS, offers.check_events),
            SliceCheck(SliceKind.LEADS, calls.check_events),
        ),
    ),
    Invariant(
        6,
        "pools",
        "Every enrolled buyer is selected, shown the offer or skipped exactly once",
        (
            SliceCheck(SliceKind.ATTEMPTS, pools.check_attempts),
            SliceCheck(SliceKind.LEADS, pools.check_sales),
        ),
    ),
    Invariant(
        7, "replay", "Every replayed decision is the same", (SliceCheck(SliceKind.ATTEMPTS, replay.check),)
    ),
    Invariant(
        8,
        "caps",
        "Counters match the sales, and no cap, budget or number of lines is exceeded",
        (SliceCheck(SliceKind.CAMPAIGN_BUYERS, caps.check), SliceCheck(SliceKind.WALLETS, calls.check_lines)),
    ),
    Invariant(
        9,
        "privacy",
        "No trace and no refused claim contains personal data of its lead",
        (
            SliceCheck(SliceKind.ATTEMPTS, privacy.check),
            SliceCheck(SliceKind.LEADS, privacy.check_refusals),
        ),
    ),
    Invariant(
        10,
        "payables",
        "What is owed for each lead is what its source's contract says, and no less than was promised for its ping",
        (SliceCheck(SliceKind.LEADS, payables.check), SliceCheck(SliceKind.LEADS, promises.check)),
    ),
    Invariant(
        11,
        "returns",
        "Every approved return has its own refund, and its assignment fits its state",
        (SliceCheck(SliceKind.LEADS, returns.check),),
    ),
    Invariant(
        12,
        "deliveries",
        "Every delivery has an end, a next time or a lease, and every sale and hold has its delivery",
        (
            SliceCheck(SliceKind.DELIVERIES, deliveries.check_deliveries),
            SliceCheck(SliceKind.LEADS, deliveries.check_sales),
        ),
    ),
    Invariant(
        13,
        "subscriptions",
        "Every event has its deliveries, to subscriptions that may have it",
        (SliceCheck(SliceKind.WALLETS, subscriptions.check),),
    ),
    Invariant(
        14,
        "accounts",
        "The sum over all accounts is 0, and every hold ends or has a reason to be open",
        (
            SliceCheck(SliceKind.WALLETS, accounts.check_wallets),
            SliceCheck(SliceKind.LEADS, accounts.check_leads),
        ),
    ),
    Invariant(
        15,
        "statements",
        "Every statement has the sums and lines of its ledger entries",
        (SliceCheck(SliceKind.WALLETS, statements.check),),
    ),
)
BY_NAME: Final = {invariant.name: invariant for invariant in INVARIANTS}
