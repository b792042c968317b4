"""The SQL of buyers who are late to pay, for reports and gauges."""

from typing import Final

# The newest statement that is past its day is enough: it carries the whole balance forward, so if it is paid, the
# older ones are too. A wallet that is not below $0 has paid all of them.
OVERDUE_STATEMENTS: Final = """
SELECT w.buyer_id, s.number, s.due_on, s.due_cents - COALESCE(paid.cents, 0) AS outstanding_cents
FROM distribution_wallet w
CROSS JOIN LATERAL (
    SELECT n.number, n.due_on, n.due_cents, n.last_entry_id FROM distribution_buyerstatement n
    WHERE n.wallet_id = w.id AND n.due_at <= now() ORDER BY n.month DESC LIMIT 1
) s
CROSS JOIN LATERAL (
    SELECT SUM(e.amount_cents)::bigint AS cents FROM distribution_ledgerentry e
    WHERE e.wallet_id = w.id AND e.id > s.last_entry_id AND e.amount_cents > 0
        AND e.kind IN ('topup', 'adjustment', 'refund', 'cardrefund', 'chargeback', 'won_back')
) paid
WHERE w.balance_cents < 0 AND s.due_cents > COALESCE(paid.cents, 0)
"""
