"""Operators see what sources were promised, which pings no lead followed, and the ping of a lead."""

import pytest
from django.test import Client

from routing.models import Lead, Ping
from tests.support.admin_pages import client_of, person
from tests.support.payables import build_campaign, build_source
from tests.support.pinging import PingingSource

pytestmark = pytest.mark.django_db

PINGS = "/admin/routing/ping/"


@pytest.fixture
def sender() -> PingingSource:
    """It pinged three times: one got no price, one of the others was used."""
    sender = PingingSource(build_source(build_campaign(vertical="roofing"), pays="share", share_bps=4_000))
    sender.ping(vertical="solar")
    sender.ping()
    sender.post_lead(sender.get_ping_id())
    return sender


@pytest.fixture
def client(sender: PingingSource) -> Client:
    return client_of(person("viewer", sender.source.workspace))


def listed(client: Client, **query: str) -> set[Ping]:
    return set(client.get(PINGS, query).context["cl"].result_list)


def test_pings_are_listed_by_what_followed(client: Client) -> None:
    no_price, unused, used = Ping.objects.order_by("pk")

    assert listed(client) == {no_price, unused, used}
    assert listed(client, lead="with_a_lead") == {used}
    assert listed(client, lead="without_a_lead", answer="price") == {unused}
    assert listed(client, answer="no_price") == {no_price}
    assert listed(client, q=used.source.name) == {no_price, unused, used}
    assert listed(client, q="another") == set()


def test_ping_shows_its_answer_and_its_lead(client: Client) -> None:
    text = client.get(PINGS).content.decode()

    assert "no price: no campaign" in text
    assert "$10.00" in text
    assert f"/admin/routing/lead/{Lead.objects.get().public_id}/trace/" in text


def test_source_shows_the_rate_of_posts(client: Client, sender: PingingSource) -> None:
    sentence = "3 pings, 2 with a price, 1 used (50%)"

    assert sentence in client.get("/admin/routing/source/").content.decode()
    page = client.get(f"/admin/routing/source/{sender.source.pk}/change/").content.decode()
    assert sentence in page


def test_drawer_of_a_lead_shows_its_promise(client: Client) -> None:
    lead = Lead.objects.get()

    page = client.get(f"/admin/routing/lead/{lead.public_id}/trace/").content.decode()

    assert 'data-testid="trace-promise"' in page
    assert "$10.00 was promised to its source at" in page
