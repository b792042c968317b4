"""The card provider takes requests and answers none: few web threads wait for it, and not for long."""

import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from distribution.models import Buyer, CardPayment, PaymentState
from distribution.payments.account import CONNECT_SECONDS, answer_within
from distribution.payments.provider import AnswerUnknown, create_customer
from distribution.payments.waiting import PERSON_SECONDS
from distribution.slow_work import OUTSIDE
from tests.support.admin_pages import client_of, person
from tests.support.card_provider import CardProvider
from tests.support.factories import BuyerFactory, PortalUserFactory, issue_buyer_key
from tests.support.paying import buy, give_card
from tests.support.portal import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
AT_ONCE = 8
WAITING = 2
CARDS = "/portal/wallet/card/"
SETUP = "/api/v1/buyer/card/setup/"


@pytest.fixture
def buyer(provider: CardProvider) -> Buyer:
    made: Buyer = BuyerFactory()
    give_card(made, provider)
    return made


@pytest.fixture
def payment(buyer: Buyer) -> CardPayment:
    """The cardholder must confirm it."""
    made = buy(buyer)
    CardPayment.objects.filter(pk=made.pk).update(state=PaymentState.NEEDS_ACTION, provider_id="pi_1")
    return made


def api_of(buyer: Buyer) -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_buyer_key(buyer)}"})


def read_refusal(answer: Any) -> tuple[int, str, str]:
    return answer.status_code, answer["Retry-After"], answer.json()["error"]["code"]


def post_at_once(client: Client) -> list[tuple[tuple[int, str, str], float]]:
    """Each answer with its seconds, in the order in which they came."""

    def post() -> tuple[tuple[int, str, str], float]:
        began = time.monotonic()
        try:
            return read_refusal(client.post(SETUP)), time.monotonic() - began
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        sent: list[Future[Any]] = [pool.submit(post) for _ in range(AT_ONCE)]
        return [each.result() for each in as_completed(sent)]


def test_few_requests_wait_and_the_others_are_refused_at_once(
    buyer: Buyer, provider: CardProvider, settings: Any
) -> None:
    client = api_of(buyer)
    with provider.hanging() as account:
        settings.LEADSWITCH_STRIPE = account
        answers = post_at_once(client)
    settings.LEADSWITCH_STRIPE = provider.account
    refused, waited = answers[:-WAITING], answers[-WAITING:]
    assert [answer for answer, _ in refused] == [(503, "1", "busy")] * (AT_ONCE - WAITING)
    assert [answer for answer, _ in waited] == [(503, "60", "provider_unreachable")] * WAITING
    assert all(seconds >= PERSON_SECONDS for _, seconds in waited)
    assert client.post(SETUP).status_code == 201, "the places are free again"


def test_person_waits_a_few_seconds() -> None:
    assert PERSON_SECONDS + CONNECT_SECONDS < 8


def ask_everything(payment: CardPayment) -> list[Any]:
    """Every route and page that asks the provider while a person waits."""
    buyer = payment.wallet.buyer
    api, portal = api_of(buyer), signed_in(PortalUserFactory(buyer=buyer))
    finance = client_of(person("finance", buyer.workspace))
    look_up = reverse("admin:distribution_cardpayment_do", args=[payment.pk, "lookup"])
    setup, json = {"setup_id": "seti_1"}, "application/json"
    return [
        api.post(SETUP),
        api.post(f"{SETUP}finish/", setup, content_type=json),
        api.post(f"/api/v1/buyer/topups/{payment.public_id}/confirm/"),
        portal.post(f"{CARDS}add/"),
        portal.post(f"{CARDS}added/", setup),
        portal.post(f"{CARDS}payments/{payment.public_id}/confirm/"),
        finance.post(look_up, {"reason": "the buyer called"}),
    ]


def test_every_route_and_page_says_when_to_try_again(
    payment: CardPayment, provider: CardProvider, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distribution.payments.waiting.PERSON_SECONDS", 1)
    with provider.hanging() as account:
        settings.LEADSWITCH_STRIPE = account
        answers = ask_everything(payment)
    assert [(each.status_code, each["Retry-After"]) for each in answers] == [(503, "60")] * len(answers)
    assert all("The card provider does not answer." in each.content.decode() for each in answers)


def test_nothing_is_asked_while_others_wait(payment: CardPayment, provider: CardProvider) -> None:
    asked = list(provider.requests)
    with OUTSIDE.take(), OUTSIDE.take():
        answers = ask_everything(payment)
    assert [(each.status_code, each["Retry-After"]) for each in answers] == [(503, "1")] * len(answers)
    assert all("LeadSwitch is busy" in each.content.decode() for each in answers)
    assert provider.requests == asked


def test_time_is_that_of_all_requests_together(provider: CardProvider) -> None:
    """The first request took it all, so the second one is not sent."""
    with answer_within(0), pytest.raises(AnswerUnknown):
        create_customer(uuid4())
    assert provider.requests == []
