"""Invariant 14: the sum over all accounts is 0, every entry has both sides, and every hold ends or has a reason.

The revenue from a buyer is what its sales cost, by the assignments and not by the ledger, less refunds. So a balance
that agrees with its entries, but not with the sales, is found too.

A payable takes from an account of its workspace what it adds to another, so its sides sum to 0 if both are known.
"""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import count, search
from distribution.verify.slices import Slice, in_leads, in_wallets

CHECKED: Final = f"SELECT count(*) FROM distribution_wallet WHERE {in_wallets('id')}"  # noqa: S608 - only a condition is put in

SUM_IS_ZERO: Final = f"""
WITH paid AS (
    SELECT wallet_id,
        SUM(amount_cents) FILTER (WHERE other_account IN ('card_clearing', 'manual_clearing')) AS cents,
        SUM(amount_cents) FILTER (WHERE kind = 'refund') AS refunded_cents
    FROM distribution_ledgerentry WHERE {in_wallets("wallet_id")} GROUP BY wallet_id
), sold AS (
    SELECT buyer_id, SUM(price_cents) AS cents FROM distribution_assignment
    WHERE state IN ('sold', 'returned') AND NOT is_test
        AND buyer_id IN (SELECT buyer_id FROM distribution_wallet WHERE {in_wallets("id")})
    GROUP BY buyer_id
), account AS (
    SELECT w.id, w.balance_cents AS wallet, COALESCE(s.cents, 0) - COALESCE(p.refunded_cents, 0) AS revenue,
        -COALESCE(p.cents, 0) AS clearing
    FROM distribution_wallet w
    LEFT JOIN paid p ON p.wallet_id = w.id LEFT JOIN sold s ON s.buyer_id = w.buyer_id
    WHERE {in_wallets("w.id")}
)
SELECT 'wallet ' || id AS subject,
    format('balance %%s, revenue %%s and payments %%s sum to %%s cents and not to 0', wallet, revenue, clearing,
        wallet + revenue + clearing) AS message
FROM account WHERE wallet + revenue + clearing <> 0
"""  # noqa: S608 - only conditions are put in

# Entries that name a side which their kind cannot have.
_OTHER_SIDE: Final = """
SELECT '{name} ' || id AS subject,
    format('is of the kind %%s, but its other side is %%s', kind, other_account) AS message
FROM {table} WHERE CASE {sides} END AND {of_part}
"""
_LEDGER_SIDES: Final = """
    WHEN kind = 'topup' THEN other_account NOT IN ('card_clearing', 'manual_clearing')
    WHEN kind = 'adjustment' THEN other_account <> 'manual_clearing'
    WHEN kind IN ('cardrefund', 'chargeback', 'won_back') THEN other_account <> 'card_clearing'
    ELSE other_account <> 'revenue'
"""
_PAYABLE_SIDES: Final = """
    WHEN kind = 'paid' THEN other_account <> 'manual_clearing' ELSE other_account <> 'source_costs'
"""
ENTRIES: Final = _OTHER_SIDE.format(
    name="ledger entry",
    table="distribution_ledgerentry",
    sides=_LEDGER_SIDES,
    of_part=in_wallets("wallet_id"),
)
PAYABLES: Final = _OTHER_SIDE.format(
    name="payable", table="distribution_payableentry", sides=_PAYABLE_SIDES, of_part=in_leads("lead_id")
)
# Few among the sales: all of them are read, by their own index.
PAYABLES_BY_HAND: Final = _OTHER_SIDE.format(
    name="payable",
    table="distribution_payableentry",
    sides=_PAYABLE_SIDES,
    of_part="kind IN ('adjustment', 'paid')",
)

# The reconciler ends a hold within seconds after its timeout, unless the buyer may have the lead.
HOLDS_END: Final = f"""
SELECT 'assignment ' || d.id AS subject,
    format('is held, but timed out at %%s, and nothing was sent', to_char(e.expires_at AT TIME ZONE 'UTC',
        'YYYY-MM-DD HH24:MI:SS "UTC"')) AS message
FROM distribution_assignment d
JOIN distribution_ledgerentry e ON e.assignment_id = d.id AND e.kind = 'hold'
WHERE d.state = 'held' AND e.expires_at < %(at)s - interval '10 minutes' AND {in_leads("d.lead_id")}
    AND NOT EXISTS (
        SELECT FROM distribution_delivery y
        WHERE y.assignment_id = d.id AND (y.state IN ('posting', 'unknown') OR EXISTS (
            SELECT FROM distribution_deliverytry t WHERE t.delivery_id = y.id AND t.outcome <> 'not_sent'
        ))
    )
"""  # noqa: S608 - only conditions are put in


def check_wallets(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    search(findings, SUM_IS_ZERO, part)
    search(findings, ENTRIES, part)
    search(findings, PAYABLES_BY_HAND, part)


def check_leads(part: Slice, findings: Findings) -> None:
    search(findings, PAYABLES, part)
    search(findings, HOLDS_END, part)
