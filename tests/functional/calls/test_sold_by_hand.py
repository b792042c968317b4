"""An operator sells a lead whose person is not verified: the page says so first, and the trace says it afterwards."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from distribution.attempts.assign_by_hand import assign_within, state_of_sale
from distribution.attempts.campaigns import run_with_snapshots
from distribution.attempts.preview_by_hand import preview_sale_by_hand
from distribution.models import Assignment, Campaign, Enrollment
from distribution.verify import run_verification
from routing.leads.actions import ActionRefused
from routing.models import Lead
from tests.support.factories import CampaignFactory, EnrollmentFactory, LeadFactory
from tracing.models import LeadDistributionEvent

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
REQUIRED = "the person must be verified first"

pytestmark = pytest.mark.usefixtures("committed_db")


def build(campaign: dict[str, Any], lead: dict[str, Any]) -> Lead:
    sold_by = CampaignFactory(price_cents=2_000, **campaign)
    EnrollmentFactory(campaign=sold_by, buyer__credits_cents=10_000, active=False)
    found: Lead = LeadFactory(source__workspace=sold_by.workspace, **lead)
    return found


@pytest.mark.parametrize(
    ("campaign", "lead", "overridden", "finding"),
    [
        ({}, {}, [], []),
        ({"verification": "required"}, {}, ["verification_required"], [REQUIRED]),
        ({"verification": "required"}, {"verification": "call", "verified_at": AT}, [], []),
        ({"verification": "unless_consent"}, {"consent": {"token": "https://cert.example/1"}}, [], []),
        (
            {"verification": "required", "unverified_end": "fail"},
            {"verification": "unverified"},
            ["not_verified"],
            ["the person did not confirm the request in any call"],
        ),
        ({"verification": "required", "unverified_end": "sell"}, {"verification": "unverified"}, [], []),
    ],
)
def test_sale_names_the_gate_that_it_overrides(
    campaign: dict[str, Any], lead: dict[str, Any], overridden: list[str], finding: list[str]
) -> None:
    found = build(campaign, lead)
    enrollment = Enrollment.objects.select_related("buyer").get()

    [preview] = preview_sale_by_hand(found.pk, enrollments=[enrollment])
    sell = partial(assign_within, found.pk, enrollment_id=enrollment.pk, seen=preview.state)
    sale = run_with_snapshots(sell)

    assert list(preview.overridden[:-1]) == finding
    assert sale.overridden == (*overridden, "enrollment_paused")
    event = LeadDistributionEvent.objects.get(event="buyer_selected")
    assert event.data["overridden"] == [*overridden, "enrollment_paused"]
    assert run_verification().holds


def test_campaign_that_asks_by_then_is_shown_first() -> None:
    lead = build({}, {})
    enrollment = Enrollment.objects.get()
    seen = state_of_sale(2_000, ["enrollment_paused"])
    Campaign.objects.update(verification="required", config_version=2)

    with pytest.raises(ActionRefused, match="the overridden checks changed; check again"):
        run_with_snapshots(partial(assign_within, lead.pk, enrollment_id=enrollment.pk, seen=seen))

    assert not Assignment.objects.exists()


def test_person_who_said_no_is_not_sold() -> None:
    lead = build({"verification": "required"}, {"verification": "declined"})
    enrollment = Enrollment.objects.get()

    with pytest.raises(ActionRefused, match="said"):
        run_with_snapshots(partial(assign_within, lead.pk, enrollment_id=enrollment.pk))

    assert not Assignment.objects.exists()
