"""The largest amounts that a configuration may have, so that a typing error does not become a charge.

The database checks the columns, `distribution/configuration/checks.py` the JSON parts, and forms the dollars. Pure.
"""

from typing import Final

# The most expensive leads in the United States (mass torts, commercial solar) cost a few thousand dollars.
MAX_PRICE_CENTS: Final = 10_000_000  # $100,000 for one lead
# People enter many nines to mean "no limit", so this value is large.
MAX_BUDGET_CENTS: Final = 10**12  # $10 billion in one window
MAX_BUYERS_PER_LEAD: Final = 1_000
MAX_CREDIT_LIMIT_CENTS: Final = 1_000_000_000  # $10,000,000
MAX_PRICE_RULES: Final = 100
MAX_RULE_PERCENT: Final = 1_000  # ten times the price
MAX_PERCENT_DECIMALS: Final = 4
# A lead is perishable: after an hour the next buyer would get an old one.
MAX_POST_DEADLINE_SECONDS: Final = 3_600
MIN_OFFER_SECONDS: Final = 5  # a person needs some seconds to read an offer
MAX_OFFER_SECONDS: Final = 3_600
MAX_OFFER_FIELDS: Final = 30
MIN_BID_DEADLINE_MS: Final = 100
MAX_BID_DEADLINE_MS: Final = 10_000
MAX_MARGIN_BPS: Final = 9_000  # 90%
# Of the price of a verified lead. An unverified one never costs more.
MAX_UNVERIFIED_PERCENT: Final = 100
