"""`Send a test event` sends an invented event of the chosen kind on the real path, marked as a test."""

import json

import jsonschema
import pytest
from django.test import Client
from django.urls import reverse
from standardwebhooks import Webhook

from distribution.deliveries.event_content import audience_of
from distribution.deliveries.payloads.catalog import CATALOG, describe_message
from distribution.deliveries.payloads.events import TEST_LINE
from distribution.models import Delivery, Event, Subscription
from routing.models import Workspace
from tests.support.admin_pages import client_of, page, person
from tests.support.buyer_system import BuyerSystem, Reply
from tests.support.delivering import sign
from tests.support.factories import BuyerFactory, SourceFactory, SubscriptionFactory, WorkspaceFactory
from tests.support.mail_server import Mailbox

pytestmark = pytest.mark.usefixtures("db", "allowed_here")
PAIRS = [(kind, audience) for kind, row in CATALOG.items() for audience in row.data]


@pytest.fixture
def workspace() -> Workspace:
    made: Workspace = WorkspaceFactory()
    return made


@pytest.fixture
def operator(workspace: Workspace) -> Client:
    return client_of(person("operator", workspace))


def url_of(subscription: Subscription) -> str:
    return reverse("admin:distribution_subscription_act", args=[subscription.pk, "test"])


def subscription_of(audience: str, workspace: Workspace, **fields: object) -> Subscription:
    owners = {
        "buyer": lambda: {"buyer": BuyerFactory(workspace=workspace)},
        "source": lambda: {"source": SourceFactory(workspace=workspace)},
        "workspace": lambda: {"workspace": workspace},
    }
    made: Subscription = SubscriptionFactory(**owners[audience](), **fields)
    return made


@pytest.mark.parametrize(("kind", "audience"), PAIRS)
def test_each_kind_is_signed_and_fits_its_schema(
    operator: Client, workspace: Workspace, system: BuyerSystem, kind: str, audience: str
) -> None:
    subscription = subscription_of(audience, workspace, url=system.url, events=[kind])
    secret = sign(subscription)

    answer = operator.post(url_of(subscription), {"kind": kind, "live_address": system.url})

    assert answer.status_code == 200
    [asked] = system.asked
    message = Webhook(secret).verify(asked.body, dict(asked.headers))
    checker = jsonschema.Draft202012Validator
    schema = describe_message(kind, audience_of(subscription))
    checker(schema, format_checker=checker.FORMAT_CHECKER).validate(message)
    assert (message["type"], message["data"]["is_test"]) == (kind, True)


def test_page_shows_the_request_and_the_raw_answer(
    operator: Client, workspace: Workspace, system: BuyerSystem
) -> None:
    system.answer_with(Reply(422, '{"why": "unknown event"}'))
    subscription = subscription_of("buyer", workspace, url=system.url, events=["lead.sold", "wallet.low"])
    secret = sign(subscription)
    assert (
        url_of(subscription) in operator.get(page(Subscription, "change", subscription.pk)).content.decode()
    )
    shown = operator.get(url_of(subscription)).content.decode()
    assert '<option value="">Choose an event</option><option>lead.sold</option><option>wallet.low' in shown
    assert f"Send it to the live address {system.url}" in shown

    content = operator.post(
        url_of(subscription), {"kind": "wallet.low", "live_address": system.url}
    ).content.decode()

    assert [json.loads(each.body)["type"] for each in system.asked] == ["wallet.low"]
    assert "Rejected: answered 422" in content
    assert "unknown event" in content
    assert "<option selected>wallet.low</option>" in content
    assert secret not in content
    assert (Event.objects.count(), Delivery.objects.count()) == (0, 0)


def test_address_that_is_not_confirmed_gets_nothing(
    operator: Client, workspace: Workspace, system: BuyerSystem
) -> None:
    subscription = subscription_of("workspace", workspace, url=system.url)
    sign(subscription)

    for confirmed in ({}, {"live_address": "https://old.example.com/"}):
        answer = operator.post(url_of(subscription), {"kind": subscription.events[0], **confirmed})
        assert answer.status_code == 400
        assert "Check the box below" in answer.content.decode()

    assert system.asked == []


@pytest.mark.parametrize("kind", [{}, {"kind": ""}, {"kind": "wallet.low"}])
def test_kind_that_was_not_chosen_is_not_sent(
    operator: Client, workspace: Workspace, system: BuyerSystem, kind: dict[str, str]
) -> None:
    subscription = subscription_of("source", workspace, url=system.url, events=["lead.sold", "lead.unsold"])
    sign(subscription)

    answer = operator.post(url_of(subscription), {**kind, "live_address": system.url})

    assert answer.status_code == 400
    shown = answer.content.decode()
    assert "Nothing was sent. Choose one of the events of this subscription." in shown
    assert "<option selected>" not in shown
    assert system.asked == []


def test_person_gets_a_marked_email(operator: Client, workspace: Workspace, mailbox: Mailbox) -> None:
    subscription = subscription_of(
        "buyer", workspace, method="email", url="", email_to="ann@example.com", events=["cap.reached"]
    )

    answer = operator.post(url_of(subscription), {"kind": "cap.reached", "live_address": "ann@example.com"})

    assert answer.status_code == 200
    assert TEST_LINE in answer.content.decode()
    [(address, message)] = mailbox.mails
    assert (address, message["subject"]) == (
        "ann@example.com",
        f"[TEST] Cap reached: {subscription.owner_name}",
    )
    lines = message.get_content().splitlines()
    assert lines[0] == TEST_LINE
    assert "Budget: $1,200.00" in lines
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_subscription_of_another_agency_is_not_found(operator: Client, system: BuyerSystem) -> None:
    foreign = subscription_of("buyer", WorkspaceFactory(), url=system.url)
    sign(foreign)

    assert operator.post(url_of(foreign), {"live_address": system.url}).status_code == 404
    assert system.asked == []


def test_viewer_sends_nothing(workspace: Workspace, system: BuyerSystem) -> None:
    subscription = subscription_of("workspace", workspace, url=system.url)
    client = client_of(person("viewer", workspace))

    assert client.post(url_of(subscription), {"live_address": system.url}).status_code == 403
    assert system.asked == []
