"""The leads of a run: every number gives the same lead again. Names, addresses and phone numbers are invented. Pure."""

import json
from random import Random
from typing import Any, Final

VERTICALS: Final = ("roofing", "solar", "hvac")
# One in twenty of these would repeat a duplicate, and is a new person instead: 5 % duplicates remain.
REPEATS_PERCENT: Final = 5.3
# A duplicate repeats the person of a lead that is at most this many numbers older.
FARTHEST: Final = 200
ZIPS: Final = ("30312", "30305", "90012", "10001", "60614", "77002", "85004", "98101", "33130", "80202")
FIRST_NAMES: Final = ("Ann", "Ben", "Carla", "Dan", "Eva", "Frank", "Grace", "Hugo", "Iris", "Jo")
LAST_NAMES: Final = ("Adams", "Brown", "Clark", "Davis", "Evans", "Foster", "Green", "Hill", "Irwin", "Jones")
TEXTS: Final = (
    "",
    "I agree to be called.",
    "I agree to be called about my home, also by a machine, at the number that I gave.",
)


class Payloads:
    """The leads of one run. `sources`: how many sources share them."""

    def __init__(self, *, seed: int, sources: int) -> None:
        self._seed = seed
        self._sources = sources

    def source_of(self, number: int) -> int:
        """A duplicate comes from the same source as the lead that it repeats."""
        return self._person(number) % self._sources

    def is_duplicate(self, number: int) -> bool:
        return self._person(number) != number

    def body(self, number: int) -> str:
        """Return one lead as JSON."""
        return json.dumps(self._lead(number))

    def _person(self, number: int) -> int:
        """Return the number of the lead whose person this one is. A duplicate never repeats a duplicate."""
        if number == 0 or not self._repeats(number):
            return number
        farthest = min(number, FARTHEST)
        older = number - self._random(number, "older").randrange(1, farthest + 1)
        return number if self._repeats(older) else older

    def _repeats(self, number: int) -> bool:
        return self._random(number, "repeats").random() * 100 < REPEATS_PERCENT

    def _random(self, number: int, what: str) -> Random:
        return Random(f"{self._seed}/{number}/{what}")

    def _lead(self, number: int) -> dict[str, Any]:
        random = self._random(number, "lead")
        person = self._person(number)
        lead: dict[str, Any] = {
            "first_name": random.choice(FIRST_NAMES),
            "last_name": random.choice(LAST_NAMES),
            "email": f"load-{self._seed}-{person}@example.com",
            "zip": random.choice(ZIPS),
            "vertical": VERTICALS[person % len(VERTICALS)],
            "attributes": {
                "number": number,
                "roof_age": random.randrange(40),
                "own_home": random.random() < 0.8,
                "property_type": random.choice(("residential", "condo", "mobile")),
            },
        }
        if text := random.choice(TEXTS):
            lead["consent"] = {"given_at": "2026-01-31T12:00:00Z", "text": text}
        if random.random() < 0.5:
            lead["attributes"]["notes"] = "x" * random.randrange(20, 400)
            lead["address"] = f"{random.randrange(1, 999)} Test Street"
        return lead
