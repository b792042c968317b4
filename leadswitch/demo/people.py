"""Makes leads as a web form would send them. The people are invented: reserved phone numbers and mail domains."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from random import Random
from typing import Any, Final

from leadswitch.demo.catalog import DEMAND, ELSEWHERE, FIRST_NAMES, LAST_NAMES, MARKETS, Market
from routing.places.zips import find_place, zips_in_state, zips_within

# Each has 100 reserved numbers: 555-0100 to 555-0199.
AREA_CODES: Final = {
    "GA": ("404", "470", "678", "770", "706", "762", "229", "478", "912"),
    "TX": ("214", "972", "469", "817", "682", "940", "903", "430", "254"),
    "AZ": ("602", "480", "623", "520", "928"),
    "FL": ("813", "727", "941", "863", "352", "407", "321", "386"),
    "OR": ("503", "971", "541", "458"),
}
NUMBERS_PER_CODE: Final = 100
REACH_MILES: Final = 35
PROPERTY_TYPES: Final = ("residential", "residential", "residential", "commercial", "mobile home")
CONSENT: Final = {"text": "I agree to be contacted about my request.", "url": "https://www.example.com/quote"}
PERSON: Final = ("first_name", "last_name", "email", "phone")
URGENCIES: Final = ("today", "this week", "this month", "planning")


def make_leads(count: int, *, seed: int, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield request bodies of the intake API, each of another person. Same seed, same leads.

    `at` is when they gave their consent.
    """
    random = Random(seed)  # noqa: S311 - makes examples, protects nothing
    zips = {market: _zips_around(market) for market in (*MARKETS, ELSEWHERE)}
    verticals, weights = list(DEMAND), list(DEMAND.values())
    in_market: Counter[str] = Counter()
    for number in range(count):
        market = ELSEWHERE if random.random() < 0.06 else random.choice(MARKETS)
        vertical = random.choices(verticals, weights)[0]
        zip_code = random.choice(zips[market])
        lead = _lead(number, zip_code=zip_code, vertical=vertical, random=random)
        lead["phone"] = _phone(market.state, in_market[market.state])
        in_market[market.state] += 1
        yield {**lead, "consent": {**CONSENT, "given_at": at.isoformat()}}


def make_partner_leads(
    count: int, *, known: Sequence[dict[str, Any]], seed: int, at: datetime
) -> Iterator[dict[str, Any]]:
    """Yield what a partner sends: new people, but each fifth is one of `known`, and each tenth is sent again."""
    random = Random(seed)  # noqa: S311 - makes examples, protects nothing
    new = make_leads(count, seed=seed + 1, at=at)
    before: dict[str, Any] = {}
    for number, lead in enumerate(new):
        lead["email"] = f"partner.{lead['email']}"
        lead["phone"] = ""  # the reserved numbers are used by the others
        if number % 5 == 4 and known:
            person = random.choice(known)
            lead = {**lead, **{name: person[name] for name in PERSON}}
        elif number % 10 == 8:
            lead = {**before}
        before = lead
        yield {**lead, "external_id": f"partner-{number}"}


def _phone(state: str, number: int) -> str:
    """Return a different number each time, and "" when they are used up."""
    place, line = divmod(number, NUMBERS_PER_CODE)
    codes = AREA_CODES[state]
    return f"({codes[place]}) 555-01{line:02d}" if place < len(codes) else ""


def _zips_around(market: Market) -> Sequence[str]:
    """ZIPs around the center, within the market's state so that ZIP and state agree."""
    center = find_place(market.zip)
    if center is None or center.latitude is None or center.longitude is None:
        message = f"the ZIP {market.zip} of {market.name} has no known place"
        raise LookupError(message)
    near = zips_within(latitude=center.latitude, longitude=center.longitude, miles=REACH_MILES)
    in_state = set(zips_in_state(market.state))
    return [zip_code for zip_code in near if zip_code in in_state]


def _lead(number: int, *, zip_code: str, vertical: str, random: Random) -> dict[str, Any]:
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    return {
        "first_name": first,
        "last_name": last,
        "email": f"{first}.{last}.{number}@example.com".lower(),
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
