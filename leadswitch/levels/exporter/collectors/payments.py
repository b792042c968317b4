"""Payments and refunds by card that have not ended, and surplus payments that were not paid back."""

from typing import Final

from leadswitch.levels.exporter.series import CollectorRow, Series, Values
from leadswitch.levels.rows import fetch_row

OPEN: Final = Series(
    "leadswitch_payments_open",
    (
        "Payments by card that have not ended, with those that the cardholder must confirm, refunds, and surplus"
        " payments whose refund failed."
    ),
)
OLDEST: Final = Series(
    "leadswitch_payment_oldest_open_age_seconds",
    (
        "Age of the oldest payment or refund that waits for the card provider, or surplus payment whose refund failed;"
        " 0 without one. Payments that the cardholder must confirm do not count."
    ),
)
# Partial indexes have only these rows. A surplus has an open refund, or its refund failed and a person must act.
READ: Final = """
WITH payments AS (
    SELECT state, created_at FROM distribution_cardpayment WHERE state IN ('open', 'processing', 'needs_action')
), refunds AS (
    SELECT created_at FROM distribution_cardrefund WHERE state = 'open'
), surplus AS (
    SELECT created_at FROM distribution_cardpayment p WHERE state = 'surplus' AND refunded_cents < amount_cents
        AND NOT EXISTS (SELECT FROM distribution_cardrefund r WHERE r.payment_id = p.id AND r.state = 'open')
), waiting AS (
    SELECT created_at FROM payments WHERE state <> 'needs_action' UNION ALL SELECT created_at FROM refunds
    UNION ALL SELECT created_at FROM surplus
)
SELECT (SELECT count(*) FROM payments) + (SELECT count(*) FROM refunds) + (SELECT count(*) FROM surplus),
    (SELECT coalesce(greatest(extract(epoch FROM now() - min(created_at)), 0), 0) FROM waiting)
"""


def read() -> Values:
    number, oldest = fetch_row(READ)
    return {OPEN: number, OLDEST: oldest}


PAYMENTS: Final = CollectorRow("payments", (OPEN, OLDEST), read)
