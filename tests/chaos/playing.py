"""What the parts that kill processes at exact places have in common: a step, the checks in the tables, the totals."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection

from distribution.attempts.distribute import distribute_next_due
from distribution.verify import run_verification
from tests.chaos.findings import Findings

Progress = Callable[[str], object]
CHARGED_ONCE: Final[Mapping[str, str]] = {
    "sales that were not charged once, at their price, to their buyer": """
        SELECT 'assignment ' || a.id FROM distribution_assignment a
        LEFT JOIN distribution_ledgerentry e ON e.assignment_id = a.id AND e.kind IN ('charge', 'capture')
        LEFT JOIN distribution_wallet w ON w.id = e.wallet_id AND w.buyer_id = a.buyer_id
        WHERE a.state = 'sold'
        GROUP BY a.id HAVING count(e.id) <> 1 OR count(w.id) <> 1 OR sum(-e.amount_cents) <> a.price_cents
    """,
    "charges for leads that were not sold": """
        SELECT 'entry ' || e.id FROM distribution_ledgerentry e
        LEFT JOIN distribution_assignment a ON a.id = e.assignment_id
        WHERE e.kind IN ('charge', 'capture') AND a.state IS DISTINCT FROM 'sold'
    """,
}
# Of buyers with one top-up by hand.
WALLETS: Final[Mapping[str, str]] = {
    "wallets that still hold money": "SELECT 'wallet ' || id FROM distribution_wallet WHERE held_cents <> 0",
    "wallets that differ from what was sold": """
        SELECT 'wallet ' || w.id FROM distribution_wallet w
        JOIN distribution_ledgerentry t ON t.wallet_id = w.id AND t.kind = 'topup'
        LEFT JOIN distribution_assignment a ON a.buyer_id = w.buyer_id AND a.state = 'sold'
        GROUP BY w.id, t.amount_cents HAVING w.balance_cents <> t.amount_cents - coalesce(sum(a.price_cents), 0)
    """,
}


@dataclass(slots=True)
class Result:
    """`order`: the options of the run."""

    order: Any
    findings: Findings = field(default_factory=Findings)
    seconds: float = 0.0
    totals: Mapping[str, int] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)


def play(stage: Any, step: Sequence[str], *, faults: Mapping[str, Callable[[Any], None]]) -> None:
    """Each name is a fault, or a place at which a process is killed."""
    for each in step:
        if each in faults:
            faults[each](stage)
            stage.seen[each] += 1
        else:
            stage.kill(each)


def pick_up_due(seen: Counter[str]) -> None:
    """Run what is due, as the dispatcher and its workers do."""
    while distribute_next_due().lead_id is not None:
        seen["attempts picked up"] += 1


def check_tables(findings: Findings, checks: Mapping[str, str]) -> None:
    """Each statement finds rows that must not exist: the finding -> SQL with one column, an example."""
    for check, sql in checks.items():
        rows = read_rows(sql)
        findings.add(check, len(rows), str(rows[0][0]) if rows else "")


def verify(findings: Findings) -> None:
    for invariant, found in run_verification().results:
        example = str(found.examples[0]) if found.examples else ""
        findings.add(f"verify {invariant.number}, {invariant.name}", found.breaches, example)


def read_totals(sql: str, parameters: Mapping[str, object] | None = None) -> dict[str, int]:
    """One row: each column by its name."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        names: list[Any] = [column.name for column in cursor.description or ()]
        return dict(zip(names, cursor.fetchone(), strict=True))


def read_rows(sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[object, ...]] = cursor.fetchall()
        return rows
