"""A sale leaves a delivery for each live endpoint of its buyer, in its own statement."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from distribution.attempts.assign_by_hand import assign_within
from distribution.attempts.campaigns import run_with_snapshots
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, Delivery, Endpoint, EndpointSecret, Enrollment
from tests.support.factories import CampaignFactory, EndpointFactory, EnrollmentFactory, LeadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrollment() -> Enrollment:
    return EnrollmentFactory(buyer__credits_cents=100_000)


def sell(enrollment: Enrollment) -> Assignment:
    lead = LeadFactory(source__workspace=enrollment.campaign.workspace)
    assert len(distribute_lead(lead.pk).assignments) == 1
    return Assignment.objects.get(lead=lead)


def sent_to(assignment: Assignment) -> set[Endpoint]:
    return {each.endpoint for each in Delivery.objects.filter(assignment=assignment)}


def test_buyer_without_endpoint_gets_no_delivery(enrollment: Enrollment) -> None:
    sell(enrollment)

    assert not Delivery.objects.exists()


def test_sale_leaves_one_delivery_that_is_due_at_once(enrollment: Enrollment) -> None:
    endpoint = EndpointFactory(buyer=enrollment.buyer)

    sale = sell(enrollment)

    delivery = Delivery.objects.get()
    assert (delivery.endpoint, delivery.assignment, delivery.lead) == (endpoint, sale, sale.lead)
    assert (delivery.state, delivery.tries, delivery.is_direct_post) == ("pending", 0, False)
    assert delivery.next_try_at == sale.created_at


def test_message_id_is_a_uuid_of_its_time(enrollment: Enrollment) -> None:
    EndpointFactory(buyer=enrollment.buyer)
    before = timezone.now()

    sell(enrollment)

    message_id = Delivery.objects.get().message_id
    assert (message_id.version, message_id.variant) == (7, "specified in RFC 4122")
    made_at = datetime.fromtimestamp((message_id.int >> 80) / 1000, tz=UTC)
    assert before - timedelta(milliseconds=1) <= made_at <= timezone.now()


def test_every_live_endpoint_of_buyer_and_campaign_gets_it(enrollment: Enrollment) -> None:
    buyer = enrollment.buyer
    live = {EndpointFactory(buyer=buyer), EndpointFactory(buyer=buyer, campaign=enrollment.campaign)}
    other: Campaign = CampaignFactory(workspace=buyer.workspace)
    EndpointFactory(buyer=buyer, campaign=other)
    EndpointFactory(buyer=buyer, active=False)
    EndpointFactory(buyer=buyer, disabled_at=timezone.now(), disabled_reason="gone_410")
    EndpointFactory(buyer__workspace=buyer.workspace)

    assert sent_to(sell(enrollment)) == live


def test_manual_sale_leaves_a_delivery(enrollment: Enrollment) -> None:
    endpoint = EndpointFactory(buyer=enrollment.buyer)
    lead = LeadFactory(source__workspace=enrollment.campaign.workspace)

    sale = run_with_snapshots(lambda: assign_within(lead.pk, enrollment_id=enrollment.pk))

    assert sent_to(Assignment.objects.get(public_id=sale.assignment_id)) == {endpoint}


@pytest.mark.parametrize(
    ("daily_at", "is_today"), [(time(23, 59, 59), True), (time(0, 0), False)], ids=["today", "tomorrow"]
)
def test_daily_csv_is_due_at_its_time_of_day_at_the_buyer(
    enrollment: Enrollment, daily_at: time, *, is_today: bool
) -> None:
    EndpointFactory(
        buyer=enrollment.buyer, method="csv", url="", email_to="office@example.com", daily_at=daily_at
    )

    sale = sell(enrollment)

    due_at = Delivery.objects.get().next_try_at
    assert due_at is not None
    zone = ZoneInfo(enrollment.buyer.timezone)
    sold, due = sale.created_at.astimezone(zone), due_at.astimezone(zone)
    assert due.time() == daily_at
    assert due.date() - sold.date() == timedelta(days=0 if is_today else 1)


def stored(table: str, column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table}")
        return str(cursor.fetchone()[0])


def test_secrets_and_headers_are_encrypted_in_the_database(settings: Any) -> None:
    endpoint = EndpointFactory(headers={"Authorization": "Bearer abc"})
    EndpointSecret.objects.create(endpoint=endpoint, secret="whsec_abc")

    assert "abc" not in stored("distribution_endpoint", "headers")
    assert "abc" not in stored("distribution_endpointsecret", "secret")
    assert Endpoint.objects.get().headers == {"Authorization": "Bearer abc"}
    assert EndpointSecret.objects.get().secret == "whsec_abc"

    settings.LEADSWITCH_ENCRYPTION_KEY = "another key that is long enough to be one"
    with pytest.raises(ValueError, match="LEADSWITCH_ENCRYPTION_KEY"):
        EndpointSecret.objects.get()
