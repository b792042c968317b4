"""The largest amounts that a configuration may name. A typed error must not become a charge.

The database checks the columns, `distribution/definitions.py` the JSON parts, forms the dollars. Pure.
"""

from typing import Final

# The dearest leads sold in the United States (mass torts, commercial solar) cost a few thousand dollars.
MAX_PRICE_CENTS: Final = 10_000_000  # $100,000 for one lead
MAX_BUDGET_CENTS: Final = 10_000_000_000  # $100,000,000 in one window
MAX_CREDIT_LIMIT_CENTS: Final = 1_000_000_000  # $10,000,000
MAX_CAP_LEADS: Final = 10_000_000
MAX_BUYERS_A_LEAD: Final = 100
MAX_PRIORITY: Final = 1_000_000
MAX_POSITION: Final = 10_000
MAX_PRICE_RULES: Final = 100
MAX_RULE_PERCENT: Final = 1_000  # ten times the price
MAX_PERCENT_DECIMALS: Final = 4
