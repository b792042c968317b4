"""Which offer is on top, what it is called, and what a paused buyer sees."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from distribution.models import Assignment, Buyer, Offer
from tests.support.portal import signed_in
from tests.support.portal_scene import PortalScene, build_portal_scene, open_another

pytestmark = pytest.mark.django_db
LIST = "/portal/offers/"


@pytest.fixture
def scene() -> PortalScene:
    return build_portal_scene()


@pytest.fixture
def client(scene: PortalScene) -> Client:
    return signed_in(scene.user)


def page_of(offer: Offer) -> str:
    return f"/portal/offers/{offer.public_id}/"


def text(client: Client, path: str) -> str:
    answer: Any = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def pause(buyer: Buyer, *, by_buyer: bool = True, hours: int | None = 5) -> None:
    now = timezone.now()
    until = None if hours is None else now + timedelta(hours=hours)
    Buyer.objects.filter(pk=buyer.pk).update(paused_at=now, paused_until=until, is_paused_by_buyer=by_buyer)


def test_offer_is_named_by_its_work_and_place(scene: PortalScene, client: Client) -> None:
    assert "Gutters, 303xx, GA" in text(client, LIST)
    assert "<h1>Gutters, 303xx, GA: $25.00</h1>" in text(client, page_of(scene.offer))


def test_offer_is_named_by_its_work_if_the_agency_shows_no_place(scene: PortalScene, client: Client) -> None:
    Offer.objects.filter(pk=scene.offer.pk).update(partial={"attributes.roof_age": 12})
    assert '<span class="main">Gutters</span>' in text(client, LIST)


def test_offer_that_ends_first_is_on_top(scene: PortalScene, client: Client) -> None:
    newer = open_another(scene)
    first, last = sorted((scene.offer, newer), key=lambda each: each.closes_at)
    shown = text(client, LIST)
    assert shown.index(f'data-key="{first.public_id}"') < shown.index(f'data-key="{last.public_id}"')
    Offer.objects.filter(pk=last.pk).update(closes_at=first.closes_at - timedelta(minutes=1))
    shown = text(client, LIST)
    assert shown.index(f'data-key="{last.public_id}"') < shown.index(f'data-key="{first.public_id}"')


def test_number_of_open_offers_is_in_the_menu_and_on_top_of_home(scene: PortalScene, client: Client) -> None:
    open_another(scene)
    home = text(client, "/portal/")
    assert "data-open-offers>2</span>" in home
    assert home.index("2 open offers") < home.index('id="standing"')
    Offer.objects.filter(state="open").update(closes_at=timezone.now())
    home = text(client, "/portal/")
    assert "data-open-offers hidden>0</span>" in home
    assert "open offer" not in home


def test_home_names_open_campaigns_once(client: Client) -> None:
    assert "You can get leads from Gutters Georgia, Roofing Georgia." in text(client, "/portal/")


def test_paused_buyer_is_told_until_when_and_claims_nothing(scene: PortalScene, client: Client) -> None:
    pause(scene.buyer)
    for path, what in (
        ("/portal/", "you get no leads"),
        (LIST, "you cannot claim offers"),
        (page_of(scene.offer), "you cannot claim offers"),
    ):
        shown = text(client, path)
        assert "You are paused until " in shown
        assert what in shown
        assert "Claim for" not in shown
    assert "You cannot claim while you are paused." in text(client, "/portal/")
    answer = client.post(page_of(scene.offer))
    refused = answer.content.decode()
    assert answer.status_code == 409
    assert "You are paused until " in refused
    assert " UTC" not in refused
    assert not Assignment.objects.filter(lead=scene.offer.lead).exists()


def test_pause_of_the_agency_has_no_link_to_end_it(scene: PortalScene, client: Client) -> None:
    pause(scene.buyer, by_buyer=False, hours=None)
    shown = text(client, LIST)
    assert "Sunbelt Leads paused you: you cannot claim offers. Ask your agency to resume you." in shown
    assert ">Resume</a>" not in shown
