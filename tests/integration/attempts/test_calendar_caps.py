"""Caps and budgets count by the buyer's calendar date, even if its time zone or enrollment changes."""

from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, Enrollment
from distribution.verify import caps
from distribution.verify.findings import Findings
from distribution.verify.slices import Slice
from tests.support.factories import CampaignFactory, EnrollmentFactory, LeadFactory, TierFactory, enroll
from tests.support.planting import plant
from tests.support.returning import return_assignment

pytestmark = pytest.mark.django_db

NEW_YORK, CHICAGO, LOS_ANGELES, ST_JOHNS = (
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/St_Johns",
)
# 00:30 on Tuesday, December 1 in New York, still Monday, November 30 in Los Angeles.
AFTER_MIDNIGHT = datetime(2026, 12, 1, 5, 30, tzinfo=UTC)
LIMITS: list[dict[str, int]] = [
    {"cap_day": 1},
    {"cap_week": 1},
    {"cap_month": 1},
    {"budget_day_cents": 2_500},
    {"budget_week_cents": 2_500},
    {"budget_month_cents": 2_500},
]
DELETE = "DELETE FROM distribution_enrollment WHERE id = %s"


def enrolled(**fields: Any) -> Enrollment:
    fields = {"buyer__timezone": NEW_YORK, **fields}
    [enrollment] = enroll(CampaignFactory(), count=1, credits_cents=100_000, **fields)
    return enrollment


def sell(enrollment: Enrollment, at: datetime) -> str:
    lead = LeadFactory(source__workspace=enrollment.campaign.workspace, received_at=at)
    return distribute_lead(lead.pk, at=at).skip_reason


