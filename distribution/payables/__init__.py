"""What the agency owes a source for its leads: terms, the append-only ledger of payables, statements.

It pays nobody, and moves no money of buyers.
"""
