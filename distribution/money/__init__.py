"""Money apart from sales: top-ups, adjustments, refunds. Every movement has a ledger entry and a unique cause."""