def move(enrollment: Enrollment, timezone: str) -> None:
    """Bypasses every form."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE distribution_buyer SET timezone = %s WHERE id = %s", [timezone, enrollment.buyer_id]
        )


def delete(enrollment: Enrollment, how: str) -> None:
    if how == "sql":
        with connection.cursor() as cursor:
            cursor.execute(DELETE, [enrollment.pk])
    elif how == "queryset":
        Enrollment.objects.filter(pk=enrollment.pk).delete()
    else:
        Enrollment.objects.get(pk=enrollment.pk).delete()


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("to", [CHICAGO, LOS_ANGELES, "Pacific/Honolulu"])
def test_buyer_that_moves_west_keeps_its_cap(limit: dict[str, int], to: str) -> None:
    """The date there is still the previous one: sales on the later date still count."""
    enrollment = enrolled(**limit)
    assert sell(enrollment, AFTER_MIDNIGHT) == ""

    move(enrollment, to)

    assert sell(enrollment, AFTER_MIDNIGHT) == "all_buyers_capped"


def test_buyer_that_moves_there_and_back_keeps_every_date() -> None:
    """Two leads a day: two on November 30, two on December 1, however often the zone changes."""
    enrollment = enrolled(cap_day=2, buyer__timezone=LOS_ANGELES)
    sold = [sell(enrollment, AFTER_MIDNIGHT)]
    for zone in (NEW_YORK, LOS_ANGELES, NEW_YORK, LOS_ANGELES):
        move(enrollment, zone)
        sold += [sell(enrollment, AFTER_MIDNIGHT) for _ in range(2)]

    assert sold.count("") == 3
    dates = Assignment.objects.order_by("id").values_list("counted_on", flat=True)
    assert list(dates) == [date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 1)]
    # A day later in Los Angeles it is December 1 too, and that date is used up.
    assert sell(enrollment, AFTER_MIDNIGHT + timedelta(hours=20)) == "all_buyers_capped"
    assert sell(enrollment, AFTER_MIDNIGHT + timedelta(hours=30)) == ""


def test_date_after_the_move_begins_with_an_empty_day() -> None:
    enrollment = enrolled(cap_day=1, buyer__timezone=LOS_ANGELES)
    assert sell(enrollment, AFTER_MIDNIGHT) == ""

    move(enrollment, NEW_YORK)

    assert sell(enrollment, AFTER_MIDNIGHT) == ""
    assert run_verified() == []


def test_hours_that_begin_at_another_minute_keep_the_cap() -> None:
    enrollment = enrolled(cap_hour=1)
    assert sell(enrollment, AFTER_MIDNIGHT + timedelta(minutes=10)) == ""

    move(enrollment, ST_JOHNS)  # its hours begin at half past

    assert sell(enrollment, AFTER_MIDNIGHT + timedelta(minutes=12)) == "all_buyers_capped"
    assert sell(enrollment, AFTER_MIDNIGHT + timedelta(minutes=61)) == ""


@pytest.mark.parametrize("to", [LOS_ANGELES, "Asia/Tokyo"])
def test_return_after_a_move_reduces_the_counters_of_the_sale(to: str) -> None:
    enrollment = enrolled(cap_month=1)
    assert sell(enrollment, AFTER_MIDNIGHT) == ""
    move(enrollment, to)

    return_assignment(Assignment.objects.get().public_id, actor="ann", reason="wrong number")

    enrollment.refresh_from_db()
    amounts = [getattr(enrollment, f"{kind}_leads") for kind in ("hour", "day", "week", "month")]
    assert amounts == [0, 0, 0, 0]
    assert enrollment.counted_on == date(2026, 12, 1)
    assert sell(enrollment, AFTER_MIDNIGHT) == ""


def test_return_reduces_an_earlier_date_of_the_month() -> None:
    enrollment = enrolled(cap_month=2)
    assert sell(enrollment, AFTER_MIDNIGHT) == ""
    assert sell(enrollment, AFTER_MIDNIGHT + timedelta(days=9)) == ""

    return_assignment(Assignment.objects.earliest("id").public_id, actor="ann", reason="wrong number")

    enrollment.refresh_from_db()
    assert (enrollment.day_leads, enrollment.week_leads, enrollment.month_leads) == (1, 1, 1)


@pytest.mark.parametrize("how", ["model", "queryset", "sql"])
@pytest.mark.parametrize("limit", LIMITS)
def test_reenrollment_continues_the_counters(limit: dict[str, int], how: str) -> None:
    enrollment = enrolled(**limit)
    assert sell(enrollment, AFTER_MIDNIGHT) == ""

    delete(enrollment, how)
    again = EnrollmentFactory(campaign=enrollment.campaign, buyer=enrollment.buyer, **limit)

    assert sell(again, AFTER_MIDNIGHT) == "all_buyers_capped"
    again.refresh_from_db()
    assert (again.day_leads, again.day_spent_cents, again.month_leads) == (1, 2_500, 1)


@pytest.mark.parametrize("limit", [{"cap_day": 2}, {"budget_month_cents": 5_000}])
def test_reactivated_enrollment_counts_sales_made_since(limit: dict[str, int]) -> None:
    """Bypasses every form: the row that replaced it sold the second lead."""
    enrollment = enrolled(**limit)
    assert sell(enrollment, AFTER_MIDNIGHT) == ""
    delete(enrollment, "model")
    again = EnrollmentFactory(campaign=enrollment.campaign, buyer=enrollment.buyer, **limit)
    assert sell(again, AFTER_MIDNIGHT) == ""
    delete(again, "model")

    Enrollment.everything.filter(pk=enrollment.pk).update(archived_at=None)

    assert sell(enrollment, AFTER_MIDNIGHT) == "all_buyers_capped"
    enrollment.refresh_from_db()
    assert (enrollment.day_leads, enrollment.month_spent_cents) == (2, 5_000)
    assert run_verified() == []


@pytest.mark.parametrize("how", ["model", "queryset", "sql"])
def test_enrollment_with_sales_is_archived(how: str) -> None:
    """It buys nothing more. Its sales still name it, and its campaign has a new version."""
    enrollment = enrolled()
    assert sell(enrollment, AFTER_MIDNIGHT) == ""
    version = Campaign.objects.get().config_version

    delete(enrollment, how)

    assert not Enrollment.objects.exists()
    assert Enrollment.everything.get().archived_at is not None
    assert Assignment.objects.get().enrollment == Enrollment.everything.get()
    assert Campaign.objects.get().config_version > version
    assert sell(enrollment, AFTER_MIDNIGHT) == "no_enrolled_buyers"


@pytest.mark.parametrize("how", ["model", "queryset", "sql"])
def test_enrollment_without_sales_is_deleted(how: str) -> None:
    delete(enrolled(), how)

    assert not Enrollment.everything.exists()


def test_backward_migration_leaves_no_archived_enrollment_that_would_buy() -> None:
    """The previous release does not know them. Their sales go to the enrollment that counts them now, if any."""
    again, gone = enrolled(), enrolled()
    for each in (again, gone):
        assert sell(each, AFTER_MIDNIGHT) == ""
        delete(each, "queryset")
    live = EnrollmentFactory(campaign=again.campaign, buyer=again.buyer, tier=again.tier)

    with connection.cursor() as cursor:
        cursor.execute(import_module("distribution.migrations.0006_calendar_caps").FORGET_ARCHIVED)

    assert list(Enrollment.everything.values_list("pk", flat=True)) == [live.pk]
    sales = Assignment.objects.order_by("pk").values_list("buyer_id", "enrollment_id")
    assert list(sales) == [(again.buyer_id, live.pk), (gone.buyer_id, None)]


def test_archived_enrollment_stays_when_it_is_deleted_again() -> None:
    enrollment = enrolled()
    sell(enrollment, AFTER_MIDNIGHT)
    delete(enrollment, "sql")
    before = Enrollment.everything.values().get()

    delete(enrollment, "sql")

    assert Enrollment.everything.values().get() == before


def test_buyer_has_one_active_enrollment_in_a_campaign() -> None:
    enrollment = enrolled()

    with pytest.raises(IntegrityError), transaction.atomic():
        EnrollmentFactory(campaign=enrollment.campaign, buyer=enrollment.buyer)


@pytest.mark.parametrize("is_again", [True, False])
def test_return_after_the_deletion_reduces_the_counters(is_again: bool) -> None:  # noqa: FBT001
    """Those of the active enrollment, or through the assignments those of a later one."""
    enrollment = enrolled(cap_day=1)
    assert sell(enrollment, AFTER_MIDNIGHT) == ""
    delete(enrollment, "queryset")
    if is_again:
        again = EnrollmentFactory(campaign=enrollment.campaign, buyer=enrollment.buyer, cap_day=1)

    return_assignment(Assignment.objects.get().public_id, actor="ann", reason="wrong number")

    if not is_again:
        again = EnrollmentFactory(campaign=enrollment.campaign, buyer=enrollment.buyer, cap_day=1)
    again.refresh_from_db()
    assert (again.day_leads, again.month_leads, again.hour_leads) == (0, 0, 0)
    assert sell(again, AFTER_MIDNIGHT) == ""


@pytest.mark.parametrize("limit", [{"cap_hour": 1}, {"budget_hour_cents": 2_500}, *LIMITS])
def test_enrollment_moved_to_another_tier_keeps_its_counters(limit: dict[str, int]) -> None:
    enrollment = enrolled(**limit)
    assert sell(enrollment, AFTER_MIDNIGHT) == ""
    before = Enrollment.objects.values().get()
    other = TierFactory(campaign=enrollment.campaign)

    Enrollment.objects.filter(pk=enrollment.pk).update(tier=other)

    assert Enrollment.objects.values().get() == {**before, "tier_id": other.pk}
    assert sell(enrollment, AFTER_MIDNIGHT) == "all_buyers_capped"


def test_reenrollment_continues_its_turn() -> None:
    enrollment = enrolled()
    sell(enrollment, AFTER_MIDNIGHT)
    enrollment.refresh_from_db()

    delete(enrollment, "sql")
    again = EnrollmentFactory(campaign=enrollment.campaign, buyer=enrollment.buyer)

    again.refresh_from_db()
    assert (again.virtual_finish, again.last_assigned_at) == (
        enrollment.virtual_finish,
        enrollment.last_assigned_at,
    )


def test_sale_written_by_sql_gets_the_buyers_date() -> None:
    enrollment = enrolled(buyer__timezone=LOS_ANGELES)
    lead = LeadFactory(source__workspace=enrollment.campaign.workspace)

    sale = Assignment.objects.create(
        lead=lead,
        buyer=enrollment.buyer,
        campaign=enrollment.campaign,
        attempt_id=lead.public_id,
        price_cents=1,
        created_at=AFTER_MIDNIGHT,
    )

    sale.refresh_from_db()
    assert sale.counted_on == date(2026, 11, 30)


def run_verified() -> list[str]:
    """The messages of invariant 8. Runs in the test's transaction."""
    findings = Findings()
    caps.check(Slice(AFTER_MIDNIGHT + timedelta(hours=1)), findings)
    return [breach.message for breach in findings.examples]


