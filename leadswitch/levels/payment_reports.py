"""Reports about payments by card for the runbooks."""

from typing import Final

from leadswitch.levels.reports import Report, read_report

OPEN: Final = """
SELECT w.slug AS workspace, b.name AS buyer, p.public_id AS payment, p.what, p.state, p.tries,
    (p.amount_cents / 100.0)::numeric(14, 2) AS dollars, p.created_at AS since, p.next_try_at AS next_try
FROM (
    SELECT public_id, 'payment' AS what, state, tries, amount_cents, created_at, next_try_at, wallet_id
    FROM distribution_cardpayment WHERE state IN ('open', 'processing', 'needs_action')
    UNION ALL
    SELECT r.public_id, 'refund', r.state, r.tries, r.amount_cents, r.created_at, r.next_try_at, p.wallet_id
    FROM distribution_cardrefund r JOIN distribution_cardpayment p ON p.id = r.payment_id WHERE r.state = 'open'
    UNION ALL
    SELECT public_id, 'surplus', 'not paid back', tries, amount_cents - refunded_cents, created_at, NULL, wallet_id
    FROM distribution_cardpayment p WHERE state = 'surplus' AND refunded_cents < amount_cents
        AND NOT EXISTS (SELECT FROM distribution_cardrefund r WHERE r.payment_id = p.id AND r.state = 'open')
) p
JOIN distribution_wallet wa ON wa.id = p.wallet_id
JOIN distribution_buyer b ON b.id = wa.buyer_id
JOIN routing_workspace w ON w.id = b.workspace_id
ORDER BY p.created_at
LIMIT %(limit)s
"""
WEBHOOKS: Final = """
SELECT kind, result, count(*) AS webhooks, max(received_at) AS latest
FROM distribution_providerevent WHERE received_at > now() - interval '1 day'
GROUP BY kind, result ORDER BY kind, result LIMIT %(limit)s
"""


def report_open(*, limit: int) -> Report:
    """The oldest first."""
    return read_report("Open payments by card", OPEN, {"limit": limit}, empty="No payment by card is open.")


def report_webhooks(*, limit: int) -> Report:
    empty = "No webhook of the card provider was accepted in the last day."
    return read_report("Webhooks accepted in the last day", WEBHOOKS, {"limit": limit}, empty=empty)
