"""The four regions of the US Census Bureau, by state. Territories and military addresses have none."""

from typing import Final

# Source: U.S. Census Bureau, Census Regions and Divisions of the United States.
_STATES: Final = {
    "Northeast": ("CT", "MA", "ME", "NH", "NJ", "NY", "PA", "RI", "VT"),
    "Midwest": ("IA", "IL", "IN", "KS", "MI", "MN", "MO", "ND", "NE", "OH", "SD", "WI"),
    "South": (
        *("AL", "AR", "DC", "DE", "FL", "GA", "KY", "LA", "MD", "MS", "NC", "OK"),
        *("SC", "TN", "TX", "VA", "WV"),
    ),
    "West": ("AK", "AZ", "CA", "CO", "HI", "ID", "MT", "NM", "NV", "OR", "UT", "WA", "WY"),
}
REGIONS: Final = tuple(_STATES)
_REGIONS: Final = {state: region for region, states in _STATES.items() for state in states}


def find_region(state: str | None, *, country: str) -> str | None:
    """`state` is the two-letter code. None outside the 50 states and DC."""
    return _REGIONS.get(state or "") if country == "US" else None
