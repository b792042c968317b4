"""What a test lead sends goes to a test address. Without one it ends, and never reaches the live address of a buyer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from prometheus_client import REGISTRY

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.by_hand import resend
from distribution.models import Delivery, DeliveryTry, Endpoint, Enrollment
from tests.support.buyer_system import BuyerSystem, buyer_system
from tests.support.delivering import deliver_due, sign
from tests.support.factories import DeliveryFactory, EndpointFactory, EnrollmentFactory, LeadFactory
from tests.support.mail_server import Mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def test_system() -> Iterator[BuyerSystem]:
    with buyer_system() as running:
        yield running


@pytest.fixture
def endpoint(system: BuyerSystem, test_system: BuyerSystem) -> Endpoint:
    """Of a buyer whose campaign sells; with a live and a test URL."""
    enrollment: Enrollment = EnrollmentFactory(buyer__credits_cents=100_000)
    endpoint: Endpoint = EndpointFactory(
        buyer=enrollment.buyer, url=system.url, test_url=test_system.url, timeout_seconds=2
    )
    sign(endpoint)
    lead = LeadFactory(source__workspace=enrollment.campaign.workspace, is_test=True)
    assert distribute_lead(lead.pk).result == "success"
    return endpoint


def change(endpoint: Endpoint, **columns: Any) -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(**columns)


def end_of(delivery: Delivery) -> tuple[str, str, Any]:
    delivery.refresh_from_db()
    return delivery.state, delivery.end_reason, delivery.next_try_at


CANCELED = ("cancelled", "no test address", None)


@pytest.mark.usefixtures("endpoint")
def test_test_lead_goes_to_the_test_url(system: BuyerSystem, test_system: BuyerSystem) -> None:
    deliver_due()

    assert Delivery.objects.get().state == "accepted"
    [asked] = test_system.asked
    assert json.loads(asked.body)["data"]["is_test"] is True
    assert system.asked == []


def test_test_url_that_is_cleared_while_the_delivery_waits_ends_it(
    endpoint: Endpoint, system: BuyerSystem, test_system: BuyerSystem
) -> None:
    before = REGISTRY.get_sample_value("leadswitch_deliveries_ended_total", {"state": "cancelled"})
    change(endpoint, test_url="")
    at = timezone.now()

    deliver_due(at=at)

    delivery = Delivery.objects.get()
    assert end_of(delivery) == CANCELED
    assert delivery.ended_at == at
    tried = DeliveryTry.objects.get()
    assert (tried.outcome, tried.error, tried.request_body) == ("not_sent", "no test address", "")
    assert (system.asked, test_system.asked) == ([], [])
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.last_success_at) == (None, None)
    after = REGISTRY.get_sample_value("leadswitch_deliveries_ended_total", {"state": "cancelled"})
    assert (before, after) == (before, (before or 0) + 1)


def test_canceled_delivery_that_is_sent_again_needs_a_test_url(
    endpoint: Endpoint, system: BuyerSystem, test_system: BuyerSystem
) -> None:
    change(endpoint, test_url="")
    deliver_due()
    canceled = Delivery.objects.get()

    again = resend(canceled.pk, at=timezone.now(), actor="ann", reason="try it")
    deliver_due()
    assert end_of(again) == CANCELED

    change(endpoint, test_url=test_system.url)
    last = resend(canceled.pk, at=timezone.now(), actor="ann", reason="with a test URL")
    deliver_due()

    assert (end_of(last)[0], len(test_system.asked), system.asked) == ("accepted", 1, [])


@pytest.mark.parametrize("method", ["email", "csv"])
def test_endpoint_that_became_an_inbox_mails_no_test_lead(
    endpoint: Endpoint, mailbox: Mailbox, method: str
) -> None:
    """An inbox has no test address, also if a test URL is still stored."""
    change(endpoint, method=method, email_to="office@example.com")
    delivery = Delivery.objects.get()

    deliver_due()

    assert end_of(delivery) == CANCELED
    assert mailbox.mails == []


def test_daily_csv_has_the_leads_without_the_test_lead(endpoint: Endpoint, mailbox: Mailbox) -> None:
    change(endpoint, method="csv", email_to="office@example.com")
    test = Delivery.objects.get()
    lead = DeliveryFactory(endpoint=Endpoint.objects.get(pk=endpoint.pk), lead__zip="60601")

    deliver_due()

    assert (end_of(test), end_of(lead)[0]) == (CANCELED, "accepted")
    [(_, message)] = mailbox.mails
    [file] = message.iter_attachments()
    text = file.get_content()
    assert "1 lead of" in message["subject"]
    assert ("60601" in text, "30312" in text) == (True, False)
