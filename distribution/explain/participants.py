"""The names in the explanation of a lead: of buyers, campaigns, workspaces and first leads that the reader may see."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from distribution.explain.types import Participant
from distribution.models import Buyer, Campaign
from routing.models import Lead, Workspace
from tracing.names import OTHER_WORKSPACE, BuyerName, Names
from tracing.queries import TracedAttempt
from tracing.vocabulary import Event

UNKNOWN_BUYER: Final = "a buyer that is not in this workspace"
UNKNOWN_CAMPAIGN: Final = "a campaign that is not in this workspace"
OTHER_SOURCE: Final = "a lead of another source"


@dataclass(frozen=True, slots=True)
class Participants:
    """The names in the explanation, by id."""

    buyers: Mapping[int, Participant]
    campaigns: Mapping[int, Participant]
    names: Names

    def buyer(self, buyer_id: int | None) -> Participant:
        return self.buyers.get(buyer_id or 0) or Participant(None, UNKNOWN_BUYER)

    def campaign(self, campaign_id: int | None) -> Participant | None:
        if campaign_id is None:
            return None
        return self.campaigns.get(campaign_id) or Participant(None, UNKNOWN_CAMPAIGN)


def campaign_id_of(traced: TracedAttempt) -> int | None:
    """Return the campaign that took the lead, even if the attempt ended before the decision."""
    for event in traced.events:
        if event.event == Event.CAMPAIGN_RESOLVED and isinstance(event.data.get("campaign_id"), int):
            return int(event.data["campaign_id"])
    return traced.attempt.campaign_id


def read_participants(
    lead: Lead, *, traced: Sequence[TracedAttempt], buyer_ids: Iterable[int], is_for_source: bool
) -> Participants:
    """`buyer_ids`: buyers that are in no event, those of sales and offers."""
    known_ids = set(buyer_ids) | {
        event.buyer_id for each in traced for event in each.events if event.buyer_id is not None
    }
    campaign_ids = {id_ for each in traced if (id_ := campaign_id_of(each)) is not None}
    buyers = Buyer.objects.filter(pk__in=known_ids, workspace_id=lead.workspace_id).only(
        "public_id", "name", "timezone"
    )
    campaigns = Campaign.objects.filter(pk__in=campaign_ids, workspace_id=lead.workspace_id).only(
        "public_id", "name"
    )
    known = {buyer.pk: buyer for buyer in buyers}
    names = {pk: BuyerName(buyer.name, buyer.timezone) for pk, buyer in known.items()}
    unknown = dict.fromkeys(known_ids - known.keys(), BuyerName(UNKNOWN_BUYER))
    known_campaigns = {campaign.pk: Participant(campaign.public_id, campaign.name) for campaign in campaigns}
    campaign_names = dict.fromkeys(campaign_ids, UNKNOWN_CAMPAIGN) | {
        pk: campaign.name for pk, campaign in known_campaigns.items()
    }
    return Participants(
        buyers={pk: Participant(buyer.public_id, buyer.name) for pk, buyer in known.items()},
        campaigns=known_campaigns,
        names=Names(
            buyers={**unknown, **names},
            campaigns=campaign_names,
            workspaces=_read_workspaces(lead, traced=traced),
            leads=_read_first_leads(lead, traced=traced, is_for_source=is_for_source),
            other_lead=OTHER_SOURCE if is_for_source else OTHER_WORKSPACE,
        ),
    )


def _read_workspaces(lead: Lead, *, traced: Sequence[TracedAttempt]) -> dict[int, str]:
    """Return the names of the workspaces on the lead's route. Runs no statement for a lead that never moved."""
    routed = [event.data.get("to") for each in traced for event in each.events if event.event == Event.ROUTED]
    ids = {to for to in routed if isinstance(to, int)} | {lead.source_workspace_id}
    if ids == {lead.workspace_id}:
        return {}
    return dict(Workspace.objects.filter(pk__in=ids).values_list("pk", "name"))


def _read_first_leads(lead: Lead, *, traced: Sequence[TracedAttempt], is_for_source: bool) -> dict[int, str]:
    """Return public ids of the leads that made it a duplicate, as far as its workspace or its source may see them."""
    ids = [each.attempt.first_lead_id for each in traced if each.attempt.first_lead_id is not None]
    if not ids:
        return {}
    here = Q(workspace_id=lead.workspace_id) | Q(source_workspace_id=lead.workspace_id)
    if is_for_source:
        here = Q(source_id=lead.source_id)
    known = Lead.objects.filter(here, pk__in=ids).values_list("pk", "public_id")
    return {pk: str(public_id) for pk, public_id in known}
