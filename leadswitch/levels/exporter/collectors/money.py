"""Wallets that are nearly empty, wallets that differ from their ledger, and buyers who are late to pay."""

from typing import Final

from distribution.statements.overdue import OVERDUE_STATEMENTS
from leadswitch.levels.exporter.series import CollectorRow, Series, Values
from leadswitch.levels.rows import fetch_row

BELOW_DAILY_SPEND: Final = Series(
    "leadswitch_wallets_below_daily_spend",
    (
        "Wallets of active buyers whose credit does not cover another day. A day's spend is that of the"
        " latest day with a sale, or the daily average of its week or month if that is more. Buyers"
        " without a sale in seven days do not count."
    ),
)
DRIFTED: Final = Series(
    "leadswitch_wallets_drifted",
    (
        "Wallets whose balance differs from that of their newest ledger entry, or that the last run of"
        " the reconciler balances reported, whichever is more."
    ),
)

OVERDUE: Final = Series(
    "leadswitch_buyers_overdue",
    "Buyers with a statement whose last day to pay has passed, and that is not paid in full.",
)

COUNT_BELOW: Final = """
SELECT count(*) FROM (
    SELECT buyer_id, sum(greatest(
        day_spent_cents,
        week_spent_cents / extract(isodow FROM counted_on),
        month_spent_cents / extract(day FROM counted_on)
    )) AS cents
    FROM distribution_enrollment
    WHERE archived_at IS NULL AND active AND counted_on > current_date - 7
    GROUP BY buyer_id
) spend
JOIN distribution_wallet w USING (buyer_id)
JOIN distribution_buyer b ON b.id = w.buyer_id AND (b.paused_at IS NULL OR b.paused_until IS NOT NULL)
WHERE spend.cents > 0 AND w.balance_cents - w.held_cents + w.credit_limit_cents < spend.cents
"""
# One entry a wallet, through ledger_wallet_newest. The reconciler sums all of them.
COUNT_DRIFTED: Final = """
SELECT greatest(
    (SELECT count(*) FROM distribution_wallet w
     LEFT JOIN LATERAL (
         SELECT e.balance_after_cents FROM distribution_ledgerentry e
         WHERE e.wallet_id = w.id ORDER BY e.id DESC LIMIT 1
     ) newest ON true
     WHERE w.balance_cents <> coalesce(newest.balance_after_cents, 0)),
    (SELECT skipped FROM routing_reconcilerrun WHERE name = 'balances')
)
"""
COUNT_OVERDUE: Final = f"SELECT count(*) FROM ({OVERDUE_STATEMENTS}) overdue"  # noqa: S608 - a constant


def read() -> Values:
    (below,), (drifted,), (overdue,) = (
        fetch_row(query) for query in (COUNT_BELOW, COUNT_DRIFTED, COUNT_OVERDUE)
    )
    return {BELOW_DAILY_SPEND: below, DRIFTED: drifted, OVERDUE: overdue}


MONEY: Final = CollectorRow("money", (BELOW_DAILY_SPEND, DRIFTED, OVERDUE), read)
