"""The first page of the admin: today's numbers, each with a link to its list; a constant number of statements."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Dialer
from tests.support.admin_pages import build_world, client_of, person
from tests.support.factories import (
    BuyerFactory,
    CallFactory,
    CampaignFactory,
    CarrierAccountFactory,
    ChannelFactory,
    DeliveryFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    VerificationFactory,
    WorkspaceFactory,
)
from tests.support.times import latest_noon

pytestmark = pytest.mark.django_db
HOME = "/admin/"
OF_HEALTH_CARD = 5


def cards(client: Client) -> dict[str, str]:
    content = client.get(HOME).content.decode()
    found = re.findall(r'<section class="admin-card"><h2>(.*?)</h2>(.*?)</section>', content, re.S)
    return {title: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).strip() for title, body in found}


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    """So that midnight does not pass between a lead and the page that counts it."""
    with time_machine.travel(latest_noon(), tick=True):
        yield


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def test_numbers_lead_to_their_lists(client: Client) -> None:
    campaign = CampaignFactory(name="Roofs")
    EnrollmentFactory(campaign=campaign, buyer__credits_cents=6_000, buyer__name="Acme")
    silent = CampaignFactory(name="Silent", workspace=campaign.workspace, vertical="solar")
    source = SourceFactory(workspace=campaign.workspace)
    for _ in range(3):
        distribute_lead(LeadFactory(source=source).pk)
    LeadFactory(source=source, received_at=timezone.now() - timedelta(days=2))

    shown = cards(client)

    assert shown["Leads today"].startswith("3 received since 00:00 UTC")
    assert "Sold 2" in shown["Leads today"]
    assert "Needs an operator to run it again 1" in shown["Leads today"]
    assert shown["Not sold today, by reason"] == "No remaining buyer has enough credits. 1"
    assert shown["Wallets running low"] == f"Acme ({campaign.workspace}) $10.00 0 leads left"
    assert shown["Campaigns that sold nothing today"] == str(silent)
    content = client.get(HOME).content.decode()
    for number, url in re.findall(r'<td><a href="([^"]+)">(\d+)</a></td>', content):
        rows = client.get(number.replace("&amp;", "&")).context["cl"].result_list
        assert len(rows) == int(url)


def test_deliveries_that_need_a_person_are_counted(client: Client) -> None:
    WorkspaceFactory()
    assert cards(client)["Deliveries"].startswith("No delivery waits for a decision")
    now = timezone.now()
    mine = EndpointFactory(failing_since=now)
    EndpointFactory(disabled_at=now, disabled_reason="gone_410")
    EndpointFactory(disabled_at=now, disabled_reason="by_hand", failing_since=now)
    EndpointFactory(failing_since=now, active=False)
    for endpoint in (mine, mine, EndpointFactory()):
        DeliveryFactory(endpoint=endpoint, state="unknown", next_try_at=None)
    DeliveryFactory(endpoint=mine)

    assert cards(client)["Deliveries"] == "Wait for a decision 3 Endpoints failing now 2"
    own = client_of(person("viewer", mine.buyer.workspace))
    assert cards(own)["Deliveries"] == "Wait for a decision 2 Endpoints failing now 1"


def test_leads_that_wait_for_an_operator_are_counted(client: Client) -> None:
    WorkspaceFactory()
    assert cards(client)["Verifications"].startswith(
        "No lead waits for an operator, every lead that is due is called"
    )
    now = timezone.now()
    source = SourceFactory()
    for state, due_at in (("person", None), ("person", None), ("waiting", now)):
        VerificationFactory(lead__source=source, state=state, due_at=due_at)
    VerificationFactory(state="person", due_at=None)
    CarrierAccountFactory(workspace=source.workspace, stopped_at=now, stop_code="queue_full")
    CarrierAccountFactory(stopped_at=now, stop_code="queue_full", is_enabled=False)

    assert cards(client)["Verifications"] == "Wait for an operator 3 Carrier accounts stopped 1"
    own = client_of(person("viewer", source.workspace))
    assert cards(own)["Verifications"] == "Wait for an operator 2 Carrier accounts stopped 1"
    content = own.get(HOME).content.decode()
    [listed] = re.findall(r'href="([^"]+)">2</a>', content)
    assert len(own.get(listed).context["cl"].result_list) == 2


def test_home_says_why_no_call_goes_out(client: Client) -> None:
    now = timezone.now()
    channel = ChannelFactory(flagged_at=now, flag_reason="refused")
    source = SourceFactory(workspace=channel.workspace)
    VerificationFactory(lead__source=source, due_at=now - timedelta(minutes=2))
    VerificationFactory(lead__source=source, due_at=now)
    CallFactory(channel=channel, verification__lead__source=source, dial="unknown")
    Dialer.objects.create(name="one", seen_at=now - timedelta(minutes=1))
    ChannelFactory(is_enabled=False, flagged_at=now, flag_reason="refused")

    assert cards(client)["Verifications"] == (
        "No dialer runs, so no call goes out. Start one: manage.py dialer ."
        " Due for a minute, not called 1 Channels flagged 1 Calls in doubt 1"
    )
    Dialer.objects.update(seen_at=now)
    own = client_of(person("viewer", channel.workspace))
    assert cards(own)["Verifications"] == "Due for a minute, not called 1 Channels flagged 1 Calls in doubt 1"
    stranger = client_of(person("viewer", WorkspaceFactory()))
    assert cards(stranger)["Verifications"].startswith("No lead waits for an operator")


def test_empty_states_say_what_to_do(client: Client) -> None:
    WorkspaceFactory()
    shown = cards(client)
    assert "sources" in shown["Leads today"]
    outsider = client_of(person("operator"))
    assert "Ask an admin to add you" in outsider.get(HOME).content.decode()


def test_users_see_their_own_workspaces(client: Client) -> None:
    mine = build_world()
    build_world()

    assert cards(client)["Leads today"].startswith("2 received")
    assert cards(client_of(person("viewer", mine)))["Leads today"].startswith("1 received")
    clerk = client_of(User.objects.create_user("clerk", is_staff=True))
    assert "admin-card" not in clerk.get(HOME).content.decode()


def test_home_page_takes_the_same_statements_with_more_rows(client: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(HOME).status_code == 200
        return len(captured)

    build_world()
    statements()
    few = statements()
    for _ in range(3):
        build_world()
    BuyerFactory()
    assert statements() == few <= 9 + OF_HEALTH_CARD
