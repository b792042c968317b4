"""Every route of the API x a foreign tenant x every kind of key and scope, from the URL configuration.

A new route needs an entry in tenant_routes.py or tenant_routes_buyers.py. `test_every_route_is_in_the_matrix` fails
for any other. tests/functional/admin/test_tenant_pages.py has the pages of the admin.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve

from distribution.attempts.campaigns import CAMPAIGNS
from distribution.models import (
    Buyer,
    Campaign,
)
from routing.api.keyview import KeyView
from routing.models import Lead
from tests.functional.admin.test_tenant_pages import CATCH_ALL, admin_routes
from tests.functional.api.routes import Route, all_routes
from tests.functional.api.tenant_routes import API
from tests.functional.api.tenant_world import (
    SCOPES,
    World,
    client_with,
    foreign_public_ids,
    loser_key,
    snapshot,
    source_key,
    source_of,
    winner_key,
    world,
    world_of_module,
)
from tests.support.admin_pages import client_of, person
from tests.support.factories import (
    issue_key,
)

__all__ = ["world", "world_of_module"]
pytestmark = pytest.mark.django_db

# Open to everyone, with the same answer for everyone. `/metrics` and the probes are no routes: middleware answers them.
PUBLIC = {
    "",
    "^api/",
    "api/schema/",
    "api/docs/",
    "unsubscribe/<str:token>/",
    "api/v1/payments/stripe/webhook/",
    *(f"calls/<uuid:public_id>/{kind}/" for kind in ("script", "keys", "status", "recording")),
}


def api_routes() -> list[Route]:
    """Those with a key."""
    return [route for route in all_routes() if route.path.startswith("api/v1/") and route.path not in PUBLIC]


def _every(routes: list[Route]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", routes, ids=lambda route: route.path)


every_api_route = _every(api_routes())
every_route_of_a_row = _every([route for route in api_routes() if route.parameters])


def test_every_route_is_in_the_matrix() -> None:
    api, admin = {route.path for route in api_routes()}, {route.path for route in admin_routes()}
    assert api == set(API)
    # tests/functional/portal/test_tenants.py has those of the portal.
    portal = {route.path for route in all_routes() if route.path.startswith("portal/")}
    assert {route.path for route in all_routes()} - api - admin - portal == {*PUBLIC, CATCH_ALL}


@pytest.mark.parametrize("price_cents", [1_100, 1_200])
def test_next_version_of_a_test_is_not_the_cached_one_of_the_test_before(
    price_cents: int, world: World
) -> None:
    """`world` is the same for all tests of this module, and so are its ids and the next version of each."""
    campaign = Campaign.objects.filter(workspace=world.mine).earliest("pk")
    campaign.price_cents = price_cents
    campaign.save(update_fields=["price_cents"])
    campaign.refresh_from_db()
    assert CAMPAIGNS.get(campaign.pk, config_version=campaign.config_version).price_cents == price_cents


class TestApi:
    @every_api_route
    def test_wrong_kind_of_key_is_refused(self, route: Route, world: World) -> None:
        entry = API[route.path]
        kinds = [kind for kind in SCOPES if SCOPES[kind] is not SCOPES[entry.key]]
        callers = [*strangers(world), *(client_with(kind(world.foreign)) for kind in kinds)]
        for caller in callers:
            for method in entry.methods:
                answer = call(caller, route, world, method)
                assert answer.status_code in {401, 403}, (method, answer.content)

    @every_api_route
    def test_rows_of_another_agency_are_not_found(self, route: Route, world: World) -> None:
        entry = API[route.path]
        client = client_with(entry.key(world.mine))
        before = snapshot()
        if entry.foreign is not None:
            for method in entry.methods:
                answer = call(client, route, world, method)
                assert answer.status_code in {403, 404}, (method, answer.content)
            assert snapshot() == before
        elif "get" in entry.methods:
            text = call(client, route, world, "get").content.decode()
            assert not {str(public_id) for public_id in foreign_public_ids(world) if str(public_id) in text}

    @every_route_of_a_row
    def test_rows_of_a_neighbor_in_the_workspace_are_not_found(self, route: Route, world: World) -> None:
        """Keys of two sources or two buyers of one workspace, or of two workspaces: they share nothing."""
        entry = API[route.path]
        client = client_with(entry.sibling(world.foreign))
        before = snapshot()
        for method in entry.methods:
            answer = call(client, route, world, method)
            assert answer.status_code == 404, (method, answer.content)
        assert snapshot() == before

    @every_api_route
    def test_key_without_the_scope_is_forbidden(self, route: Route, world: World) -> None:
        """For every method: 403 with all scopes except the needed one, and access with that one alone."""
        entry = API[route.path]
        for method in entry.methods:
            needed = scope_of(route, method)
            every = SCOPES[entry.key]
            others = [scope for scope in every if scope != needed]
            client = client_with(entry.key(world.foreign, scopes=others))
            before = snapshot()
            refused = call(client, route, world, method)
            assert refused.status_code == 403, (method, refused.content)
            assert f"`{needed}`" in refused.json()["error"]["message"]
            assert snapshot() == before
            let_in = call(client_with(entry.key(world.foreign, scopes=[needed])), route, world, method)
            assert let_in.status_code in entry.owner_gets, (method, let_in.content)

    @every_api_route
    def test_unknown_parameter_is_refused_by_name(self, route: Route, world: World) -> None:
        entry = API[route.path]
        client = client_with(entry.key(world.foreign))
        before = snapshot()
        for method in entry.methods:
            answer = call(client, route, world, method, query="?utm_source=x")
            assert answer.status_code == 400, (method, answer.content)
            [problem] = answer.json()["error"]["fields"]["utm_source"]
            assert problem["code"] == "unknown_parameter"
            for known in parameters_of(route, method):
                assert known in problem["message"]
        assert snapshot() == before

    def test_no_response_to_a_source_names_a_buyer(self, world: World) -> None:
        """Every response for a key without the scope `trace`, in every state of the world."""
        client = client_with(issue_key(source_of(world.foreign)))
        lead = world.foreign_row(Lead)
        secrets = {str(value) for buyer in Buyer.objects.all() for value in (buyer.name, buyer.public_id)}
        secrets |= {str(each.public_id) for each in Campaign.objects.all()} | {
            "7500",
            "2500",
            "75.00",
            "25.00",
        }
        for path in ("", "explanation/", "calls/"):
            text = client.get(f"/api/v1/leads/{lead.public_id}/{path}").content.decode()
            assert '"distributed"' in text
            assert not {secret for secret in secrets if secret in text}
        assert client.get(f"/api/v1/leads/{lead.public_id}/trace/").status_code == 403

    def test_leads_of_a_neighbor_are_not_found(self, world: World) -> None:
        """Buyers of one agency are strangers to each other."""
        for name, key in (("assignments", loser_key), ("missed", winner_key)):
            route = next(route for route in api_routes() if route.path.startswith(f"api/v1/buyer/{name}/<"))
            assert call(client_with(key(world.foreign)), route, world, "get").status_code == 404
            assert client_with(key(world.foreign)).get(f"/api/v1/buyer/{name}/").json()["results"] == []

    @every_api_route
    def test_owner_gets_access(self, route: Route, world: World) -> None:
        """The control: the same calls with the key of the agency that owns the rows."""
        entry = API[route.path]
        for method in entry.methods:
            answer = call(client_with(entry.key(world.foreign)), route, world, method)
            assert answer.status_code in entry.owner_gets, (method, answer.content)

    def test_lead_is_stored_for_its_sender(self, world: World) -> None:
        answer = call(client_with(source_key(world.mine)), Route("api/v1/leads/", "leads"), world, "post")

        assert Lead.objects.get(public_id=answer.json()["id"]).workspace == world.mine

    def test_foreign_buyer_is_unknown_to_the_trace(self, world: World) -> None:
        own, buyer = Lead.objects.get(workspace=world.mine), world.foreign_row(Buyer)
        client = client_with(source_key(world.mine))

        assert client.get(f"/api/v1/leads/{own.public_id}/trace/").status_code == 200
        assert (
            client.get(f"/api/v1/leads/{own.public_id}/trace/", {"buyer": buyer.public_id}).status_code == 404
        )


def view_of(route: Route) -> type[KeyView]:
    found = resolve(route.url(public_id=UUID(int=7), file_id=UUID(int=8), number=9)).func
    view: type[KeyView] = found.view_class  # type: ignore[attr-defined]
    return view


def scope_of(route: Route, method: str) -> str:
    return str(view_of(route).scopes[method])


def parameters_of(route: Route, method: str) -> tuple[str, ...]:
    return view_of(route).query_parameters.get(method, ())


def call(client: Client, route: Route, world: World, method: str, *, query: str = "") -> Any:
    entry = API[route.path]
    url = route.url(**(entry.foreign(world) if entry.foreign else {})) + query
    if method in ("post", "patch"):
        # A caller that may not see a row never learns whether a version of it is the present one.
        return getattr(client, method)(
            url, entry.body, content_type="application/json", headers={"If-Match": "*"}
        )
    return getattr(client, method)(url, headers={"If-Match": "*"})


def strangers(world: World) -> Iterator[Client]:
    """No key, invalid keys, and admin users, whose sessions do not count for the API."""
    yield Client()
    yield client_with("")
    yield client_with("abcdefgh.ABCDEFGHIJKLMNOPQRSTUVWXYZ012345")
    yield client_with(source_key(world.foreign) + "x")
    yield client_of(person("operator", world.foreign))
    yield client_of(User.objects.create_superuser("root of the admin"))
