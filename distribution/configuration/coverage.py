"""Which ZIPs a service area covers, asked of the engine's own check, so that a form shows what a decision would say."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from distribution.configuration.locate import locate_area
from distribution.configuration.minimal_campaign import minimal_campaign
from distribution.engine import LeadFacts, compile_campaign
from distribution.engine.area import Area, area_failure, lead_place
from routing.places.zips import Row, list_states_of, load_rows, load_shared_counties, name_counties

TOP_COUNTIES: Final = 10
# Before the path of what is malformed, in the errors of compile_area.
AREA_PATH: Final = "buyers[0].service_area."


@dataclass(frozen=True, slots=True)
class Coverage:
    """`points`: longitude and latitude of each covered ZIP that has a place."""

    zips: int
    counties: Sequence[tuple[str, int]]
    more_counties: int
    points: Sequence[tuple[float, float]]


def measure_coverage(definition: Mapping[str, Any]) -> Coverage:
    """Raises DefinitionError."""
    covered = list_covered(definition)
    counties = _count_counties(covered)
    points = [(row[6], row[5]) for row in covered if row[5] is not None and row[6] is not None]
    return Coverage(len(covered), counties[:TOP_COUNTIES], max(0, len(counties) - TOP_COUNTIES), points)


def list_covered(definition: Mapping[str, Any]) -> Sequence[Row]:
    """Walk all 42,000 ZIPs, once for each definition. Raises DefinitionError."""
    return _list_covered(json.dumps(definition, sort_keys=True))


@lru_cache(maxsize=64)
def _list_covered(definition: str) -> tuple[Row, ...]:
    area = compile_area(json.loads(definition))
    return tuple(row for row in load_rows().values() if _covers(area, row))


def _count_counties(covered: Sequence[Row]) -> list[tuple[str, int]]:
    """The largest first."""
    counties = Counter(f"{row[3] or 'no county'}, {row[2]}" for row in covered)
    return sorted(counties.items(), key=lambda each: (-each[1], each[0]))


def compile_area(definition: Mapping[str, Any]) -> Area:
    """The area of a campaign of one buyer: there is no second way to read a definition."""
    campaign = compile_campaign(minimal_campaign(service_area=locate_area(definition)), is_strict=True)
    return campaign.enrollments[0].area


def _covers(area: Area, row: Row) -> bool:
    """In any of its states."""
    return any(
        area_failure(area, lead_place(LeadFacts(fields, row[5], row[6]))) is None
        for fields in list_variants(row)
    )


def list_variants(row: Row) -> Iterator[dict[str, Any]]:
    """The place fields of leads with this ZIP: one for each of its states."""
    zip_code, county = row[0], row[3]
    if zip_code not in load_shared_counties():
        yield {"zip": zip_code, "state": row[2], "county": county}
        return
    for state in list_states_of(zip_code):
        counties = name_counties(zip_code, state=state, county=county)
        yield {"zip": zip_code, "state": state, "county": counties[0], "counties": counties}
