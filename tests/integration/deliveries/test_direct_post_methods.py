"""A direct post stays with a method that can answer: the database refuses the change, and a try sends nothing."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Delivery, Endpoint, LedgerEntry, Wallet
from tests.support.delivering import claim_and_try, record
from tests.support.factories import CampaignFactory, EndpointFactory, EnrollmentFactory, LeadFactory
from tests.support.planting import plant

pytestmark = pytest.mark.django_db
PRICE_CENTS, CREDITS_CENTS = 2_500, 10_000
ENDED = {"ended_at": "2026-03-02T15:00Z", "next_try_at": None}


@pytest.fixture
def delivery(db: None) -> Delivery:  # noqa: ARG001
    """An open direct post."""
    campaign = CampaignFactory(sells_on="acceptance", price_cents=PRICE_CENTS)
    enrollment = EnrollmentFactory(campaign=campaign, buyer__credits_cents=CREDITS_CENTS)
    EndpointFactory(buyer=enrollment.buyer)
    lead = LeadFactory(source__workspace=campaign.workspace)
    assert distribute_lead(lead.pk).result == "posting"
    return Delivery.objects.get()


def mail_from(endpoint: Endpoint, method: str = "email") -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(method=method, email_to="office@example.com")


@pytest.mark.parametrize("method", ["email", "csv"])
@pytest.mark.parametrize(
    "columns",
    [
        {"state": "pending"},
        {"state": "posting", "next_try_at": None, "leased_until": "2026-03-02T15:00Z"},
        {"state": "unknown", "next_try_at": None},
    ],
    ids=["pending", "posting", "unknown"],
)
def test_method_that_cannot_answer_is_refused_while_a_direct_post_is_open(
    delivery: Delivery, method: str, columns: dict[str, Any]
) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(**columns)

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        mail_from(delivery.endpoint, method)

    assert refused.value.__cause__.diag.constraint_name == "endpoint_answers_direct_posts"  # type: ignore[union-attr]
    assert Endpoint.objects.get().method == "webhook"


@pytest.mark.parametrize("state", ["accepted", "rejected", "cancelled"])
def test_method_may_change_after_the_end(delivery: Delivery, state: str) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(state=state, **ENDED)

    mail_from(delivery.endpoint)

    assert Endpoint.objects.get().method == "email"


def test_other_changes_are_allowed_while_a_direct_post_is_open(delivery: Delivery) -> None:
    """A wrong URL can be corrected, and a custom request answers as a webhook does."""
    endpoint = delivery.endpoint
    endpoint.url, endpoint.method = "https://new.example.com/", "http"

    endpoint.save()

    assert Endpoint.objects.get().method == "http"


def test_deliveries_of_sold_leads_do_not_hold_the_method(delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(is_direct_post=False)

    mail_from(delivery.endpoint)

    assert Endpoint.objects.get().method == "email"


def test_direct_post_to_a_method_that_cannot_answer_is_not_inserted(delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(state="rejected", **ENDED)
    mail_from(delivery.endpoint)
    columns = "endpoint_id, assignment_id, lead_id, next_try_at, is_direct_post"
    values = f"SELECT endpoint_id, assignment_id, lead_id, now(), %s FROM {Delivery._meta.db_table}"

    with connection.cursor() as cursor:
        insert = f"INSERT INTO {Delivery._meta.db_table} ({columns}) {values}"
        cursor.execute(insert, [True])
        assert cursor.rowcount == 0
        cursor.execute(insert, [False])
        assert cursor.rowcount == 1


@pytest.mark.usefixtures("delivery")
def test_try_by_mail_never_charges_a_held_price(settings: Any) -> None:
    """Around the trigger: nothing is mailed, although the server would take every mail."""
    settings.EMAIL_HOST = "localhost"
    plant("UPDATE distribution_endpoint SET method = 'email', email_to = 'a@example.com'")

    [tried] = claim_and_try()
    assert record([tried]).count == 1

    assert tried.judgment.error == "method_cannot_answer"
    assert Assignment.objects.get().state != "sold"
    assert not LedgerEntry.objects.filter(kind="capture").exists()
    assert Wallet.objects.get().balance_cents == CREDITS_CENTS
