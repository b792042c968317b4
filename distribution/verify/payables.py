"""Invariant: what is owed for each lead is what its source's contract says, and each sale and refund counts once.

Plain Python over simple statements: it shares no arithmetic with the triggers that write the entries.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Final, NamedTuple

from distribution.verify.findings import Findings
from distribution.verify.reading import stream
from distribution.verify.slices import Slice, in_leads

CONTRACTS: Final = """
SELECT source_id, id, pays, amount_cents, share_bps, returns_deducted, starts_at
FROM distribution_sourcecontract ORDER BY starts_at, id
"""
SALES: Final = f"""
SELECT a.id, a.lead_id, l.source_id, a.price_cents, a.state, a.created_at
FROM distribution_assignment a JOIN routing_lead l ON l.id = a.lead_id
WHERE a.state IN ('sold', 'returned') AND NOT a.is_test AND {in_leads("a.lead_id")}
    AND l.source_id IN (SELECT source_id FROM distribution_sourcecontract)
ORDER BY a.id
"""  # noqa: S608 - only a condition is put in
REFUNDS: Final = f"""
SELECT e.assignment_id, e.amount_cents
FROM distribution_ledgerentry e
JOIN distribution_assignment a ON a.id = e.assignment_id JOIN routing_lead l ON l.id = a.lead_id
WHERE e.kind = 'refund' AND {in_leads("a.lead_id")}
    AND l.source_id IN (SELECT source_id FROM distribution_sourcecontract)
"""  # noqa: S608 - only a condition is put in
ENTRIES: Final = f"""
SELECT id, lead_id, assignment_id, source_id, contract_id, kind, amount_cents
FROM distribution_payableentry WHERE lead_id IS NOT NULL AND {in_leads("lead_id")}
"""  # noqa: S608 - only a condition is put in


class Contract(NamedTuple):
    """One row of CONTRACTS, in the order of its columns."""

    source_id: int
    id: int
    pays: str
    amount_cents: int
    share_bps: int
    returns_deducted: bool
    starts_at: datetime


class Sale(NamedTuple):
    """One row of SALES, in the order of its columns."""

    id: int
    lead_id: int
    source_id: int
    price_cents: int
    state: str
    created_at: datetime


class Entry(NamedTuple):
    """One row of ENTRIES, in the order of its columns."""

    id: int
    lead_id: int
    assignment_id: int
    source_id: int
    contract_id: int
    kind: str
    amount_cents: int


@dataclass(slots=True)
class _Lead:
    """Sales under a contract, in their order."""

    sales: list[tuple[Sale, Contract]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


def check(part: Slice, findings: Findings) -> None:
    contracts = _read_contracts(part)
    refunds: dict[int, list[int]] = defaultdict(list)
    for assignment_id, cents in stream(REFUNDS, part):
        refunds[assignment_id].append(cents)
    leads: dict[int, _Lead] = defaultdict(_Lead)
    for sale in map(Sale._make, stream(SALES, part)):
        contract = _find_contract(contracts.get(sale.source_id, ()), at=sale.created_at)
        if contract is not None and contract.pays != "nothing":
            leads[sale.lead_id].sales.append((sale, contract))
    for entry in map(Entry._make, stream(ENTRIES, part)):
        leads[entry.lead_id].entries.append(entry)
    for lead_id, lead in leads.items():
        findings.checked += len(lead.sales)
        for message in _judge(lead, refunds):
            findings.add(f"lead {lead_id}", message)


def _read_contracts(part: Slice) -> Mapping[int, Sequence[Contract]]:
    found: dict[int, list[Contract]] = defaultdict(list)
    for contract in map(Contract._make, stream(CONTRACTS, part)):
        found[contract.source_id].append(contract)
    return found


def _find_contract(versions: Sequence[Contract], *, at: datetime) -> Contract | None:
    started = [version for version in versions if version.starts_at <= at]
    return started[-1] if started else None


def _judge(lead: _Lead, refunds: Mapping[int, Sequence[int]]) -> Iterator[str]:
    yield from _judge_counts(lead, refunds)
    yield from _judge_owners(lead)
    booked = sum(entry.amount_cents for entry in lead.entries)
    owed = owed_cents(lead.sales, refunds)
    if booked != owed:
        yield f"its contract owes {owed} cents, but {booked} are booked"


def _judge_counts(lead: _Lead, refunds: Mapping[int, Sequence[int]]) -> Iterator[str]:
    booked = Counter((entry.assignment_id, entry.kind) for entry in lead.entries)
    expected: Counter[tuple[int, str]] = Counter()
    for sale, _ in lead.sales:
        expected[sale.id, "earned"] = 1
        is_free_return = sale.state == "returned" and sale.price_cents == 0
        expected[sale.id, "deducted"] = len(refunds.get(sale.id, ())) + is_free_return
    for assignment_id, kind in sorted({*booked, *expected}):
        found, wanted = booked[assignment_id, kind], expected[assignment_id, kind]
        if found != wanted:
            yield f"assignment {assignment_id} has {found} entries of the kind {kind} and not {wanted}"


def _judge_owners(lead: _Lead) -> Iterator[str]:
    owners = {sale.id: (contract.source_id, contract.id) for sale, contract in lead.sales}
    for entry in lead.entries:
        if (entry.source_id, entry.contract_id) != owners.get(entry.assignment_id, ()):
            yield f"payable {entry.id} belongs to another source or contract than its sale"


def owed_cents(sales: Sequence[tuple[Sale, Contract]], refunds: Mapping[int, Sequence[int]]) -> int:
    """What the contracts owe for one lead. `round` of a fraction rounds half to even."""
    shares: dict[int, Fraction] = defaultdict(Fraction)
    for sale, contract in sales:
        if contract.pays == "share":
            shares[contract.id] += _part_left(sale, contract, refunds) * sale.price_cents * contract.share_bps
    fixed = [(sale, contract) for sale, contract in sales if contract.pays == "fixed"]
    most = max((_part_left(sale, contract, refunds) for sale, contract in fixed), default=Fraction(0))
    amount = fixed[0][1].amount_cents if fixed else 0
    return sum(round(part / 10_000) for part in shares.values()) + round(amount * most)


def _part_left(sale: Sale, contract: Contract, refunds: Mapping[int, Sequence[int]]) -> Fraction:
    """The part of the charge that was not paid back: 1 if returns are not deducted."""
    if not contract.returns_deducted:
        return Fraction(1)
    if sale.price_cents == 0:
        return Fraction(sale.state != "returned")
    left_cents = max(0, sale.price_cents - sum(refunds.get(sale.id, ())))
    return Fraction(left_cents, sale.price_cents)
