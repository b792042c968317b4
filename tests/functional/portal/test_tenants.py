"""Every route of the portal x people who must not see it: strangers, a neighbor, another agency, a viewer.

A new route needs an entry here.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client

from distribution.models import Enrollment, PortalUser
from tests.functional.api.routes import Route, all_routes
from tests.support.admin_pages import client_of
from tests.support.factories import BuyerFactory, EnrollmentFactory, PortalUserFactory, issue_buyer_key
from tests.support.portal import signed_in
from tests.support.portal_scene import PortalScene, build_portal_scene

pytestmark = pytest.mark.django_db

# Without a session: signing in.
OPEN = {"portal/sign-in/", "portal/sign-in/sent/", "portal/enter/<str:token>/"}
# For each person who is signed in, about that person alone.
OF_THE_PERSON = {"portal/choose/", "portal/sign-out/", "portal/sign-out/everywhere/"}
# Pages without an id, which show the buyer of the session.
OF_THE_BUYER = {
    "portal/",
    "portal/leads/",
    "portal/offers/",
    "portal/offers/list/",
    "portal/offers/stream/",
    "portal/missed/",
    "portal/returns/",
    "portal/wallet/",
    "portal/wallet/card/",
    "portal/wallet/card/add/",
    "portal/wallet/card/added/",
    "portal/wallet/card/remove/",
    "portal/wallet/card/buy/",
    "portal/wallet/card/recharge/",
    "portal/wallet/card/recharge/pause/",
    "portal/wallet/statements/",
    "portal/settings/",
    "portal/settings/area/",
    "portal/settings/answers/",
    "portal/settings/hours/",
    "portal/settings/pause/",
    "portal/settings/company/",
    "portal/settings/changes/",
    "portal/settings/endpoints/",
    "portal/more/",
    "portal/account/",
}
# Their tests are in test_statements.py and in tests/functional/payments/test_portal.py.
ELSEWHERE = {
    "portal/wallet/card/payments/<uuid:public_id>/confirm/",
    "portal/wallet/statements/<int:number>/",
    "portal/wallet/statements/<int:number>/pdf/",
}
# Pages of one row: its id.
OF_A_ROW: dict[str, Callable[[PortalScene], UUID]] = {
    "portal/leads/<uuid:public_id>/": lambda scene: scene.sold.public_id,
    "portal/leads/<uuid:public_id>/return/": lambda scene: scene.sold.public_id,
    "portal/offers/<uuid:public_id>/": lambda scene: scene.offer.public_id,
    "portal/settings/campaigns/<uuid:public_id>/": lambda scene: scene.campaign.public_id,
    "portal/settings/campaigns/<uuid:public_id>/filter/": lambda scene: scene.campaign.public_id,
    "portal/settings/campaigns/<uuid:public_id>/bids/": lambda scene: scene.campaign.public_id,
    "portal/settings/endpoints/<uuid:public_id>/": lambda scene: scene.endpoint.public_id,
    "portal/settings/endpoints/<uuid:public_id>/secret/": lambda scene: scene.endpoint.public_id,
    "portal/settings/changes/<uuid:public_id>/withdraw/": lambda scene: scene.proposal.public_id,
    "portal/missed/<uuid:public_id>/": lambda scene: scene.missed.public_id,
    "portal/returns/<uuid:public_id>/": lambda scene: scene.request.public_id,
    "portal/returns/<uuid:public_id>/withdraw/": lambda scene: scene.request.public_id,
}
# The process of streams serves it; the web server has nothing to say.
STREAM = "portal/offers/stream/"
OF_A_CAMPAIGN = {route for route in OF_A_ROW if route.startswith("portal/settings/campaigns/")}
# The forms: by route, what a manager sends.
FORMS: dict[str, dict[str, str]] = {
    "portal/leads/<uuid:public_id>/return/": {"reason": "bad_phone", "text": "It rings out."},
    "portal/offers/<uuid:public_id>/": {},
    "portal/returns/<uuid:public_id>/": {},
    "portal/returns/<uuid:public_id>/withdraw/": {},
    "portal/settings/changes/<uuid:public_id>/withdraw/": {},
    "portal/settings/area/": {"version": "*", "everywhere": "on"},
    "portal/settings/hours/": {"version": "*", "when": "always"},
    "portal/settings/company/": {"version": "*", "name": "Other", "timezone": "America/Chicago"},
    "portal/settings/pause/": {"version": "*", "action": "pause"},
    "portal/settings/campaigns/<uuid:public_id>/": {"version": "*", "cap_day": "1"},
    "portal/wallet/card/add/": {},
    "portal/wallet/card/added/": {"setup_id": "seti_1"},
    "portal/wallet/card/remove/": {},
    "portal/wallet/card/buy/": {"buy-amount": "50"},
    "portal/wallet/card/recharge/": {"recharge-amount": "50"},
    "portal/wallet/card/recharge/pause/": {"action": "pause"},
    "portal/settings/campaigns/<uuid:public_id>/filter/": {"version": "*"},
    "portal/settings/campaigns/<uuid:public_id>/bids/": {"version": "*", "bid_0": "12"},
    "portal/settings/answers/": {"version": "*"},
    "portal/settings/endpoints/<uuid:public_id>/": {
        "version": "*",
        "name": "Other",
        "email_to": "a@b.example",
    },
    "portal/settings/endpoints/<uuid:public_id>/secret/": {"version": "*"},
}
ONLY_POST = {
    "portal/returns/<uuid:public_id>/withdraw/",
    "portal/settings/changes/<uuid:public_id>/withdraw/",
    "portal/wallet/card/add/",
    "portal/wallet/card/added/",
    "portal/wallet/card/remove/",
    "portal/wallet/card/buy/",
    "portal/wallet/card/recharge/",
    "portal/wallet/card/recharge/pause/",
    "portal/settings/endpoints/<uuid:public_id>/secret/",
}


@pytest.fixture
def scene() -> PortalScene:
    return build_portal_scene()


def portal_routes() -> list[Route]:
    return [route for route in all_routes() if route.path.startswith("portal/")]


def of_a_row() -> list[Route]:
    return [route for route in portal_routes() if route.path in OF_A_ROW]


every_row = pytest.mark.parametrize("route", of_a_row(), ids=lambda route: route.path)
every_page = pytest.mark.parametrize(
    "route",
    [route for route in portal_routes() if route.path in OF_THE_BUYER | set(OF_A_ROW)],
    ids=lambda route: route.path,
)


def address(route: Route, scene: PortalScene) -> str:
    return route.url(public_id=OF_A_ROW[route.path](scene)) if route.path in OF_A_ROW else route.url()


def strangers(scene: PortalScene) -> Iterator[Client]:
    """Nobody, an invented cookie, users of the admin, and the buyer's own key for the API."""
    yield Client()
    invented = Client()
    invented.cookies["leadswitch_portal"] = "A" * 43
    yield invented
    yield client_of(User.objects.create_superuser("root"))
    yield Client(headers={"Authorization": f"Api-Key {issue_buyer_key(scene.buyer)}"})


