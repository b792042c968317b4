"""Calling hours of the United States that migrations put into the table. The product reads the table alone.

Data, not legal advice: see docs/calling-hours.md.

Where two sources disagree, the narrower one is here. A row has one window for all days: a state that allows calls on
part of Sunday has none on Sunday, and a state with a shorter Saturday has Saturday's hours every day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Final

from distribution.calls.hours.rules import Rule
from routing.places.states import US_NAMES

COUNTRY: Final = "US"
FEDERAL: Final = "47 CFR 64.1200(c)(1)"
CHECKED_ON: Final = date(2026, 11, 30)
EIGHT_AM, NINE_AM, TEN_AM = time(8), time(9), time(10)
FIVE_PM, EIGHT_PM, NINE_PM = time(17), time(20), time(21)
# Guides of Drop Cowboy (November 2025) and ClickPoint (July 2025).
GUIDES: Final = "state guides of Drop Cowboy (2025-11) and ClickPoint (2025-07)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedRule:
    rule: Rule
    source: str
    checked_on: date = CHECKED_ON


def list_us_rules() -> Iterator[SourcedRule]:
    """The rule of the country, then one for each state and territory in alphabetical order."""
    country = Rule(country=COUNTRY, state="", opens=EIGHT_AM, closes=NINE_PM)
    yield SourcedRule(rule=country, source=FEDERAL)
    stricter = {each.rule.state: each for each in _STRICTER}
    for state in sorted(US_NAMES):
        yield stricter.get(state) or SourcedRule(rule=replace(country, state=state), source=FEDERAL)


def _state(
    state: str,
    opens: time,
    closes: time,
    *,
    source: str,
    sunday: bool = True,
    holidays: bool = True,
    most: int | None = None,
) -> SourcedRule:
    rule = Rule(
        country=COUNTRY,
        state=state,
        opens=opens,
        closes=closes,
        calls_on_sunday=sunday,
        calls_on_holidays=holidays,
        most_calls_per_day=most,
    )
    return SourcedRule(rule=rule, source=source)


_STRICTER: Final = (
    _state(
        "AL",
        EIGHT_AM,
        EIGHT_PM,
        sunday=False,
        holidays=False,
        source=f"Holidays: Ala. Code 1-3-8. Hours: {GUIDES}",
    ),
    _state(
        "CT",
        NINE_AM,
        EIGHT_PM,
        source="Drop Cowboy (2025-11): 9 am to 8 pm. ClickPoint (2025-07): until 9 pm",
    ),
    _state("FL", EIGHT_AM, EIGHT_PM, most=3, source="Fla. Stat. 501.616(6)"),
    _state("KY", TEN_AM, NINE_PM, source=f"Hours: {GUIDES}"),
    _state(
        "LA",
        EIGHT_AM,
        EIGHT_PM,
        sunday=False,
        holidays=False,
        source=f"Holidays: La. R.S. 1:55. Hours: {GUIDES}",
    ),
    _state("MA", EIGHT_AM, EIGHT_PM, source=f"Hours: {GUIDES}"),
    _state(
        "MD",
        EIGHT_AM,
        EIGHT_PM,
        most=3,
        source="Drop Cowboy (2025-11). Calls per day: G2 Leads to Sales (2024-11)",
    ),
    _state("MI", NINE_AM, NINE_PM, source=f"Hours: {GUIDES}"),
    _state("MN", NINE_AM, NINE_PM, source=f"Hours: {GUIDES}"),
    _state(
        "MS",
        EIGHT_AM,
        EIGHT_PM,
        sunday=False,
        holidays=False,
        source="Hours: Drop Cowboy (2025-11). Holidays: G2 Leads (2024-11)",
    ),
    _state("NM", NINE_AM, NINE_PM, source=f"Hours: {GUIDES}"),
    _state("NV", NINE_AM, EIGHT_PM, source=f"Hours: {GUIDES}"),
    _state(
        "OK", EIGHT_AM, EIGHT_PM, most=3, source="Okla. Stat. tit. 15, 775C.4. Hours: Drop Cowboy (2025-11)"
    ),
    _state(
        "PA",
        EIGHT_AM,
        NINE_PM,
        holidays=False,
        source="Holidays: Drop Cowboy (2025-11), G2 Leads to Sales (2024-11)",
    ),
    _state(
        "RI",
        TEN_AM,
        FIVE_PM,
        sunday=False,
        holidays=False,
        source="R.I. Gen. Laws 5-61-3.6: 9 am to 6 pm, Saturday 10 am to 5 pm. Holidays: G2 Leads (2024-11)",
    ),
    _state("SD", NINE_AM, NINE_PM, sunday=False, source="S.D. Codified Laws 37-30-28: weekdays 9 am to 9 pm"),
    _state(
        "TX",
        NINE_AM,
        NINE_PM,
        sunday=False,
        source="Tex. Bus. & Com. Code 301, statute not read: on Sunday from noon",
    ),
    _state(
        "UT",
        EIGHT_AM,
        NINE_PM,
        sunday=False,
        holidays=False,
        source="Holidays: G2 Leads to Sales (2024-11). Sunday: Utah Code 13-25a-103, statute not read",
    ),
    _state("WA", EIGHT_AM, EIGHT_PM, source="RCW 19.158.040(2)"),
    _state(
        "WY", EIGHT_AM, EIGHT_PM, source="Narrowed as a precaution: Wyo. Stat. 40-12-302, statute not read"
    ),
)
