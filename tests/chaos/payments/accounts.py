"""Compares what the provider has with the tables at the end. It uses none of the product's own checks."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.chaos.findings import Findings
from tests.chaos.payments.books import Books
from tests.chaos.playing import CHARGED_ONCE, check_tables, read_rows
from tests.chaos.probes import WITNESS

CHECKS: Final[Mapping[str, str]] = {
    **CHARGED_ONCE,
    "payments without an end": """
        SELECT 'payment ' || id FROM distribution_cardpayment WHERE state IN ('open', 'processing', 'needs_action')
    """,
    "refunds without an end": "SELECT 'refund ' || id FROM distribution_cardrefund WHERE state = 'open'",
    "payments of one wallet that were open at once": """
        SELECT 'payment ' || b.id FROM distribution_cardpayment a
        JOIN distribution_cardpayment b ON b.wallet_id = a.wallet_id AND b.id > a.id
            AND b.origin <> 'surplus' AND a.origin <> 'surplus'
            AND b.created_at < coalesce(a.ended_at, 'infinity')
    """,
    "wallets that differ from their entries": """
        SELECT 'wallet ' || w.id FROM distribution_wallet w
        LEFT JOIN distribution_ledgerentry e ON e.wallet_id = w.id AND e.kind NOT IN ('hold', 'release')
        GROUP BY w.id HAVING w.balance_cents <> coalesce(sum(e.amount_cents), 0) OR w.held_cents <> 0
    """,
}
BY_CARD: Final = """
SELECT c.provider_id, coalesce(sum(e.amount_cents), 0)::bigint
FROM distribution_cardcustomer c
JOIN distribution_wallet w ON w.buyer_id = c.buyer_id
LEFT JOIN distribution_ledgerentry e ON e.wallet_id = w.id
    AND e.kind IN ('topup', 'cardrefund', 'chargeback', 'won_back')
GROUP BY c.provider_id
"""


def examine(findings: Findings, *, books: Books, directory: Path) -> None:
    check_tables(findings, CHECKS)
    for check, examples in compare(books).items():
        findings.add(check, len(examples), examples[0])
    twice = find_applied_twice(directory)
    findings.add("webhooks applied twice", len(twice), "".join(twice[:1]))
    findings.add("webhooks answered wrongly", len(books.postman.broken), "".join(books.postman.broken[:1]))


def compare(books: Books) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for check, example in _compare(books):
        found[check].append(example)
    return found


def _compare(books: Books) -> Iterator[tuple[str, str]]:
    expected, booked = (
        books.expected_cents(),
        {str(customer): cents for customer, cents in read_rows(BY_CARD)},
    )
    for customer in booked.keys() | expected.keys():
        if booked.get(customer, 0) != expected.get(customer, 0):
            yield (
                "buyers whose credits differ from the provider's payments less refunds",
                f"{customer}: {booked.get(customer, 0)} booked, {expected.get(customer, 0)} paid",
            )
    paid = Counter(
        each["metadata"]["leadswitch_payment"]
        for each in books.provider.list_payments()
        if each["status"] == "succeeded"
    )
    for payment, count in paid.items():
        if count > 1:
            yield "payments for which the card was charged twice", payment
    keys: dict[str, set[str]] = defaultdict(set)
    for key, payment in books.provider.orders:
        keys[payment].add(key)
    for payment, used in keys.items():
        if len(used) > 1:
            yield "payments that were asked for with different keys", payment


def find_applied_twice(directory: Path) -> list[str]:
    lines = [json.loads(line) for line in (directory / WITNESS).read_text().splitlines()]
    applied = Counter(line["event"] for line in lines if line["what"] == "applied")
    return [event for event, count in applied.items() if count > 1]