def neighbor(scene: PortalScene) -> PortalUser:
    """A manager of the other buyer in the same campaign. It missed the lead for another reason."""
    buyer = BuyerFactory(workspace=scene.buyer.workspace, credits_cents=10_000)
    EnrollmentFactory(campaign=scene.campaign, buyer=buyer)
    return PortalUserFactory(buyer=buyer)


def snapshot() -> dict[str, list[dict[str, Any]]]:
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for app in ("routing", "distribution", "tracing")
        for model in apps.get_app_config(app).get_models()
    }


def test_every_route_is_here() -> None:
    assert {route.path for route in portal_routes()} == (
        OPEN | OF_THE_PERSON | OF_THE_BUYER | set(OF_A_ROW) | ELSEWHERE
    )


@every_page
def test_stranger_is_asked_to_sign_in(route: Route, scene: PortalScene) -> None:
    clients = list(strangers(scene))
    before = snapshot()
    for client in clients:
        for answer in (
            client.get(address(route, scene)),
            client.post(address(route, scene), FORMS.get(route.path, {})),
        ):
            assert (answer.status_code, answer["Location"]) == (302, "/portal/sign-in/")
    assert snapshot() == before


@every_row
def test_rows_of_others_are_not_found(route: Route, scene: PortalScene) -> None:
    foreign = build_portal_scene(buyer_name="Birch Roofing", email="ben@birch.example")
    # Buyers of one campaign have the same address for their own place in it.
    people = [foreign.user] if route.path in OF_A_CAMPAIGN else [foreign.user, neighbor(scene)]
    clients = [signed_in(user) for user in people]
    before = snapshot()
    for client in clients:
        read = client.get(address(route, scene)).status_code
        assert read == (405 if route.path in ONLY_POST else 404)
        assert client.post(address(route, scene), FORMS.get(route.path, {})).status_code in {404, 405}
    assert snapshot() == before


