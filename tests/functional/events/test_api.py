"""Buyers and sources subscribe with their API keys, and see their own subscriptions alone."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from distribution.api import subscriptiondocuments as documents
from distribution.deliveries.claim import claim_due
from distribution.deliveries.subscribing import MOST
from distribution.models import Buyer, Delivery, EndpointSecret, Subscription
from routing.models import Source, SourceScope
from tests.support.delivery_breaches import new_event
from tests.support.described import assert_described
from tests.support.factories import (
    BuyerFactory,
    DeliveryFactory,
    SourceFactory,
    SubscriptionFactory,
    issue_buyer_key,
    issue_key,
)

pytestmark = pytest.mark.django_db

URL = "https://93.184.216.34/events"
LOCAL_NAME, UNKNOWN_NAME = "https://localhost/", "https://no-such-host.invalid/"
BODY = {"name": "CRM", "url": URL, "events": ["lead.sold", "lead.returned"]}
PATHS = {"buyer": "/api/v1/buyer/subscriptions/", "source": "/api/v1/subscriptions/"}


class Program:
    def __init__(self, owner: Buyer | Source) -> None:
        is_buyer = isinstance(owner, Buyer)
        key = issue_buyer_key(owner) if is_buyer else issue_key(owner, scopes=list(SourceScope))  # type: ignore[arg-type]
        self.path = PATHS["buyer" if is_buyer else "source"]
        self.client = Client(headers={"Authorization": f"Api-Key {key}"})

    def add(self, **changes: Any) -> Any:
        return self.client.post(self.path, {**BODY, **changes}, content_type="application/json")

    def list(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get(self.path).json()["results"]
        return found

    def end(self, public_id: object) -> Any:
        return self.client.delete(f"{self.path}{public_id}/")


@pytest.fixture(params=[BuyerFactory, SourceFactory], ids=["buyer", "source"])
def owner(request: pytest.FixtureRequest) -> Buyer | Source:
    made: Buyer | Source = request.param()
    return made


@pytest.fixture
def program(owner: Buyer | Source) -> Program:
    return Program(owner)


def problem(answer: Any, field: str) -> dict[str, str]:
    assert answer.status_code == 400, answer.content
    [found] = answer.json()["error"]["fields"][field]
    assert Subscription.objects.count() == 0
    return dict(found)


def test_subscription_is_stored_for_its_owner(program: Program, owner: Buyer | Source) -> None:
    answer = program.add()

    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert_described(body, documents.NewSubscriptionDocument)
    made = Subscription.objects.get()
    assert (made.owner, made.workspace, made.events) == (owner, owner.workspace, BODY["events"])
    assert EndpointSecret.objects.get().secret == body["secret"]
    Webhook(body["secret"])
    assert answer.headers["Location"] == f"{program.path}{made.public_id}/"


def test_secret_is_shown_once(program: Program) -> None:
    secret = program.add().json()["secret"]

    [listed] = program.list()
    one = program.client.get(f"{program.path}{listed['id']}/").json()
    assert one == listed
    assert secret not in str(listed)
    assert (listed["is_enabled"], listed["disabled_reason"]) == (True, "")


def test_ended_subscription_is_gone(program: Program) -> None:
    public_id = program.add().json()["id"]

    assert program.end(public_id).status_code == 204

    assert program.list() == []
    assert program.end(public_id).status_code == 404
    assert not Subscription.objects.get().active


def test_ended_subscription_gets_nothing_that_waited(program: Program, owner: Buyer | Source) -> None:
    public_id = program.add().json()["id"]
    mine = Subscription.objects.get()
    other = SubscriptionFactory(workspace=owner.workspace)
    waiting, sent, of_other = (
        DeliveryFactory(endpoint=mine, lead=None, event=new_event()),
        DeliveryFactory(
            endpoint=mine,
            lead=None,
            event=new_event(),
            state="accepted",
            next_try_at=None,
            ended_at=timezone.now(),
        ),
        DeliveryFactory(endpoint=other, lead=None, event=new_event()),
    )

    program.end(public_id)

    states = Delivery.objects.in_bulk([waiting.pk, sent.pk, of_other.pk])
    assert (states[waiting.pk].state, states[waiting.pk].end_reason) == ("cancelled", "subscription_ended")
    assert states[waiting.pk].ended_at is not None
    assert (states[sent.pk].state, states[of_other.pk].state) == ("accepted", "pending")
    assert claim_due(limit=10)[0].id == of_other.pk


def test_neighbor_sees_nothing(program: Program, owner: Buyer | Source) -> None:
    public_id = program.add().json()["id"]
    factory = BuyerFactory if isinstance(owner, Buyer) else SourceFactory
    neighbor = Program(factory(workspace=owner.workspace))

    assert neighbor.list() == []
    assert neighbor.client.get(f"{program.path}{public_id}/").status_code == 404
    assert neighbor.end(public_id).status_code == 404
    assert Subscription.objects.get().active


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://10.0.0.1/", "ftp", 7, None]
)
def test_address_that_is_not_public_is_refused(program: Program, url: object) -> None:
    assert problem(program.add(url=url), "url")["message"]


def test_names_of_the_network_of_the_agency_stay_secret(program: Program) -> None:
    """A name with an internal address and one without any are refused alike."""
    messages = {problem(program.add(url=url), "url")["message"] for url in (LOCAL_NAME, UNKNOWN_NAME)}

    assert messages == {
        "must be an https:// URL of a host with public addresses, on port 443 or another above 1023"
    }


@pytest.mark.parametrize(
    "events", [[], ["lead.lost"], ["campaign.unsold"], "lead.sold", None, [["lead.sold"]]]
)
def test_event_that_the_owner_cannot_have_is_refused(program: Program, events: object) -> None:
    assert "lead.sold" in problem(program.add(events=events), "events")["message"]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101, None])
def test_name_is_one_short_line(program: Program, name: object) -> None:
    problem(program.add(name=name), "name")


def test_unknown_field_is_named(program: Program) -> None:
    assert problem(program.add(email="ann@example.com"), "email")["code"] == "unknown_field"


def test_source_cannot_have_money() -> None:
    assert (
        "wallet.low" not in problem(Program(SourceFactory()).add(events=["wallet.low"]), "events")["message"]
    )


def test_there_are_at_most_twenty(program: Program, owner: Buyer | Source) -> None:
    kind = "buyer" if isinstance(owner, Buyer) else "source"
    for _ in range(MOST):
        SubscriptionFactory(**{kind: owner}, events=["lead.sold"])

    answer = program.add()

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many")
    assert Subscription.objects.count() == MOST
