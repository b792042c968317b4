"""What the demo is made of: verticals, markets and the kinds of buyers. Plain data."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from routing.calendar.hours import WEEKDAYS

BUSINESS_HOURS: Final = {day: [["08:00", "18:00"]] for day in WEEKDAYS[:5]}


@dataclass(frozen=True, slots=True)
class Market:
    """A metropolitan area: its central ZIP, and the counties that its buyers name."""

    name: str
    zip: str
    state: str
    county: str
    timezone: str


MARKETS: Final = (
    Market("Atlanta", "30312", "GA", "Fulton County", "America/New_York"),
    Market("Dallas", "75201", "TX", "Dallas County", "America/Chicago"),
    Market("Phoenix", "85004", "AZ", "Maricopa County", "America/Phoenix"),
    Market("Tampa", "33602", "FL", "Hillsborough County", "America/New_York"),
)
# Leads from here find no buyer: no one in the demo covers it.
ELSEWHERE: Final = Market("Portland", "97204", "OR", "Multnomah County", "America/Los_Angeles")


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """One campaign. `tiers`: (name, content filter, price) from the first to the last."""

    name: str
    vertical: str
    mode: str
    price_cents: int
    max_buyers: int
    buyers: int
    tiers: tuple[tuple[str, dict[str, Any], int | None], ...] = (("", {}, None),)
    price_rules: tuple[dict[str, Any], ...] = ()
    questions: tuple[dict[str, Any], ...] = ()
    schedule: dict[str, Any] = field(default_factory=dict)


HOMEOWNER: Final = {"field": "attributes.homeowner", "op": "eq", "value": True}

CAMPAIGNS: Final = (
    CampaignPlan(
        name="Roofing, exclusive",
        vertical="roofing",
        mode="round_robin",
        price_cents=4500,
        max_buyers=1,
        buyers=16,
        price_rules=(
            {"when": {"field": "attributes.roof_age", "op": "gte", "value": 20}, "percent": 120},
            {"when": {"field": "attributes.urgency", "op": "eq", "value": "this week"}, "add_cents": 500},
        ),
        questions=(
            {"key": "property_types", "field": "attributes.property_type", "op": "in", "required": False},
        ),
    ),
    CampaignPlan(
        name="Heating and cooling, shared",
        vertical="hvac",
        mode="weighted",
        price_cents=2200,
        max_buyers=3,
        buyers=14,
    ),
    CampaignPlan(
        name="Solar, by price",
        vertical="solar",
        mode="price",
        price_cents=6000,
        max_buyers=1,
        buyers=12,
        tiers=(("Homeowners", HOMEOWNER, None),),
    ),
    CampaignPlan(
        name="Plumbing, in tiers",
        vertical="plumbing",
        mode="priority",
        price_cents=1800,
        max_buyers=2,
        buyers=12,
        tiers=(
            ("Emergencies", {"field": "attributes.urgency", "op": "eq", "value": "today"}, 3000),
            ("Everything", {}, None),
        ),
    ),
    CampaignPlan(
        name="Windows, small budgets",
        vertical="windows",
        mode="round_robin",
        price_cents=3000,
        max_buyers=1,
        buyers=8,
    ),
)

# A second, smaller agency.
SOUTHEAST_CAMPAIGNS: Final = tuple(
    replace(plan, name=f"{plan.name}, Southeast", buyers=8)
    for plan in CAMPAIGNS
    if plan.vertical in ("roofing", "hvac")
)


@dataclass(frozen=True, slots=True)
class RulePlan:
    """One rule of the partner. `is_southeast`: to the second agency, else to the first."""

    name: str
    priority: int
    is_southeast: bool
    conditions: dict[str, Any]
    tags: tuple[str, ...] = ()


# Leads from elsewhere match none of them and stay with the partner.
PARTNER_RULES: Final = (
    RulePlan(
        name="Georgia and Florida homes",
        priority=20,
        is_southeast=True,
        conditions={
            "all": [
                {"field": "state", "op": "in", "value": ["GA", "FL"]},
                {"field": "vertical", "op": "in", "value": ["roofing", "hvac"]},
            ]
        },
        tags=("southeast",),
    ),
    RulePlan(
        name="All of our markets",
        priority=10,
        is_southeast=False,
        conditions={"field": "state", "op": "in", "value": [market.state for market in MARKETS]},
    ),
)

# How often each vertical is requested. No campaign covers pest control.
DEMAND: Final = {"roofing": 30, "hvac": 24, "solar": 18, "plumbing": 16, "windows": 9, "pest_control": 3}

COMPANY_FIRST: Final = (
    *("Peachtree", "Lone Star", "Saguaro", "Gulf Coast", "Summit", "Blue Ridge", "Oak Street", "Red Brick"),
    *("Cornerstone", "Evergreen", "Liberty", "Pioneer", "Riverbend", "Silver Creek", "Stonebridge", "Harbor"),
)
COMPANY_LAST: Final = {
    "roofing": ("Roofing", "Roof & Gutter", "Exteriors"),
    "hvac": ("Heating & Air", "Climate", "Comfort"),
    "solar": ("Solar", "Sun Power", "Energy"),
    "plumbing": ("Plumbing", "Pipe & Drain", "Rooter"),
    "windows": ("Windows", "Glass", "Window & Door"),
}
FIRST_NAMES: Final = (
    *(
        "Maria",
        "James",
        "Aisha",
        "Robert",
        "Linh",
        "Patricia",
        "Carlos",
        "Jennifer",
        "Omar",
        "Linda",
        "David",
    ),
    *("Grace", "Kenji", "Susan", "Tyrone", "Karen", "Miguel", "Nancy", "Ivan", "Betty", "Samuel", "Helen"),
)
LAST_NAMES: Final = (
    *(
        "Nguyen",
        "Smith",
        "Garcia",
        "Johnson",
        "Patel",
        "Williams",
        "Kim",
        "Brown",
        "Lopez",
        "Jones",
        "Okafor",
    ),
    *("Davis", "Martinez", "Miller", "Cohen", "Wilson", "Ali", "Moore", "Silva", "Taylor", "Novak", "Clark"),
)
