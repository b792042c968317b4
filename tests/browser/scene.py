"""A small agency with one lead that three named buyers missed, each for a reason of its own, in two attempts."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Buyer, Campaign
from routing.intake.identity import identify
from routing.models import Lead, Source
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
)

EMAIL, PHONE = "ada@example.com", "+14045550123"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Scene:
    """`broke` has an empty wallet, `distant` covers Texas alone, `asleep` was closed at first and is now paused."""

    lead: Lead
    campaign: Campaign
    source: Source
    broke: Buyer
    distant: Buyer
    asleep: Buyer


def build_scene() -> Scene:
    """Commits everything. The lead's first attempt was put off, its second failed."""
    campaign = CampaignFactory.create(
        workspace__name="Sunbelt Leads", workspace__slug="sunbelt", name="Roofing"
    )
    source = SourceFactory.create(workspace=campaign.workspace, name="website")
    broke = enrolled(campaign, "Peachtree Roofing")
    distant = enrolled(campaign, "Lone Star Roofing", service_area={"states": ["TX"]}, credits_cents=10_000)
    asleep = enrolled(campaign, "Night Owl Roofing", hours=only_in_two_days(), credits_cents=10_000)
    lead = new_lead(source)
    assert distribute_lead(lead.pk).result == "deferred"
    asleep.paused_at = timezone.now()
    asleep.save(update_fields=["paused_at"])
    Lead.objects.filter(pk=lead.pk).update(next_attempt_at=timezone.now())
    assert distribute_lead(lead.pk).result == "unsold"
    lead.refresh_from_db()
    return Scene(lead, campaign, source, broke, distant, asleep)


def enrolled(campaign: Campaign, name: str, **buyer: object) -> Buyer:
    row = BuyerFactory.create(workspace=campaign.workspace, name=name, **buyer)
    EnrollmentFactory.create(campaign=campaign, buyer=row)
    return row


def only_in_two_days() -> dict[str, list[list[str]]]:
    return {DAYS[(timezone.now() + timedelta(days=2)).weekday()]: [["09:00", "17:00"]]}


def new_lead(source: Source) -> Lead:
    identity = identify(email=EMAIL, phone=PHONE)
    return LeadFactory.create(
        source=source,
        first_name="Ada",
        last_name="Example",
        email=EMAIL,
        phone=PHONE,
        email_hash=identity.email_hash,
        phone_hash=identity.phone_hash,
    )
