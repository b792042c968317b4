"""Runs every check on one consistent picture of the database: a read-only transaction of its own."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from django.db import connection, transaction

from distribution.verify import caps, charges, due, events, pools, privacy, replay, sales, wallets
from distribution.verify.findings import Findings, Invariant, Scope

INVARIANTS: Final = (
    Invariant(1, "wallets", "Every balance is the sum of its entries and within its limit", wallets.check),
    Invariant(2, "sales", "No lead is sold to more buyers than allowed, to none twice", sales.check),
    Invariant(3, "charges", "Every assignment was charged once, every return refunded", charges.check),
    Invariant(4, "due", "Every unfinished lead is due, every distributed one has a buyer", due.check),
    Invariant(5, "events", "Every attempt is traced from its start to one fitting end", events.check),
    Invariant(6, "pools", "Every enrolled buyer is once selected or once skipped", pools.check),
    Invariant(7, "replay", "Every decision, made again, is the same", replay.check),
    Invariant(8, "caps", "Counters tell the sales, no cap or budget is exceeded", caps.check),
    Invariant(9, "privacy", "No trace holds personal data of its lead", privacy.check),
)

# The newest so many leads are those from this id on.
FROM_LEAD: Final = """
SELECT clock_timestamp(), COALESCE((SELECT MIN(id) FROM (
    SELECT id FROM routing_lead ORDER BY id DESC LIMIT %s
) newest), 0)
"""


class Progress(Protocol):
    """Told of each check as it begins, and of each row that it streams."""

    def begin(self, invariant: Invariant) -> None: ...

    def tick(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Report:
    results: tuple[tuple[Invariant, Findings], ...]
    seconds: float

    @property
    def holds(self) -> bool:
        return all(findings.breaches == 0 for _, findings in self.results)


class Silent:
    """No progress."""

    def begin(self, invariant: Invariant) -> None:
        """Say nothing."""

    def tick(self) -> None:
        """Say nothing."""


def run_verification(*, limit: int | None = None, progress: Progress | None = None) -> Report:
    """Check all invariants, for the `limit` newest leads or for all.

    Needs to begin its own transaction: REPEATABLE READ, so that sales that commit meanwhile cannot look half done.
    """
    started = time.perf_counter()
    progress = progress or Silent()
    results = []
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL work_mem = '64MB'")
        from_lead, at = _scope(limit)
        scope = Scope(from_lead=from_lead, at=at, tick=progress.tick)
        for invariant in INVARIANTS:
            progress.begin(invariant)
            findings = Findings()
            invariant.check(scope, findings)
            results.append((invariant, findings))
    return Report(tuple(results), time.perf_counter() - started)


def _scope(limit: int | None) -> tuple[int, datetime]:
    with connection.cursor() as cursor:
        if limit is None:
            cursor.execute("SELECT clock_timestamp()")
            return 0, cursor.fetchone()[0]
        cursor.execute(FROM_LEAD, [limit])
        at, from_lead = cursor.fetchone()
    return from_lead, at
