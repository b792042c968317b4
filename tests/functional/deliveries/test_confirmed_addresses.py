"""`Send a test lead` uses the live address of a buyer only after an operator confirmed exactly that address."""

import pytest
from django.test import Client

from distribution.models import Buyer, Endpoint
from tests.support.admin_pages import endpoint_act
from tests.support.buyer_system import BuyerSystem
from tests.support.factories import EndpointFactory
from tests.support.mail_server import Mailbox

pytestmark = pytest.mark.usefixtures("db", "allowed_here")


def test_live_url_gets_a_test_lead_after_its_address_was_confirmed(
    operator: Client, buyer: Buyer, system: BuyerSystem
) -> None:
    endpoint = EndpointFactory(buyer=buyer, method="http", url=system.url, template={"zip": "{zip}"})
    url = endpoint_act(endpoint, "test")
    assert f"Send it to the live address {system.url}" in operator.get(url).content.decode()

    for confirmed in ({}, {"live_address": "on"}, {"live_address": "https://old.example.com/"}):
        refused = operator.post(url, confirmed)
        assert (refused.status_code, "Nothing was sent. Check the box" in refused.content.decode()) == (
            400,
            True,
        )
    assert system.asked == []

    content = operator.post(url, {"live_address": system.url}).content.decode()

    assert [each.body for each in system.asked] == [b'{"zip": "30312"}']
    assert "Accepted" in content


def test_test_url_that_is_gone_since_the_page_was_shown_asks_again(
    operator: Client, buyer: Buyer, system: BuyerSystem
) -> None:
    endpoint = EndpointFactory(buyer=buyer, url=system.url, test_url=system.url)
    operator.get(endpoint_act(endpoint, "test"))
    Endpoint.objects.update(test_url="")

    refused = operator.post(endpoint_act(endpoint, "test"))

    assert refused.status_code == 400
    assert f"Send it to the live address {system.url}" in refused.content.decode()
    assert system.asked == []


@pytest.mark.parametrize("method", ["email", "csv"])
def test_inbox_gets_a_test_lead_after_its_address_was_confirmed(
    operator: Client, buyer: Buyer, mailbox: Mailbox, method: str
) -> None:
    endpoint = EndpointFactory(buyer=buyer, method=method, url="", email_to="office@example.com")
    url = endpoint_act(endpoint, "test")
    assert "Send it to the live address office@example.com" in operator.get(url).content.decode()

    assert operator.post(url).status_code == 400
    assert mailbox.mails == []

    assert operator.post(url, {"live_address": "office@example.com"}).status_code == 200
    [(address, message)] = mailbox.mails
    assert (address, message["subject"].startswith("[TEST] ")) == ("office@example.com", True)
