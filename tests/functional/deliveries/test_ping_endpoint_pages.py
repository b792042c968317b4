"""The page of a ping endpoint: its form, what it refuses, and a test that shows how a bid is read."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from distribution.attempts.distribute import distribute_lead
from distribution.models import Buyer, Delivery, Endpoint, PingEndpoint
from tests.support.admin_pages import form_of, page, problems
from tests.support.buyer_system import BuyerSystem, Reply
from tests.support.factories import (
    CampaignFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    PingEndpointFactory,
    SubscriptionFactory,
)
from tracing.models import AttemptResult

pytestmark = pytest.mark.usefixtures("db", "allowed_here")

BID = Reply(
    200, json.dumps({"accepted": True, "price": "12.50", "id": "B-7"}), {"Content-Type": "application/json"}
)


def add(client: Client, buyer: Buyer, **fields: Any) -> Any:
    url = page(PingEndpoint, "add")
    given = {"buyer": buyer.pk, "name": "Bids", "price_path": "price", **fields}
    return client.post(url, {**form_of(client, url), **given}, follow=True)


def test_new_ping_endpoint_is_asked_by_http(operator: Client, buyer: Buyer, system: BuyerSystem) -> None:
    add(operator, buyer, url=system.url, template='{"Zip3": "{zip3}"}', price_unit="cents")
    endpoint = PingEndpoint.objects.get()
    assert (endpoint.method, endpoint.purpose, endpoint.price_unit) == ("http", "ping", "cents")
    assert endpoint.template == {"Zip3": "{zip3}"}


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("template", '{"Mail": "{email}"}', "a ping gets no 'email'"),
        ("template", '{"Note": "call {phone} now"}', "a ping gets no 'phone'"),
        ("price_path", "", "This field is required."),
        ("bid_id_path", "a..b", "is no path"),
        ("url", "http://169.254.169.254/", "169.254.169.254"),
    ],
)
def test_setting_that_cannot_be_used_is_refused(
    operator: Client, buyer: Buyer, system: BuyerSystem, field: str, value: str, problem: str
) -> None:
    response = add(operator, buyer, **{"url": system.url, field: value})
    assert any(problem in text for text in problems(response)[field])
    assert not PingEndpoint.objects.exists()


def test_everything_that_is_wrong_is_named_at_once(
    operator: Client, buyer: Buyer, system: BuyerSystem
) -> None:
    wrong = {"price_path": "", "url": "http://169.254.169.254/", "template": '{"Mail": "{email}"}'}
    response = add(operator, buyer, test_url=system.url, **wrong)
    assert set(problems(response)) == set(wrong)
    assert not PingEndpoint.objects.exists()


def test_lists_are_apart(operator: Client, buyer: Buyer) -> None:
    EndpointFactory(buyer=buyer, name="For leads"), PingEndpointFactory(buyer=buyer, name="For bids")
    shown = {
        model: operator.get(page(model, "changelist")).content.decode() for model in (Endpoint, PingEndpoint)
    }
    assert ("For leads" in shown[Endpoint], "For bids" in shown[Endpoint]) == (True, False)
    assert ("For leads" in shown[PingEndpoint], "For bids" in shown[PingEndpoint]) == (False, True)


def test_test_bid_shows_how_the_answer_is_read(operator: Client, buyer: Buyer, system: BuyerSystem) -> None:
    system.replies[:] = [BID]
    endpoint = PingEndpointFactory(buyer=buyer, test_url=system.url)
    url = reverse("admin:distribution_pingendpoint_act", args=[endpoint.pk, "test"])
    text = operator.post(url).content.decode()
    assert "A bid of $12.50 with the id B-7" in text
    [asked] = system.asked
    sent = json.loads(asked.body)
    assert (sent["zip3"], sent["is_test"]) == ("303", True)
    assert not {"email", "phone", "first_name", "address"} & sent.keys()


def test_test_bid_goes_live_only_when_confirmed(operator: Client, buyer: Buyer, system: BuyerSystem) -> None:
    endpoint = PingEndpointFactory(buyer=buyer, url=system.url)
    url = reverse("admin:distribution_pingendpoint_act", args=[endpoint.pk, "test"])
    assert operator.post(url).status_code == 400
    assert system.asked == []


def test_sale_has_no_delivery_to_a_ping_endpoint() -> None:
    enrollment = EnrollmentFactory(campaign=CampaignFactory(), buyer__credits_cents=100_000)
    PingEndpointFactory(buyer=enrollment.buyer)
    endpoint = EndpointFactory(buyer=enrollment.buyer)
    lead = LeadFactory(source__workspace=enrollment.campaign.workspace)
    assert distribute_lead(lead.pk).result == AttemptResult.SUCCESS
    assert list(Delivery.objects.values_list("endpoint_id", flat=True)) == [endpoint.pk]


def test_purpose_never_changes() -> None:
    endpoint, ping = EndpointFactory(method="http"), PingEndpointFactory()
    for row, purpose in ((endpoint, "ping"), (ping, "delivery")):
        changed = {"purpose": purpose, "price_path": "price", "bid_id_path": ""}
        with pytest.raises(IntegrityError, match="gets either leads, events or pings"), transaction.atomic():
            Endpoint.objects.filter(pk=row.pk).update(**changed)


@pytest.mark.parametrize(
    "columns", [{"method": "webhook"}, {"price_path": ""}, {"events": ["lead.sold"]}, {"price_unit": "euros"}]
)
def test_database_refuses_a_ping_endpoint_that_reads_no_price(columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        PingEndpointFactory(**columns)


def test_subscription_is_no_ping_endpoint() -> None:
    subscription = SubscriptionFactory(buyer=EndpointFactory().buyer, events=["lead.sold"])
    assert not PingEndpoint.objects.filter(pk=subscription.pk).exists()
