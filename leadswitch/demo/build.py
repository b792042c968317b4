"""Builds the demo's workspace through the ORM and the money use cases, in one transaction."""

from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from distribution.models import Buyer, Campaign, Enrollment, Tier
from distribution.money.wallet import top_up
from leadswitch.demo.catalog import (
    BUSINESS_HOURS,
    CAMPAIGNS,
    COMPANY_FIRST,
    COMPANY_LAST,
    MARKETS,
    PARTNER_RULES,
    SOUTHEAST_CAMPAIGNS,
    CampaignPlan,
    Market,
    RulePlan,
)
from routing.calendar.hours import WEEKDAYS
from routing.models import DispatchMode, RoutingRule, Source, SourceKey, Workspace, WorkspaceKind

ACTOR: Final = "demo"
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Demo:
    """What was built, and the keys that the leads are sent with.

    `partner` owns no campaigns: its rules send its leads to `workspace` and to `southeast`, a second agency.
    """

    workspace: Workspace
    source: Source
    key: str
    southeast: Workspace
    partner: Workspace
    partner_key: str


@transaction.atomic
def build_demo(*, seed: int) -> Demo:
    """Create an agency with five campaigns and about sixty buyers, a smaller one, and a partner with rules to both.

    Same seed, same buyers.
    """
    random = Random(seed)  # noqa: S311 - makes examples, protects nothing
    number = Workspace.objects.filter(slug__regex=r"^demo(-[0-9]+)?$").count() + 1
    slug = "demo" if number == 1 else f"demo-{number}"
    workspace = _build_workspace(slug, name=f"Demo agency {number}")
    source, key = _build_source(workspace, name="website")
    for plan in CAMPAIGNS:
        _build_campaign(plan, workspace=workspace, random=random)
    southeast = _build_workspace(f"{slug}-southeast", name=f"Southeast agency {number}")
    for plan in SOUTHEAST_CAMPAIGNS:
        _build_campaign(plan, workspace=southeast, random=random)
    partner = _build_workspace(f"{slug}-partner", name=f"Demo partner {number}", kind=WorkspaceKind.PARTNER)
    _, partner_key = _build_source(partner, name="partner-feed")
    for rule in PARTNER_RULES:
        _build_rule(rule, partner=partner, destination=southeast if rule.is_southeast else workspace)
    return Demo(workspace, source, key, southeast, partner, partner_key)


def _build_workspace(slug: str, *, name: str, kind: WorkspaceKind = WorkspaceKind.AGENCY) -> Workspace:
    """Create it in event mode, regardless of the setting for new workspaces."""
    return Workspace.objects.create(slug=slug, name=name, kind=kind, dispatch_mode=DispatchMode.EVENT)


def _build_source(workspace: Workspace, *, name: str) -> tuple[Source, str]:
    source = Source.objects.create(workspace=workspace, name=name)
    _, key = SourceKey.objects.create_key(name="demo", source=source)
    return source, str(key)


def _build_rule(plan: RulePlan, *, partner: Workspace, destination: Workspace) -> None:
    _save(
        RoutingRule(
            workspace=partner,
            name=plan.name,
            priority=plan.priority,
            conditions=plan.conditions,
            destination=destination,
            tags=list(plan.tags),
        )
    )


def _build_campaign(plan: CampaignPlan, *, workspace: Workspace, random: Random) -> None:
    campaign = _save(
        Campaign(
            workspace=workspace,
            name=plan.name,
            vertical=plan.vertical,
            mode=plan.mode,
            price_cents=plan.price_cents,
            max_buyers=plan.max_buyers,
            price_rules=list(plan.price_rules),
            questions=list(plan.questions),
            schedule=plan.schedule,
        )
    )
    tiers = [
        _save(
            Tier(
                campaign=campaign,
                position=position,
                name=name,
                content_filter=content_filter,
                price_cents=price,
            )
        )
        for position, (name, content_filter, price) in enumerate(plan.tiers, start=1)
    ]
    for index in range(plan.buyers):
        buyer = _build_buyer(plan, index=index, workspace=workspace, random=random)
        _enroll(buyer, campaign=campaign, tier=tiers[index % len(tiers)], index=index, random=random)


