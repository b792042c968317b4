"""A campaign's version grows with every change that affects decisions, however it is written."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from distribution.models import Buyer, Campaign, Enrollment, Tier
from distribution.models.buyer import BUYER_CONFIG
from distribution.models.campaign import CAMPAIGN_CONFIG
from distribution.models.enrollment import ENROLLMENT_CONFIG
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    SourceFactory,
    TierFactory,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MORNING, EVENING = NOON.replace(hour=6), NOON.replace(hour=18)
CONDITION = {"field": "state", "op": "eq", "value": "GA"}
HOURS = {"mon": [["09:00", "17:00"]]}
CAMPAIGN_CHANGES: dict[str, Any] = {
    "active": False,
    "mode": "price",
    "vertical": "solar",
    "priority": 3,
    "price_cents": 1,
    "price_rules": [{"when": {}, "set_cents": 1}],
    "max_buyers": 9,
    "sells_on": "acceptance",
    "post_deadline_seconds": 7,
    "offer_seconds": 7,
    "offer_fields": ["state"],
    "offer_fallback": "unsold",
    "fallback_mode": "price",
    "bid_deadline_ms": 200,
    "reserve_cents": 1,
    "margin_bps": 1,
    "penalizes_returns": True,
    "verification": "required",
    "consent_kind": "given_at",
    "unverified_end": "sell",
    "unverified_percent": 50,
    "timezone": "UTC",
    "schedule": HOURS,
    "questions": [{"key": "k", "field": "zip", "op": "eq"}],
}
BUYER_CHANGES: dict[str, Any] = {
    "timezone": "UTC",
    "service_area": {"states": ["GA"]},
    "answers": {"a": 1},
    "hours": HOURS,
    "paused_at": NOON,
    "paused_until": EVENING,
    "is_paused_by_buyer": True,
}
ENROLLMENT_CHANGES: dict[str, Any] = {
    "active": False,
    "weight": 2,
    "priority": 2,
    "bid_cents": 1,
    "standing_bids": [{"when": {}, "bid_cents": 1}],
    "margin_bps": 1,
    "lead_filter": CONDITION,
    **{f"cap_{kind}": 1 for kind in ("hour", "day", "week", "month")},
    **{f"budget_{kind}_cents": 1 for kind in ("hour", "day", "week", "month")},
    "paused_at": NOON,
    "paused_until": EVENING,
    "archived_at": NOON,
}
TIER_CHANGES: dict[str, Any] = {
    "position": 7,
    "content_filter": CONDITION,
    "price_cents": 1,
    "head_start_seconds": 1,
}
COUNTERS: dict[str, Any] = {
    "last_assigned_at": NOON,
    "virtual_finish": 5,
    "counted_on": NOON.date(),
    "hour_starts_at": NOON,
    **{f"{kind}_leads": 5 for kind in ("hour", "day", "week", "month")},
    **{f"{kind}_spent_cents": 5 for kind in ("hour", "day", "week", "month")},
}


def version(campaign: Campaign) -> int:
    return Campaign.objects.values_list("config_version", flat=True).get(pk=campaign.pk)


@pytest.fixture
def enrollment() -> Enrollment:
    """Paused, because only a pause has an end."""
    return EnrollmentFactory(paused_at=MORNING, buyer__paused_at=MORNING)


def test_cases_below_name_every_column() -> None:
    assert {*CAMPAIGN_CHANGES, "source_id"} == set(CAMPAIGN_CONFIG)
    assert set(BUYER_CHANGES) == set(BUYER_CONFIG)
    assert {*ENROLLMENT_CHANGES, "campaign_id", "tier_id", "buyer_id"} == set(ENROLLMENT_CONFIG)
    columns = {field.attname for field in Enrollment._meta.concrete_fields}
    assert {*ENROLLMENT_CONFIG, *COUNTERS, "id"} == columns


@pytest.mark.parametrize("column", CAMPAIGN_CHANGES)
def test_each_column_of_a_campaign_counts_by_update_and_by_save(enrollment: Enrollment, column: str) -> None:
    grows_by_one(
        enrollment.campaign, change_by_update(enrollment.campaign, {column: CAMPAIGN_CHANGES[column]})
    )
    other = CampaignFactory()
    setattr(other, column, CAMPAIGN_CHANGES[column])
    grows_by_one(other, other.save)


def test_source_of_a_campaign_counts(enrollment: Enrollment) -> None:
    source = SourceFactory(workspace=enrollment.campaign.workspace)
    grows_by_one(enrollment.campaign, change_by_update(enrollment.campaign, {"source": source}))


@pytest.mark.parametrize("column", BUYER_CHANGES)
def test_each_column_of_a_buyer_counts_in_every_campaign_it_is_in(
    enrollment: Enrollment, column: str
) -> None:
    buyer = enrollment.buyer
    second = EnrollmentFactory(campaign__workspace=buyer.workspace, buyer=buyer).campaign
    foreign = EnrollmentFactory().campaign
    before = version(second), version(foreign)

    grows_by_one(enrollment.campaign, change_by_update(buyer, {column: BUYER_CHANGES[column]}))

    assert (version(second), version(foreign)) == (before[0] + 1, before[1])


@pytest.mark.parametrize("column", ENROLLMENT_CHANGES)
def test_each_column_of_an_enrollment_counts(enrollment: Enrollment, column: str) -> None:
    grows_by_one(enrollment.campaign, change_by_update(enrollment, {column: ENROLLMENT_CHANGES[column]}))


@pytest.mark.parametrize("column", TIER_CHANGES)
def test_each_column_of_a_tier_counts(enrollment: Enrollment, column: str) -> None:
    grows_by_one(enrollment.campaign, change_by_update(enrollment.tier, {column: TIER_CHANGES[column]}))


def test_added_and_deleted_rows_count(enrollment: Enrollment) -> None:
    campaign = enrollment.campaign
    buyer = BuyerFactory(workspace=campaign.workspace)

    grows_by_one(campaign, lambda: TierFactory(campaign=campaign))
    second = campaign.tiers.latest("id")
    grows_by_one(campaign, lambda: EnrollmentFactory(campaign=campaign, tier=second, buyer=buyer))
    grows_by_one(campaign, change_by_update(campaign.enrollments.get(buyer=buyer), {"tier": enrollment.tier}))
    grows_by_one(campaign, lambda: Enrollment.objects.filter(buyer=buyer).delete())
    grows_by_one(campaign, second.delete)


def test_counters_names_and_equal_values_do_not_count(enrollment: Enrollment) -> None:
    campaign, buyer = enrollment.campaign, enrollment.buyer
    before = version(campaign)

    Enrollment.objects.filter(pk=enrollment.pk).update(**COUNTERS)
    Buyer.objects.filter(pk=buyer.pk).update(name="renamed", timezone=buyer.timezone)
    Tier.objects.filter(pk=enrollment.tier_id).update(name="renamed", position=enrollment.tier.position)
    Campaign.objects.filter(pk=campaign.pk).update(
        name="renamed", returns_restore_caps=False, price_cents=2_500
    )

    assert version(campaign) == before


def test_stale_instance_cannot_lower_the_version(enrollment: Enrollment) -> None:
    """save() writes the version that it read. The trigger keeps the higher one, and adds one for a change."""
    stale = Campaign.objects.get(pk=enrollment.campaign_id)
    Campaign.objects.filter(pk=stale.pk).update(priority=5)
    Campaign.objects.filter(pk=stale.pk).update(priority=0)
    before = version(stale)

    stale.name = "renamed"
    stale.save()
    assert version(stale) == before

    stale.price_cents = 1
    stale.save()
    assert version(stale) == before + 1


def test_plain_sql_counts(enrollment: Enrollment) -> None:
    def change() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE distribution_enrollment SET weight = weight + 1 WHERE id = %s", [enrollment.pk]
            )

    grows_by_one(enrollment.campaign, change)


def change_by_update(row: Any, change: dict[str, Any]) -> Callable[[], Any]:
    return lambda: type(row).objects.filter(pk=row.pk).update(**change)


def grows_by_one(campaign: Campaign, change: Callable[[], Any]) -> None:
    before = version(campaign)
    change()
    assert version(campaign) == before + 1
