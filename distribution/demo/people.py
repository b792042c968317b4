"""Makes leads as a web form would send them. Nobody in them exists: reserved phone numbers and mail domains."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from random import Random
from typing import Any, Final

from distribution.demo.catalogue import DEMAND, ELSEWHERE, FIRST_NAMES, LAST_NAMES, MARKETS, Market
from routing.places import find_place, zips_in_state, zips_within

AREA_CODES: Final = {"GA": "404", "TX": "214", "AZ": "602", "FL": "813", "OR": "503"}
REACH_MILES: Final = 35
PROPERTY_TYPES: Final = ("residential", "residential", "residential", "commercial", "mobile home")
CONSENT: Final = {"text": "I agree to be contacted about my request.", "url": "https://www.example.com/quote"}
URGENCIES: Final = ("today", "this week", "this month", "planning")


def make_leads(count: int, *, seed: int, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield request bodies of the intake API. Same seed, same leads; `at` is when they gave their consent."""
    random = Random(seed)  # noqa: S311 - makes examples, protects nothing
    zips = {market: _zips_around(market) for market in (*MARKETS, ELSEWHERE)}
    verticals, weights = list(DEMAND), list(DEMAND.values())
    for number in range(count):
        market = ELSEWHERE if random.random() < 0.06 else random.choice(MARKETS)
        vertical = random.choices(verticals, weights)[0]
        zip_code = random.choice(zips[market])
        lead = _lead(number, market=market, zip_code=zip_code, vertical=vertical, random=random)
        yield {**lead, "consent": {**CONSENT, "given_at": at.isoformat()}}


def _zips_around(market: Market) -> Sequence[str]:
    """ZIPs around the centre, within the market's state so that ZIP and state agree."""
    centre = find_place(market.zip)
    if centre is None or centre.latitude is None or centre.longitude is None:
        message = f"the ZIP {market.zip} of {market.name} has no known place"
        raise LookupError(message)
    near = zips_within(latitude=centre.latitude, longitude=centre.longitude, miles=REACH_MILES)
    in_state = set(zips_in_state(market.state))
    return [zip_code for zip_code in near if zip_code in in_state]


def _lead(number: int, *, market: Market, zip_code: str, vertical: str, random: Random) -> dict[str, Any]:
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    return {
        "first_name": first,
        "last_name": last,
        "email": f"{first}.{last}.{number}@example.com".lower(),
        "phone": f"({AREA_CODES[market.state]}) 555-01{number % 100:02d}",
        "zip": zip_code,
        "vertical": vertical,
        "external_id": f"form-{number}",
        "attributes": {
            "homeowner": random.random() < 0.85,
            "property_type": random.choice(PROPERTY_TYPES),
            "urgency": random.choice(URGENCIES),
            **({"roof_age": random.randint(0, 35)} if vertical == "roofing" and number % 9 else {}),
        },
    }
