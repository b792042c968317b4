"""A ZIP code in several counties belongs to each of them. A county is one, in any spelling."""

from typing import Any

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment
from tests.support.factories import CampaignFactory, LeadFactory, enroll

pytestmark = pytest.mark.django_db

IN_TWO = {"zip": "30349", "county": "Fulton County", "state": "GA"}
ACROSS_A_STATE_LINE = {"zip": "42223", "county": "Christian County", "state": "TN"}
WRITTEN_AS_BEFORE = {"zip": "30030", "county": "Dekalb County", "state": "GA"}


def sell(place: dict[str, str], *, area: Any, lead_filter: Any = None) -> int:
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=10_000, buyer__service_area=area, lead_filter=lead_filter or {})
    lead = LeadFactory(source__workspace=campaign.workspace, **place)
    distribute_lead(lead.pk)
    return Assignment.objects.filter(lead=lead).count()


@pytest.mark.parametrize(
    ("place", "county", "sold"),
    [
        (IN_TWO, "GA:Fulton County", 1),
        (IN_TWO, "GA:Clayton County", 1),
        (IN_TWO, "GA:Cobb County", 0),
        (ACROSS_A_STATE_LINE, "TN:Montgomery County", 1),
        (ACROSS_A_STATE_LINE, "KY:Christian County", 0),
        (WRITTEN_AS_BEFORE, "GA:DeKalb County", 1),
    ],
)
def test_area_takes_a_zip_that_is_partly_inside(place: dict[str, str], county: str, sold: int) -> None:
    assert sell(place, area={"counties": [county]}) == sold
    assert sell(place, area={"everywhere": True, "exclude": {"counties": [county]}}) == 1 - sold


@pytest.mark.parametrize(
    ("condition", "sold"),
    [
        ({"field": "county", "op": "eq", "value": "Fulton County"}, 1),
        ({"field": "county", "op": "eq", "value": "Clayton County"}, 0),
        ({"field": "counties", "op": "contains", "value": "Clayton County"}, 1),
        ({"field": "counties", "op": "in", "value": ["Clayton County", "Cobb County"]}, 1),
        ({"not": {"field": "counties", "op": "contains", "value": "Clayton County"}}, 0),
    ],
)
def test_filter_can_name_any_county_of_the_zip(condition: Any, sold: int) -> None:
    assert sell(IN_TWO, area={"everywhere": True}, lead_filter=condition) == sold
