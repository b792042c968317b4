"""A long value costs a trace its length only once, however many buyers refuse the lead for it."""

from typing import Any

import orjson
import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Buyer, Campaign, Enrollment, Tier
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.race_leads import assert_verified
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

BUYERS = 6
NOTES = [f"{number:03} " + "x" * 900 for number in range(400)]
RULE = {"field": "attributes.notes", "op": "contains", "value": "zz"}
MOST = 1_800  # characters


def by_filter(others: Any) -> None:
    others.update(lead_filter=RULE)


def by_tier(others: Any) -> None:
    [place] = others[:1]
    tier = Tier.objects.create(campaign=place.campaign, position=9, content_filter=RULE)
    others.update(tier=tier)


def by_answer(others: Any) -> None:
    question = {"key": "notes", "label": "Notes", "field": "attributes.notes", "op": "contains"}
    Campaign.objects.update(questions=[question])
    Buyer.objects.update(answers={"notes": NOTES[0]})
    Buyer.objects.filter(enrollments__in=others).update(answers={"notes": "zz"})


@pytest.mark.parametrize("refuse", [by_filter, by_tier, by_answer])
@pytest.mark.parametrize("notes", [NOTES, NOTES[0] + "x" * 90], ids=["list", "text"])
def test_refusal_shows_the_beginning_of_a_long_value(refuse: Any, notes: Any) -> None:
    campaign = CampaignFactory(price_cents=100)
    first, *_ = enroll(campaign, count=BUYERS, credits_cents=1_000)
    refuse(Enrollment.objects.exclude(pk=first.pk))
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace), attributes={"notes": notes})

    outcome = distribute_lead(lead.pk)

    assert (outcome.result, outcome.is_traced, len(outcome.assignments)) == ("success", True, 1)
    skips = LeadDistributionEvent.objects.filter(event="buyer_skipped")
    assert skips.count() == BUYERS - 1
    assert max(len(orjson.dumps(each.data)) for each in skips) < MOST
    # The facts store the whole value, because replays decide from them.
    assert Attempt.objects.get().facts["lead"]["fields"]["attributes.notes"] == notes
    assert_verified()