@every_page
def test_lists_have_nothing_of_others(route: Route, scene: PortalScene) -> None:
    foreign = build_portal_scene(buyer_name="Birch Roofing", email="ben@birch.example")
    if route.path in ONLY_POST:
        return
    text = signed_in(foreign.user).get(address(route, foreign)).content.decode()
    mine = (scene.buyer.name, scene.user.email, *(str(find(scene)) for find in OF_A_ROW.values()))
    assert not [each for each in mine if each in text]


@every_page
def test_owner_gets_access(route: Route, scene: PortalScene) -> None:
    """The control: the same addresses for a person of the buyer."""
    answer = signed_in(scene.user).get(address(route, scene))
    expected = 204 if route.path == STREAM else 405 if route.path in ONLY_POST else 200
    assert answer.status_code == expected


@pytest.mark.parametrize("path", FORMS)
def test_viewer_changes_nothing(path: str, scene: PortalScene) -> None:
    [route] = [route for route in portal_routes() if route.path == path]
    viewer = PortalUserFactory(buyer=scene.buyer, role="viewer")
    client = signed_in(viewer)
    before = snapshot()
    answer = client.post(address(route, scene), FORMS[path])
    assert answer.status_code == 403
    assert "Your role is viewer" in answer.content.decode()
    assert snapshot() == before


@pytest.mark.parametrize("name", ["leads", "missed", "offers", "returns", "wallet"])
def test_cursor_of_another_buyer_is_not_found(name: str, scene: PortalScene) -> None:
    from distribution.portal.paging import SIZE, Paging

    foreign = build_portal_scene(buyer_name="Birch Roofing", email="ben@birch.example")
    purpose = "ledger" if name == "wallet" else name
    rows = [type("Row", (), {"pk": number})() for number in range(SIZE + 1)]
    cursor = Paging(f"portal {purpose}:{foreign.buyer.pk}", None).show(rows).next_cursor
    assert signed_in(foreign.user).get(f"/portal/{name}/", {"from": cursor}).status_code == 200
    assert signed_in(scene.user).get(f"/portal/{name}/", {"from": cursor}).status_code == 404
    assert signed_in(scene.user).get(f"/portal/{name}/", {"from": "x" * 32}).status_code == 404


def test_address_of_a_campaign_is_about_the_own_place(scene: PortalScene) -> None:
    path, user = f"/portal/settings/campaigns/{scene.campaign.public_id}/", neighbor(scene)
    client = signed_in(user)
    values = client.get(path).context["form"]
    assert values["cap_day"].value() is None
    version = values["version"].value()
    assert client.post(path, {"version": version, "cap_day": "3", "is_active": "on"}).status_code == 302
    caps = Enrollment.objects.filter(campaign=scene.campaign).values_list("buyer_id", "cap_day")
    assert dict(caps) == {scene.buyer.pk: 10, user.buyer_id: 3}