def test_verify_counts_only_from_the_sales() -> None:
    """A wrong date or counter that the product would believe is reported; returned sales are not."""
    enrollment = enrolled(cap_day=3)
    for minutes in range(3):
        assert sell(enrollment, AFTER_MIDNIGHT + timedelta(minutes=minutes)) == ""
    first, second, _ = Assignment.objects.order_by("id")
    return_assignment(
        first.public_id, actor="ann", reason="wrong number", at=AFTER_MIDNIGHT + timedelta(minutes=5)
    )
    assert sell(enrollment, AFTER_MIDNIGHT + timedelta(minutes=7)) == ""
    move(enrollment, LOS_ANGELES)
    assert run_verified() == []

    plant("UPDATE distribution_assignment SET counted_on = counted_on - 1 WHERE id = %s", [second.pk])
    assert run_verified() == [f"assignment {second.pk} counts on 2026-11-30, but its date is 2026-12-01"]


def test_verify_finds_a_second_cap_despite_the_counters() -> None:
    """The fault of a counter keyed by instants: it forgot the sale after a move, and sold the cap again."""
    enrollment = enrolled(cap_day=1)
    assert sell(enrollment, AFTER_MIDNIGHT) == ""
    Enrollment.objects.update(counted_on=None, day_leads=0, week_leads=0, month_leads=0, hour_leads=0)
    assert sell(enrollment, AFTER_MIDNIGHT + timedelta(minutes=1)) == ""
    last = Assignment.objects.latest("id")

    found = run_verified()

    assert f"assignment {last.pk} is lead 2 of its day, but the cap was 1" in found
    assert "counts 1 lead and 2500 cents this month, but its sales are 2 for 5000 cents" in found
