"""Invariant 15: a statement is what the ledger says: its opening balance, each of its sums, its lines and its end.

The sums are made here from the entries, by their ids, and not by the code that issued the statement. An opening balance
is compared with that of the last entry before, which invariant 1 compares with the sum: so no entry is read once for
each later month.
"""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import count, search
from distribution.verify.slices import Slice, in_wallets

CHECKED: Final = f"SELECT count(*) FROM distribution_buyerstatement WHERE {in_wallets('wallet_id')}"  # noqa: S608 - only a condition is put in

SUMS_FIT: Final = f"""
SELECT 'statement ' || s.id AS subject,
    format('has %%s of %%s cents, but its entries have %%s', x.name, x.stated, x.booked) AS message
FROM distribution_buyerstatement s
CROSS JOIN LATERAL (
    SELECT COALESCE(SUM(amount_cents) FILTER (WHERE kind IN ('charge', 'capture')), 0) AS charged,
        COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'refund'), 0) AS refunded,
        COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'topup'), 0) AS topped_up,
        COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'adjustment'), 0) AS adjusted,
        COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'cardrefund'), 0) AS card_refunded,
        COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'chargeback'), 0) AS charged_back,
        COALESCE(SUM(amount_cents) FILTER (WHERE kind = 'won_back'), 0) AS won_back
    FROM distribution_ledgerentry e
    WHERE e.wallet_id = s.wallet_id AND e.id > s.after_entry_id AND e.id <= s.last_entry_id
) e
CROSS JOIN LATERAL (
    SELECT COALESCE((
        SELECT balance_after_cents FROM distribution_ledgerentry b
        WHERE b.wallet_id = s.wallet_id AND b.id <= s.after_entry_id ORDER BY b.id DESC LIMIT 1
    ), 0) AS cents
) before
CROSS JOIN LATERAL (VALUES
    ('an opening balance', s.opening_cents, before.cents),
    ('charges', s.charged_cents, e.charged),
    ('refunds', s.refunded_cents, e.refunded),
    ('top-ups', s.topped_up_cents, e.topped_up),
    ('adjustments', s.adjusted_cents, e.adjusted),
    ('refunds to cards', s.card_refunded_cents, e.card_refunded),
    ('chargebacks', s.charged_back_cents, e.charged_back),
    ('chargebacks won back', s.won_back_cents, e.won_back),
    ('a closing balance', s.closing_cents, before.cents + e.charged + e.refunded + e.topped_up + e.adjusted
        + e.card_refunded + e.charged_back + e.won_back)
) x (name, stated, booked)
WHERE {in_wallets("s.wallet_id")} AND x.stated <> x.booked
"""  # noqa: S608 - only a condition is put in

# The lines of campaigns are all of its charges. Single movements are listed up to a limit: each must be an entry.
LINES_FIT: Final = f"""
SELECT 'statement ' || s.id AS subject, x.message
FROM distribution_buyerstatement s
CROSS JOIN LATERAL (
    SELECT COALESCE(SUM((line->>'amount_cents')::bigint), 0) AS cents,
        COALESCE(SUM((line->>'leads')::bigint), 0) AS leads
    FROM jsonb_array_elements(s.details->'campaigns') line
) c
CROSS JOIN LATERAL (
    SELECT count(*) AS number
    FROM jsonb_array_elements(s.details->'movements') line
    LEFT JOIN distribution_ledgerentry e ON e.wallet_id = s.wallet_id AND e.id > s.after_entry_id
        AND e.id <= s.last_entry_id AND e.public_id = (line->>'entry_id')::uuid
        AND e.kind = line->>'kind' AND e.amount_cents = (line->>'amount_cents')::bigint
    WHERE e.id IS NULL
) wrong
CROSS JOIN LATERAL (
    SELECT format('its campaigns sum to %%s cents and %%s leads, but it charges %%s cents for %%s', c.cents, c.leads,
        s.charged_cents, s.leads) AS message
    WHERE c.cents <> s.charged_cents OR c.leads <> s.leads
    UNION ALL
    SELECT format('lists movements that are no entries of its month: %%s', wrong.number) WHERE wrong.number > 0
) x
WHERE {in_wallets("s.wallet_id")}
"""  # noqa: S608 - only a condition is put in

# The next month begins with the entry after the last one. A month without a statement may be between two.
FOLLOWS: Final = f"""
SELECT 'statement ' || id AS subject,
    format('begins after entry %%s, but the one before ends with %%s', after_entry_id, before) AS message
FROM (
    SELECT id, month, after_entry_id, lag(last_entry_id) OVER months AS before, lag(month) OVER months AS month_before
    FROM distribution_buyerstatement WHERE {in_wallets("wallet_id")}
    WINDOW months AS (PARTITION BY wallet_id ORDER BY month)
) s
WHERE before > after_entry_id OR (before <> after_entry_id AND month_before + interval '1 month' = month)
"""  # noqa: S608 - only a condition is put in


def check(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    search(findings, SUMS_FIT, part)
    search(findings, LINES_FIT, part)
    search(findings, FOLLOWS, part)
