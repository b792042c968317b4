"""Which ZIP codes a service area covers. It uses the engine's own check, so a form shows what a decision would find."""

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
from routing.places.zips import Place, list_states_of, load_rows, load_shared_counties, name_counties

TOP_COUNTIES: Final = 10
# Before the path of what is malformed, in the errors of compile_area.
AREA_PATH: Final = "buyers[0].service_area."


@dataclass(frozen=True, slots=True)
class MeasuredCoverage:
    """`points`: longitude and latitude of each covered ZIP code that has coordinates."""

    zips: int
    counties: Sequence[tuple[str, int]]
    more_counties: int
    points: Sequence[tuple[float, float]]


def measure_coverage(definition: Mapping[str, Any]) -> MeasuredCoverage:
    """Raises DefinitionError."""
    covered = list_covered(definition)
    counties = _count_counties(covered)
    points = [
        (place.longitude, place.latitude)
        for place in covered
        if place.latitude is not None and place.longitude is not None
    ]
    return MeasuredCoverage(
        len(covered), counties[:TOP_COUNTIES], max(0, len(counties) - TOP_COUNTIES), points
    )


def list_covered(definition: Mapping[str, Any]) -> Sequence[Place]:
    """Return the covered ZIP codes. Checks all 42,000, once for each definition. Raises DefinitionError."""
    return _list_covered(json.dumps(definition, sort_keys=True))


@lru_cache(maxsize=64)
def _list_covered(definition: str) -> tuple[Place, ...]:
    area = compile_area(json.loads(definition))
    return tuple(place for row in load_rows().values() if _covers(area, place := Place(*row)))


def _count_counties(covered: Sequence[Place]) -> list[tuple[str, int]]:
    """Largest first."""
    counties = Counter(f"{place.county or 'no county'}, {place.state}" for place in covered)
    return sorted(counties.items(), key=lambda each: (-each[1], each[0]))


def compile_area(definition: Mapping[str, Any]) -> Area:
    """Compile the area as part of a campaign with one buyer: a definition is read in one way only."""
    campaign = compile_campaign(minimal_campaign(service_area=locate_area(definition)), is_strict=True)
    return campaign.enrollments[0].area


def _covers(area: Area, place: Place) -> bool:
    """Whether the area covers the ZIP code in any of its states."""
    return any(
        area_failure(area, lead_place(LeadFacts(fields, place.latitude, place.longitude))) is None
        for fields in list_variants(place)
    )


def list_variants(place: Place) -> Iterator[dict[str, Any]]:
    """The place fields of leads with this ZIP code, one for each of its states."""
    zip_code, county = place.zip, place.county
    if zip_code not in load_shared_counties():
        yield {"zip": zip_code, "state": place.state, "county": county}
        return
    for state in list_states_of(zip_code):
        counties = name_counties(zip_code, state=state, county=county)
        yield {"zip": zip_code, "state": state, "county": counties[0], "counties": counties}
