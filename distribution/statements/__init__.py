"""Net terms: what buyers may owe and until when, their monthly statements as data, page, PDF and mail.

Each figure comes from the ledger. It moves no money.
"""
