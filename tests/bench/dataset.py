"""The data of the bench: one campaign for each pool size, and leads for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from distribution.engine.limits import MAX_CREDIT_LIMIT_CENTS
from distribution.models import Buyer, Campaign, Enrollment, Tier, Wallet
from routing.calendar.hours import WEEKDAYS
from routing.calendar.windows import WINDOW_KINDS, window_start
from routing.models import Lead, Source, Workspace

PRICE_CENTS: Final = 2500
# Every second buyer is outside its area, so each attempt writes the same known rows.
SERVED: Final = {"counties": ["GA:Fulton County"], "radius": [{"zip": "30303", "miles": 25}]}
NOT_SERVED: Final = {"states": ["CA", "OR", "WA"], "zips": ["10001", "10002"]}
ALL_WEEK: Final = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
LEAD_FILTER: Final = {"field": "attributes.roof_age", "op": "gte", "value": 5}


@dataclass(frozen=True, slots=True)
class Pool:
    """One campaign with its buyers; leads find it by their vertical."""

    workspace_id: int
    source_id: int
    campaign_id: int
    vertical: str


def build_pool(size: int) -> Pool:
    """Enroll `size` buyers in an exclusive round-robin campaign of one tier. All have credits and counters in use."""
    workspace, _ = Workspace.objects.get_or_create(slug="bench", name="Bench")
    source, _ = Source.objects.get_or_create(workspace=workspace, name="form")
    vertical = f"roofing_{size}"
    campaign = Campaign.objects.create(
        workspace=workspace, name=f"{size} buyers", vertical=vertical, price_cents=PRICE_CENTS
    )
    tier = Tier.objects.create(campaign=campaign)
    buyers = Buyer.objects.bulk_create(
        Buyer(
            workspace=workspace,
            name=f"Buyer {number} of {size}",
            service_area=NOT_SERVED if number % 2 else SERVED,
            hours=ALL_WEEK,
        )
        for number in range(size)
    )
    Wallet.objects.filter(buyer__in=buyers).update(credit_limit_cents=MAX_CREDIT_LIMIT_CENTS)
    now = timezone.now()
    Enrollment.objects.bulk_create(
        Enrollment(
            campaign=campaign,
            tier=tier,
            buyer=buyer,
            lead_filter=LEAD_FILTER,
            cap_day=1_000_000,
            budget_month_cents=10**12,
            last_assigned_at=now - timedelta(seconds=size - place),
            **_counters(now),
        )
        for place, buyer in enumerate(buyers)
    )
    return Pool(workspace.pk, source.pk, campaign.pk, vertical)


def _counters(now: datetime) -> dict[str, Any]:
    zone = "America/New_York"
    counters: dict[str, Any] = {
        "counted_on": now.astimezone(ZoneInfo(zone)).date(),
        "hour_starts_at": window_start("hour", now, zone),
    }
    for window in WINDOW_KINDS:
        counters[f"{window}_leads"] = 1
        counters[f"{window}_spent_cents"] = PRICE_CENTS
    return counters


# A statement takes 65,535 parameters at most.
LEADS_AT_ONCE: Final = 1_000


def add_leads(pool: Pool, count: int) -> list[int]:
    """Insert `count` leads that are due now. Returns their ids."""
    now = timezone.now()
    leads = Lead.objects.bulk_create(
        (
            Lead(
                workspace_id=pool.workspace_id,
                source_workspace_id=pool.workspace_id,
                source_id=pool.source_id,
                first_name="Test",
                last_name="Person",
                email="person@example.com",
                phone="+14045550100",
                # Each is a different person: the product searches for duplicates of every lead.
                email_hash=token_hex(32),
                phone_hash=token_hex(32),
                zip="30312",
                city="Atlanta",
                county="Fulton County",
                state="GA",
                vertical=pool.vertical,
                attributes={"roof_age": 12, "property_type": "residential", "stories": 2, "own_home": True},
                consent={"text": "I agree to be called", "at": now.isoformat()},
                next_attempt_at=now,
                expires_at=now + timedelta(days=90),
            )
            for _ in range(count)
        ),
        batch_size=LEADS_AT_ONCE,
    )
    return [lead.pk for lead in leads]