def _save(row: Row) -> Row:
    """Validate as a form does, then save."""
    row.full_clean()
    row.save()
    return row


def _build_buyer(plan: CampaignPlan, *, index: int, workspace: Workspace, random: Random) -> Buyer:
    market = MARKETS[index % len(MARKETS)]
    names = COMPANY_LAST[plan.vertical]
    buyer = _save(
        Buyer(
            workspace=workspace,
            name=f"{COMPANY_FIRST[index % len(COMPANY_FIRST)]} {names[index % len(names)]} {market.name}",
            timezone=market.timezone,
            service_area=_area(market, index=index),
            answers=_answers(plan, index=index),
            hours=_hours(index),
            paused_at=timezone.now() if index % 13 == 12 else None,
        )
    )
    cents = _balance(plan, index=index, random=random)
    if cents:
        top_up(
            buyer.pk, amount_cents=cents, key=f"demo:{buyer.public_id}", actor=ACTOR, reason="opening balance"
        )
    return buyer


def _area(market: Market, *, index: int) -> dict[str, Any]:
    """Use every way to name an area: radius, county, ZIP prefix, state, exclusions, a single ZIP."""
    match (index // len(MARKETS)) % 4:
        case 0:
            return {"radius": [{"zip": market.zip, "miles": 20 + 5 * (index % 5)}]}
        case 1:
            return {"states": [market.state], "exclude": {"zips": [market.zip]}}
        case 2:
            return {"counties": [f"{market.state}:{market.county}"], "zip_prefixes": [market.zip[:3]]}
        case _:
            return {
                "zip_prefixes": [market.zip[:3]],
                "exclude": {"radius": [{"zip": market.zip, "miles": 2}]},
            }


def _answers(plan: CampaignPlan, *, index: int) -> dict[str, Any]:
    if not plan.questions:
        return {}
    return {"property_types": ["residential"] if index % 3 else ["residential", "commercial"]}


def _hours(index: int) -> dict[str, Any]:
    """Most buyers take leads at any time, some only in business hours, and one not today."""
    if index % 6 == 5:
        return BUSINESS_HOURS
    if index % 11 == 10:
        today = WEEKDAYS[timezone.now().weekday()]
        tomorrow = WEEKDAYS[(timezone.now().weekday() + 1) % 7]
        return {day: [["00:00", "24:00"]] for day in WEEKDAYS if day not in (today, tomorrow)}
    return {}


def _balance(plan: CampaignPlan, *, index: int, random: Random) -> int:
    if index % 7 == 6:
        return 0
    leads = random.randint(3, 12) if plan.vertical == "windows" else random.randint(10, 60)
    return plan.price_cents * leads + random.randint(0, plan.price_cents - 1)


def _enroll(buyer: Buyer, *, campaign: Campaign, tier: Tier, index: int, random: Random) -> None:
    is_priced = campaign.mode == "price"
    _save(
        Enrollment(
            campaign=campaign,
            tier=tier,
            buyer=buyer,
            active=index % 10 != 9,
            weight=1 + index % 4,
            priority=10 - index % 5,
            bid_cents=campaign.price_cents + 100 * random.randint(0, 30) if is_priced else None,
            lead_filter=_filter(campaign, index=index),
            cap_day=2 + index if campaign.vertical == "windows" or index % 4 == 1 else None,
            budget_month_cents=campaign.price_cents * 25 if index % 5 == 2 else None,
        )
    )


def _filter(campaign: Campaign, *, index: int) -> dict[str, Any]:
    if campaign.vertical == "roofing" and index % 4 == 3:
        return {"field": "attributes.roof_age", "op": "gte", "value": 10}
    if campaign.vertical == "hvac" and index % 5 == 4:
        return {"not": {"field": "attributes.property_type", "op": "eq", "value": "mobile home"}}
    return {}
