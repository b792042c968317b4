"""The price that a source is promised for a lead that it has not sent yet.

It is what the source's contract makes of the revenue that is certain now. It follows the rules and resolves the
campaign as an attempt does, on facts that it reads and does not lock. Nothing is counted or held, so the price is
checked again when the lead is sold.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from distribution.attempts.campaigns import read_heads
from distribution.attempts.route import find_closed, find_obstacle
from distribution.engine import DefinitionError, Terms, earned_cents, resolve_campaign
from distribution.offers.asked_lead import read_asked
from distribution.offers.revenue import BROKEN, Asked, Gates, Revenue, find_revenue
from routing.intake.parse import CleanLead
from routing.locks.attempts import LockedLead
from routing.models import Source
from routing.rules.route import route_lead
from routing.rules.ruleset import PathTooLong, RuleBroken

NO_CONTRACT: Final = "no_contract"


@dataclass(frozen=True, slots=True)
class Quote:
    """A price with its campaign, or the reason why there is none.

    `reason`: a skip reason, NO_CONTRACT or NO_CERTAIN_PRICE. `gates`: those that failed, for each buyer.
    `is_elsewhere`: rules sent it to another workspace.
    """

    campaign_id: int | None = None
    price_cents: int | None = None
    reason: str = ""
    gates: Gates = ()
    is_elsewhere: bool = False


def quote(clean: CleanLead, *, source: Source, at: datetime, seed: int) -> Quote:
    """Return what the source would be paid for this lead now. Writes nothing."""
    asked = read_asked(clean, source=source, at=at)
    if asked.terms is None or asked.terms.pays == "nothing":
        return Quote(reason=NO_CONTRACT)
    try:
        return _decide(asked.lead, terms=asked.terms, at=at, seed=seed)
    except (RuleBroken, PathTooLong, DefinitionError):
        return Quote(reason=BROKEN)


def find_campaign_id(clean: CleanLead, *, source: Source, at: datetime) -> int | None:
    """Return the campaign that takes this lead now, or as soon as a pause ends. None: there is none."""
    lead = read_asked(clean, source=source, at=at).lead
    try:
        route = route_lead(lead)
    except (RuleBroken, PathTooLong):
        return None
    heads, _ = read_heads(workspace_id=route.workspace_id, vertical=lead.vertical)
    head = resolve_campaign(heads, source_id=lead.source_id, vertical=lead.vertical)
    return None if head is None else head.id


def _decide(lead: LockedLead, *, terms: Terms, at: datetime, seed: int) -> Quote:
    if lead.is_paused:
        return Quote(reason="workspace_paused")
    closed = find_closed(lead.workspace_hours, timezone=lead.workspace_timezone, at=at)
    if closed is not None:
        return Quote(reason=closed.reason)
    route = route_lead(lead)
    is_elsewhere = route.workspace_id != lead.source_workspace_id
    obstacle = find_obstacle(route, at=at)
    if obstacle is not None:
        return Quote(reason=obstacle.reason, is_elsewhere=is_elsewhere)
    asked = Asked(replace(lead, workspace_id=route.workspace_id), at, seed)
    revenue = find_revenue(asked)
    if revenue is None:
        return Quote(reason="no_campaign", is_elsewhere=is_elsewhere)
    return replace(_price(revenue, terms=terms), is_elsewhere=is_elsewhere)


def _price(revenue: Revenue, *, terms: Terms) -> Quote:
    if revenue.cents is None:
        return Quote(reason=revenue.reason, gates=revenue.gates)
    price_cents = earned_cents(terms, revenue_cents=revenue.cents)
    return Quote(campaign_id=revenue.campaign_id, price_cents=price_cents)
