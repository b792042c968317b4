"""Payments by card: cards, purchases of credits, automatic recharge, refunds, disputes, the provider's webhooks.

The row of a payment is committed before its request. Whatever the provider says is applied by `settle`, which is
harmless when repeated or out of order. No request runs inside a transaction. Wallets move only through
distribution.money.
"""
