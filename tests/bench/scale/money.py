"""What follows from the sales of the history: ledger, returns, what is owed to sources, and the counters of caps."""

from typing import Any, Final

# Credits come once a month in twelve parts, with some manual corrections; then each sale and each return.
LEDGER: Final = """
INSERT INTO distribution_ledgerentry (
    public_id, wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, assignment_id, actor, reason,
    created_at, other_account
)
SELECT gen_random_uuid(), wallet_id, kind, cents, sum(cents) OVER (PARTITION BY wallet_id ORDER BY at, key), key,
    assignment_id, actor, reason, at,
    CASE WHEN kind IN ('topup', 'adjustment') THEN 'manual_clearing' ELSE 'revenue' END
FROM (
    SELECT w.id AS wallet_id, 'topup' AS kind, 10000 + spent.cents / 10 AS cents,
        'topup:scale-' || w.id || '-' || month AS key, NULL::bigint AS assignment_id, 'bench' AS actor, '' AS reason,
        statement_timestamp() - interval '366 days' + month * interval '30 days' AS at
    FROM distribution_wallet w
    JOIN (SELECT buyer_id, sum(price_cents)::bigint AS cents FROM distribution_assignment GROUP BY 1) spent
        ON spent.buyer_id = w.buyer_id
    CROSS JOIN generate_series(0, 11) AS month
    UNION ALL
    SELECT w.id, 'adjustment', 100, 'adjustment:scale-' || w.id, NULL, 'bench', 'rounding',
        statement_timestamp() - interval '100 days' FROM distribution_wallet w WHERE w.id %% 5 = 0
    UNION ALL
    SELECT w.id, 'charge', -d.price_cents, 'charge:' || d.public_id, d.id, 'engine', '', d.created_at
    FROM distribution_assignment d JOIN distribution_wallet w ON w.buyer_id = d.buyer_id
    UNION ALL
    SELECT w.id, 'refund', d.price_cents, 'refund:return:' || d.public_id, d.id, 'bench', 'wrong number', d.returned_at
    FROM distribution_assignment d JOIN distribution_wallet w ON w.buyer_id = d.buyer_id WHERE d.state = 'returned'
) moved ORDER BY at, key
"""
BALANCES: Final = """
UPDATE distribution_wallet w SET balance_cents = COALESCE(
    (SELECT sum(amount_cents) FROM distribution_ledgerentry e WHERE e.wallet_id = w.id), 0)
"""
RETURNS: Final = """
INSERT INTO distribution_returnrequest (
    public_id, assignment_id, lead_id, buyer_id, state, reason, text, requested_at, requested_by, decided_at,
    decided_by, decision_reason, is_automatic, is_full, refund_cents, refund_id, is_resold
)
SELECT gen_random_uuid(), d.id, d.lead_id, d.buyer_id, 'approved', 'agency', '', d.returned_at, 'bench', d.returned_at,
    'bench', 'wrong number', false, true, e.amount_cents, e.id, false
FROM distribution_ledgerentry e JOIN distribution_assignment d ON d.id = e.assignment_id
WHERE e.kind = 'refund' ORDER BY e.id
"""
# Contracts of the history pay all of the revenue, so that what is earned and deducted is the price.
PAYABLES: Final = """
INSERT INTO distribution_payableentry (
    source_id, kind, amount_cents, idempotency_key, lead_id, assignment_id, contract_id, actor, reason, created_at
)
SELECT l.source_id, CASE WHEN e.kind = 'refund' THEN 'deducted' ELSE 'earned' END, -e.amount_cents,
    CASE WHEN e.kind = 'refund' THEN 'deducted:refund:' || e.id ELSE 'earned:' || d.public_id END,
    d.lead_id, d.id, c.id, e.actor, e.reason, e.created_at
FROM distribution_ledgerentry e
JOIN distribution_assignment d ON d.id = e.assignment_id
JOIN routing_lead l ON l.id = d.lead_id
JOIN distribution_sourcecontract c ON c.source_id = l.source_id
WHERE e.kind IN ('charge', 'refund') ORDER BY e.id
"""
RESET: Final = "UPDATE distribution_enrollment SET counted_on = NULL, hour_starts_at = NULL, {zero}"
COUNTERS: Final = """
UPDATE distribution_enrollment e SET counted_on = found.latest, hour_starts_at = found.hour_at, {sets}
FROM (
    SELECT d.enrollment_id, latest, hour_at, {counts}
    FROM distribution_assignment d JOIN (
        SELECT a.enrollment_id, max(a.counted_on) AS latest,
            date_trunc('hour', max(a.created_at), min(b.timezone)) AS hour_at
        FROM distribution_assignment a JOIN distribution_buyer b ON b.id = a.buyer_id GROUP BY 1
    ) newest ON newest.enrollment_id = d.enrollment_id
    WHERE d.is_counted GROUP BY 1, 2, 3
) found WHERE found.enrollment_id = e.id
"""
SINCE: Final = {
    "hour": "d.created_at >= hour_at",
    "day": "d.counted_on = latest",
    "week": "d.counted_on >= date_trunc('week', latest)::date",
    "month": "d.counted_on >= date_trunc('month', latest)::date",
}


def follow_sales(cursor: Any) -> None:
    """Write what the sales of all leads mean: money, returns, what is owed, and counters."""
    cursor.execute(LEDGER, {})
    cursor.execute(BALANCES)
    cursor.execute(RETURNS)
    cursor.execute(PAYABLES)
    sums = {
        f"{kind}_{name}": f"{what} FILTER (WHERE {since})"
        for kind, since in SINCE.items()
        for name, what in (("leads", "count(*)"), ("spent_cents", "sum(d.price_cents)"))
    }
    sets = ", ".join(f"{name} = COALESCE(found.{name}, 0)" for name in sums)
    counts = ", ".join(f"{text} AS {name}" for name, text in sums.items())
    zero = ", ".join(f"{name} = 0" for name in sums)
    cursor.execute(RESET.format(zero=zero))
    cursor.execute(COUNTERS.format(sets=sets, counts=counts))
