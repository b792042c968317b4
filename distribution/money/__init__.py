"""Money apart from sales: top-ups, adjustments, returns. Every movement has a ledger entry and a unique cause."""
