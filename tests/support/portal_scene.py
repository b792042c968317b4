"""A buyer with everything that the portal shows: leads bought and missed, a delivery, returns, entries, endpoints."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import (
    Assignment,
    Buyer,
    BuyerStatement,
    Campaign,
    ChangeProposal,
    Delivery,
    Endpoint,
    Offer,
    PortalUser,
    ReturnRequest,
)
from distribution.returns.evidence import read_file
from distribution.returns.policy import Ask
from distribution.returns.request import request_return
from distribution.selfservice.author import Author
from distribution.selfservice.change import change_account
from distribution.selfservice.settings import PROFILE
from distribution.selfservice.versions import read_version
from routing.models import Lead, Source
from tests.support.admin_pages import issue_old_statement
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    PortalUserFactory,
    ReturnPolicyFactory,
    SourceFactory,
    person,
)

AREA = {"states": ["GA"], "radius": [{"zip": "37402", "miles": 25}], "exclude": {"zips": ["30301"]}}
DALLAS = {"zip": "75201", "city": "Dallas", "county": "Dallas County", "state": "TX"}


@dataclass(frozen=True, slots=True)
class PortalScene:
    """`sold` was bought and may be returned. `request` waits for review. `offer` is open."""

    user: PortalUser
    buyer: Buyer
    campaign: Campaign
    sold: Assignment
    missed: Lead
    request: ReturnRequest
    offer: Offer
    proposal: ChangeProposal
    endpoint: Endpoint
    statement: BuyerStatement


def build_portal_scene(
    *, buyer_name: str = "Atlas Roofing", email: str = "dana@atlas.example"
) -> PortalScene:
    campaign = CampaignFactory(workspace__name="Sunbelt Leads", name="Roofing Georgia")
    buyer = BuyerFactory(
        workspace=campaign.workspace, name=buyer_name, service_area=AREA, credits_cents=40_000
    )
    EnrollmentFactory(
        campaign=campaign,
        buyer=buyer,
        cap_day=10,
        budget_week_cents=50_000,
        lead_filter={"all": [{"field": "attributes.roof_age", "op": "gte", "value": 5}]},
    )
    endpoint = EndpointFactory(buyer=buyer, name="CRM")
    ReturnPolicyFactory(workspace=campaign.workspace)
    source = SourceFactory(workspace=campaign.workspace)
    sold, asked = (_sell(source, buyer, number) for number in range(2))
    missed = _send(source, 7, **DALLAS)
    assert distribute_lead(missed.pk).result == "unsold"
    files = (read_file("bounce.txt", b"550 5.1.1 no such user"),)
    ask = Ask("bad_email", "It bounces since Monday.", None, files)
    request = request_return(asked.public_id, ask, buyer=buyer, actor="portal Dana Price", at=timezone.now())
    user = PortalUserFactory(buyer=buyer, email=email, name="Dana Price")
    offer, proposal = _offer(source, buyer), _propose(buyer)
    statement = issue_old_statement(buyer, month=1)
    return PortalScene(user, buyer, campaign, sold, missed, request, offer, proposal, endpoint, statement)


def _propose(buyer: Buyer) -> ChangeProposal:
    """Another name, which the agency always approves."""
    version = read_version(buyer, part=PROFILE)
    by = Author("portal Dana Price", timezone.now(), "portal")
    outcome = change_account(buyer, part=PROFILE, patch={"name": "Atlas Inc."}, by=by, if_match=version)
    assert outcome.proposal is not None
    return outcome.proposal


def open_another(scene: PortalScene) -> Offer:
    """A second offer, for every buyer that is enrolled now."""
    lead = _send(scene.sold.lead.source, 6, vertical="gutters")
    assert distribute_lead(lead.pk).result == "offered"
    return Offer.objects.get(lead=lead)


def _offer(source: Source, buyer: Buyer) -> Offer:
    """Open for an hour, in another campaign and vertical."""
    campaign = CampaignFactory(
        workspace=buyer.workspace,
        name="Gutters Georgia",
        vertical="gutters",
        mode="ping_post",
        fallback_mode="priority",
        offer_fields=["zip3", "state", "attributes.roof_age"],
        offer_seconds=3_600,
    )
    EnrollmentFactory(campaign=campaign, buyer=buyer)
    lead = _send(source, 5, vertical="gutters")
    assert distribute_lead(lead.pk).result == "offered"
    return Offer.objects.get(lead=lead)


def _sell(source: Source, buyer: Buyer, number: int) -> Assignment:
    lead = _send(source, number)
    assert distribute_lead(lead.pk).result == "success"
    return Assignment.objects.get(lead=lead, buyer=buyer)


def _send(source: Source, number: int, **place: Any) -> Lead:
    return LeadFactory(
        source=source,
        first_name="Grace",
        last_name=f"Hopper {number}",
        **person(f"grace.{number}@example.com", f"+1404555012{number}"),
        attributes={"roof_age": 12 + number, "property": "single_family"},
        **place,
    )


def end_deliveries(buyer: Buyer) -> None:
    """As a deliverer does when the buyer's system accepted them."""
    Delivery.objects.filter(endpoint__buyer=buyer).update(
        state="accepted", ended_at=timezone.now(), next_try_at=None
    )


def list_pages(scene: PortalScene) -> dict[str, str]:
    """Every page of a signed-in person, by name."""
    return {
        "home": "/portal/",
        "offers": "/portal/offers/",
        "offer": f"/portal/offers/{scene.offer.public_id}/",
        "leads": "/portal/leads/",
        "lead": f"/portal/leads/{scene.sold.public_id}/",
        "ask-return": f"/portal/leads/{scene.sold.public_id}/return/",
        "missed": "/portal/missed/",
        "missed-lead": f"/portal/missed/{scene.missed.public_id}/",
        "returns": "/portal/returns/",
        "return": f"/portal/returns/{scene.request.public_id}/",
        "wallet": "/portal/wallet/",
        "cards": "/portal/wallet/card/",
        "statements": "/portal/wallet/statements/",
        "statement": f"/portal/wallet/statements/{scene.statement.number}/",
        "settings": "/portal/settings/",
        "area": "/portal/settings/area/",
        "limits": f"/portal/settings/campaigns/{scene.campaign.public_id}/",
        "filter": f"/portal/settings/campaigns/{scene.campaign.public_id}/filter/",
        "bids": f"/portal/settings/campaigns/{scene.campaign.public_id}/bids/",
        "answers": "/portal/settings/answers/",
        "endpoint": f"/portal/settings/endpoints/{scene.endpoint.public_id}/",
        "hours": "/portal/settings/hours/",
        "pause": "/portal/settings/pause/",
        "company": "/portal/settings/company/",
        "changes": "/portal/settings/changes/",
        "endpoints": "/portal/settings/endpoints/",
        "more": "/portal/more/",
        "account": "/portal/account/",
        "choose": "/portal/choose/",
    }
