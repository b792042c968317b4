"""Every route x a foreign tenant x every role, kind of key and scope, from the URL configuration.

A new API route needs an entry in API. A new admin page is covered automatically if its address is below that of
its table and contains the id of a row. `test_every_route_is_in_the_matrix` fails for any other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import resolve

from distribution.models import (
    Assignment,
    Buyer,
    BuyerScope,
    BuyerStatement,
    Campaign,
    CardPayment,
    ChangeProposal,
    Delivery,
    Endpoint,
    Enrollment,
    Offer,
    PingEndpoint,
    ReturnFile,
    ReturnRequest,
    Subscription,
    Tier,
    Wallet,
    WorkspaceScope,
)
from routing.api.keyview import KeyView
from routing.models import Lead, RoutingRule, Source, SourceScope, Workspace
from tests.functional.api.routes import Route, all_routes
from tests.support.admin_pages import SCOPED_ROLES, build_world, client_of, issue_old_statement, person
from tests.support.factories import (
    PingEndpointFactory,
    SubscriptionFactory,
    WorkspaceFactory,
    issue_buyer_key,
    issue_key,
    issue_workspace_key,
)
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.django_db

OURS = ("routing", "distribution", "tracing")
# Open to everyone, with the same answer for everyone. `/metrics` and the probes are no routes: middleware answers them.
PUBLIC = {
    "",
    "^api/",
    "api/schema/",
    "api/docs/",
    "unsubscribe/<str:token>/",
    "api/v1/payments/stripe/webhook/",
}
# Pages of the whole admin site, which show nothing of a workspace by an id in the address.
OF_THE_SITE = {
    *("index", "login", "logout", "password_change", "password_change_done", "jsi18n", "autocomplete"),
    *("app_list", "view_on_site", "second_factor", "second_factor_set_up"),
}
# Pages of a table without an id in the address. Their own tests show that they leave out other workspaces.
OF_A_TABLE = {"distribution_returnrequest_next", "distribution_returnrequest_figures"}
CATCH_ALL = "admin/(?P<url>.*)$"
WITHOUT_ID = ("changelist", "add")
ROW = {"object_id", "id"}  # Django's name for the row of a page
WAYS = (
    *(
        "workspace",
        "source__workspace",
        "buyer__workspace",
        "campaign__workspace",
    ),  # an endpoint may name no campaign
    *("wallet__buyer__workspace", "endpoint__buyer__workspace"),
)
NO_WORKSPACE = (User, Group)


@dataclass(frozen=True, slots=True)
class World:
    """Two agencies, each with a row in every table."""

    mine: Workspace
    foreign: Workspace

    def foreign_row(self, model: type[Model]) -> Any:
        """A row of the other agency. Users and groups belong to no agency: any of them is foreign."""
        return model._default_manager.filter(**of_workspace(model, self.foreign)).first()


Values = dict[str, object]


def source_of(workspace: Workspace) -> Source:
    """The source that sent the agency's lead."""
    return Lead.objects.get(workspace=workspace).source


def source_key(workspace: Workspace, **key: Any) -> str:
    return issue_key(source_of(workspace), **{"scopes": list(SourceScope), **key})


def sibling_key(workspace: Workspace, **key: Any) -> str:
    """Another source of the same agency: an affiliate or a form beside the one that sent the lead."""
    sibling, _ = Source.objects.get_or_create(workspace=workspace, name="sibling")
    return issue_key(sibling, **{"scopes": list(SourceScope), **key})


@dataclass(frozen=True, slots=True)
class Entry:
    """How an API route is called. `foreign` gives the parameters that name something of the other agency.

    `key` creates a key of the route's kind, with every scope, for the workspace that it is given. `sibling` creates
    one for a neighbor in the same workspace.
    """

    methods: tuple[str, ...]
    foreign: Callable[[World], Values] | None = None
    body: Any = None
    key: Callable[..., str] = source_key
    sibling: Callable[..., str] = sibling_key
    owner_gets: tuple[int, ...] = (200, 201, 409)  # 409: the lead is sold


def buyer_of(workspace: Workspace) -> Buyer:
    """The buyer that bought the agency's lead."""
    return Assignment.objects.get(buyer__workspace=workspace).buyer


def winner_key(workspace: Workspace, **key: Any) -> str:
    return issue_buyer_key(buyer_of(workspace), **key)


def stranger_key(workspace: Workspace, **key: Any) -> str:
    """A buyer of the same agency that is in no campaign."""
    buyer, _ = Buyer.objects.get_or_create(workspace=workspace, name="not enrolled")
    return issue_buyer_key(buyer, **key)


def loser_key(workspace: Workspace, **key: Any) -> str:
    """The buyer that missed it."""
    return issue_buyer_key(Buyer.objects.get(workspace=workspace, assignments=None), **key)


def workspace_key(workspace: Workspace, **key: Any) -> str:
    return issue_workspace_key(workspace, **key)


def partner_key(workspace: Workspace, **key: Any) -> str:  # noqa: ARG001
    """Another workspace: nothing within a workspace is foreign to its keys."""
    return issue_workspace_key(WorkspaceFactory(), **key)


SCOPES: dict[Callable[..., str], Any] = {
    source_key: SourceScope,
    winner_key: BuyerScope,
    loser_key: BuyerScope,
    workspace_key: WorkspaceScope,
}


def of_foreign_lead(world: World) -> Values:
    lead = world.foreign_row(Lead)
    return {"public_id": lead.public_id, "number": 1, "buyer_id": world.foreign_row(Buyer).public_id}


def of_foreign_assignment(world: World) -> Values:
    return {"public_id": world.foreign_row(Assignment).public_id}


def of_foreign_return(world: World) -> Values:
    return {"public_id": world.foreign_row(ReturnRequest).public_id}


def of_foreign_payment(world: World) -> Values:
    return {"public_id": world.foreign_row(CardPayment).public_id}


def of_foreign_offer(world: World) -> Values:
    return {"public_id": world.foreign_row(Offer).public_id}


def of_foreign_subscription(owner: str) -> Callable[[World], Values]:
    """A subscription of the buyer that bought the lead, or of the source that sent it."""

    def find(world: World) -> Values:
        found = Subscription.objects.get(workspace=world.foreign, **{f"{owner}__isnull": False})
        return {"public_id": found.public_id}

    return find


def of_foreign_delivery(world: World) -> Values:
    return {"public_id": world.foreign_row(Delivery).message_id}


def of_foreign_file(world: World) -> Values:
    request = world.foreign_row(ReturnRequest)
    return {"public_id": request.public_id, "file_id": ReturnFile.objects.get(request=request).public_id}


def of_foreign_place(world: World) -> Values:
    """The id of an enrollment is that of its campaign."""
    return {"public_id": Enrollment.objects.get(buyer=buyer_of(world.foreign)).campaign.public_id}


def of_foreign_endpoint(world: World) -> Values:
    found = Endpoint.objects.get(buyer=buyer_of(world.foreign), events=[], purpose="delivery")
    return {"public_id": found.public_id}


def of_foreign_change(world: World) -> Values:
    return {"public_id": world.foreign_row(ChangeProposal).public_id}


NEW_ENDPOINT = {"name": "new CRM", "method": "email", "email_to": "leads@example.com"}


def of_foreign_statement(world: World) -> Values:
    """Each workspace counts from 1: the other agency has issued one more."""
    statement = BuyerStatement.objects.filter(workspace=world.foreign).latest("number")
    assert statement.number == 2
    return {"number": statement.number}


SUBSCRIPTION = {"name": "CRM", "url": "https://93.184.216.34/events", "events": ["lead.sold"]}
SENT = {"zip": "30312", "email": "grace@example.com"}
API = {
    "api/v1/workspace/returns/": Entry(("get",), key=workspace_key),
    "api/v1/workspace/returns/<uuid:public_id>/": Entry(
        ("get",), of_foreign_return, key=workspace_key, sibling=partner_key
    ),
    "api/v1/workspace/returns/<uuid:public_id>/evidence/<uuid:file_id>/": Entry(
        ("get",), of_foreign_file, key=workspace_key, sibling=partner_key
    ),
    "api/v1/workspace/returns/<uuid:public_id>/approve/": Entry(
        ("post",), of_foreign_return, body={}, key=workspace_key, sibling=partner_key
    ),
    "api/v1/workspace/returns/<uuid:public_id>/decline/": Entry(
        ("post",), of_foreign_return, body={"reason": "it rings"}, key=workspace_key, sibling=partner_key
    ),
    "api/v1/workspace/deliveries/": Entry(("get",), key=workspace_key),
    "api/v1/workspace/deliveries/<uuid:public_id>/": Entry(
        ("get",), of_foreign_delivery, key=workspace_key, sibling=partner_key
    ),
    "api/v1/workspace/deliveries/<uuid:public_id>/resolve/": Entry(
        ("post",),
        of_foreign_delivery,
        body={"state": "accepted", "reason": "asked"},
        key=workspace_key,
        sibling=partner_key,
    ),
    "api/v1/workspace/deliveries/<uuid:public_id>/resend/": Entry(
        ("post",),
        of_foreign_delivery,
        body={"reason": "asked"},
        key=workspace_key,
        sibling=partner_key,
        owner_gets=(202,),
    ),
    "api/v1/workspace/assignments/<uuid:public_id>/returns/": Entry(
        ("post",), of_foreign_assignment, body={"reason": "agreed"}, key=workspace_key, sibling=partner_key
    ),
    "api/v1/buyer/me/": Entry(("get", "patch"), body={"timezone": "America/Chicago"}, key=winner_key),
    "api/v1/buyer/area/": Entry(("get", "patch"), body={"service_area": {"states": ["AL"]}}, key=winner_key),
    "api/v1/buyer/hours/": Entry(("get", "patch"), body={"hours": None}, key=winner_key),
    "api/v1/buyer/answers/": Entry(("get", "patch"), body={"answers": None}, key=winner_key),
    "api/v1/buyer/pause/": Entry(("get", "patch"), body={"paused": True}, key=winner_key),
    "api/v1/buyer/enrollments/": Entry(("get",), key=winner_key),
    "api/v1/buyer/enrollments/<uuid:public_id>/": Entry(
        ("get", "patch"), of_foreign_place, body={"caps": {"day": 5}}, key=winner_key, sibling=stranger_key
    ),
    "api/v1/buyer/changes/": Entry(("get",), key=winner_key),
    "api/v1/buyer/changes/<uuid:public_id>/": Entry(
        ("get",), of_foreign_change, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/changes/<uuid:public_id>/withdraw/": Entry(
        ("post",), of_foreign_change, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/whatif/": Entry(("post",), body={"hours": None}, key=winner_key),
    "api/v1/buyer/endpoints/": Entry(("get", "post"), body=NEW_ENDPOINT, key=winner_key),
    "api/v1/buyer/endpoints/<uuid:public_id>/": Entry(
        ("get", "patch", "delete"),
        of_foreign_endpoint,
        body={"timeout_seconds": 9},
        key=winner_key,
        sibling=loser_key,
        owner_gets=(200, 204, 409),  # 409: it has deliveries
    ),
    "api/v1/buyer/endpoints/<uuid:public_id>/secrets/": Entry(
        ("post",), of_foreign_endpoint, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/endpoints/<uuid:public_id>/test/": Entry(
        ("post",),
        of_foreign_endpoint,
        body={},
        key=winner_key,
        sibling=loser_key,
        owner_gets=(409,),  # it has no test URL, and nothing was confirmed
    ),
    "api/v1/buyer/wallet/": Entry(("get", "patch"), body={"notice_below_cents": 500}, key=winner_key),
    "api/v1/buyer/ledger/": Entry(("get",), key=winner_key),
    "api/v1/buyer/card/": Entry(("get", "delete"), key=winner_key, owner_gets=(200, 204)),
    "api/v1/buyer/card/setup/": Entry(("post",), key=winner_key),
    "api/v1/buyer/card/setup/finish/": Entry(("post",), body={"setup_id": "seti_1"}, key=winner_key),
    # Without an Idempotency-Key nothing is bought.
    "api/v1/buyer/topups/": Entry(
        ("get", "post"), body={"amount_cents": 5_000}, key=winner_key, owner_gets=(200, 400)
    ),
    "api/v1/buyer/topups/<uuid:public_id>/": Entry(
        ("get",), of_foreign_payment, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/topups/<uuid:public_id>/confirm/": Entry(
        ("post",), of_foreign_payment, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/recharge/": Entry(("get", "patch"), body={}, key=winner_key, owner_gets=(200, 400)),
    "api/v1/buyer/offers/": Entry(("get",), key=winner_key),
    # Streams are a process of their own.
    "api/v1/buyer/offers/stream/": Entry(("get",), key=winner_key, owner_gets=(503,)),
    "api/v1/buyer/offers/<uuid:public_id>/": Entry(
        ("get",), of_foreign_offer, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/offers/<uuid:public_id>/claim/": Entry(
        ("post",), of_foreign_offer, key=winner_key, sibling=loser_key, owner_gets=(409,)
    ),
    "api/v1/buyer/statements/": Entry(("get",), key=winner_key),
    "api/v1/buyer/statements/<int:number>/": Entry(
        ("get",), of_foreign_statement, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/statements/<int:number>.pdf": Entry(
        ("get",),
        of_foreign_statement,
        key=winner_key,
        sibling=loser_key,
        owner_gets=(200, 503),  # PDFs may be off
    ),
    "api/v1/buyer/assignments/": Entry(("get",), key=winner_key),
    "api/v1/buyer/assignments/<uuid:public_id>/": Entry(
        ("get",), of_foreign_assignment, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/assignments/<uuid:public_id>/returns/": Entry(
        ("post",), of_foreign_assignment, body={"reason": "fake"}, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/return-policy/": Entry(("get",), key=winner_key),
    "api/v1/buyer/returns/": Entry(("get",), key=winner_key),
    "api/v1/buyer/returns/<uuid:public_id>/": Entry(
        ("get",), of_foreign_return, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/returns/<uuid:public_id>/evidence/": Entry(
        ("post",),
        of_foreign_return,
        body={"file": "none"},
        key=winner_key,
        sibling=loser_key,
        owner_gets=(415,),  # JSON has no file
    ),
    "api/v1/buyer/returns/<uuid:public_id>/withdraw/": Entry(
        ("post",), of_foreign_return, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/missed/": Entry(("get",), key=winner_key),
    "api/v1/buyer/missed/<uuid:public_id>/": Entry(
        ("get",), of_foreign_lead, key=loser_key, sibling=winner_key
    ),
    "api/v1/leads/": Entry(("post",), body=SENT),
    "api/v1/leads/batch/": Entry(("post",), body={"leads": [SENT]}),
    "api/v1/leads/<uuid:public_id>/": Entry(("get", "delete"), of_foreign_lead),
    "api/v1/leads/<uuid:public_id>/explanation/": Entry(("get",), of_foreign_lead),
    "api/v1/leads/<uuid:public_id>/dispatch-now/": Entry(
        ("post",),
        of_foreign_lead,
        owner_gets=(400,),  # the lead is sold
    ),
    "api/v1/leads/<uuid:public_id>/trace/": Entry(("get",), of_foreign_lead),
    "api/v1/payables/": Entry(("get",)),
    "api/v1/pings/": Entry(("post",), body={"zip": "30312"}),
    "api/v1/subscriptions/": Entry(("get", "post"), body=SUBSCRIPTION),
    "api/v1/subscriptions/<uuid:public_id>/": Entry(
        ("get", "delete"), of_foreign_subscription("source"), owner_gets=(200, 204)
    ),
    "api/v1/buyer/subscriptions/": Entry(("get", "post"), body=SUBSCRIPTION, key=winner_key),
    "api/v1/buyer/subscriptions/<uuid:public_id>/": Entry(
        ("get", "delete"),
        of_foreign_subscription("buyer"),
        key=winner_key,
        sibling=loser_key,
        owner_gets=(200, 204),
    ),
}


# Pages of the admin whose address has more than the id of a row.
ADMIN_ADDRESSES: dict[str, Callable[[World], Values]] = {
    "distribution_returnrequest_act": lambda world: {
        "name": "approve",
        "?ids": world.foreign_row(ReturnRequest).pk,
    },
    "distribution_delivery_act": lambda world: {"name": "resend", "?ids": world.foreign_row(Delivery).pk},
    "distribution_ledgerentry_accounts": lambda world: {"?workspace": world.foreign.pk},
    "distribution_delivery_figures": lambda world: {"?endpoint": world.foreign_row(Endpoint).pk},
    "distribution_changeproposal_act": lambda world: {
        "object_id": world.foreign_row(ChangeProposal).pk,
        "name": "approve",
    },
    "distribution_endpoint_act": lambda world: {
        "object_id": world.foreign_row(Endpoint).pk,
        "name": "disable",
    },
    "distribution_endpoint_check": lambda world: {
        "name": "template",
        "?id": world.foreign_row(Endpoint).pk,
    },
    "distribution_pingendpoint_act": lambda world: {
        "object_id": world.foreign_row(PingEndpoint).pk,
        "name": "disable",
    },
    "distribution_pingendpoint_check": lambda world: {
        "name": "template",
        "?id": world.foreign_row(PingEndpoint).pk,
    },
    "distribution_subscription_act": lambda world: {
        "object_id": world.foreign_row(Subscription).pk,
        "name": "disable",
    },
    "distribution_subscription_check": lambda world: {
        "name": "template",
        "?id": world.foreign_row(Subscription).pk,
    },
    "distribution_returnrequest_file": lambda world: {
        "object_id": world.foreign_row(ReturnRequest).pk,
        "file_id": ReturnFile.objects.get(request=world.foreign_row(ReturnRequest)).public_id,
    },
    "routing_lead_trace": of_foreign_lead,
    "routing_lead_trace_attempt": of_foreign_lead,
    "routing_lead_trace_buyer": of_foreign_lead,
    "routing_routingrule_try": lambda world: {"?workspace": world.foreign.pk},
    "routing_dispatchcontrol_switch": lambda world: {"name": "pause", "?workspace": world.foreign.pk},
    "health": lambda world: {"?workspace": world.foreign.pk},
    "auth_user_reset_second_factor": lambda world: {"?ids": world.foreign_row(User).pk},
    "routing_lead_act": lambda world: {"name": "cancel", "?ids": world.foreign_row(Lead).pk},
    "distribution_wallet_money": lambda world: {"object_id": world.foreign_row(Wallet).pk, "name": "topup"},
    "routing_source_payables": lambda world: {"object_id": world.foreign_row(Source).pk, "name": "pay"},
    "distribution_wallet_statement": lambda world: {"object_id": world.foreign_row(Wallet).pk},
    "distribution_buyerstatement_pdf": lambda world: {"object_id": world.foreign_row(BuyerStatement).pk},
    "distribution_buyer_switch": lambda world: {"object_id": world.foreign_row(Buyer).pk, "name": "pause"},
    "routing_workspace_check": lambda world: {"name": "hours", "?id": world.foreign.pk},
    "routing_routingrule_check": lambda world: {
        "name": "conditions",
        "?id": world.foreign_row(RoutingRule).pk,
    },
    "distribution_campaign_check": lambda world: {"name": "questions", "?id": world.foreign_row(Campaign).pk},
    "distribution_tier_check": lambda world: {"name": "content_filter", "?id": world.foreign_row(Tier).pk},
    "distribution_buyer_check": lambda world: {"name": "answers", "?id": world.foreign_row(Buyer).pk},
    "distribution_enrollment_check": lambda world: {
        "name": "lead_filter",
        "?id": world.foreign_row(Enrollment).pk,
    },
}
EVERYTHING = {
    "post": "yes",
    "reason": "because",
    "change_reason": "because",
    "_save": "Save",
    "amount": "5",
    "token": str(UUID(int=7)),
    "text": "{}",
}


@pytest.fixture
def world() -> World:
    made = World(build_world(), build_world())
    for workspace in (made.mine, made.foreign):
        sale = Assignment.objects.get(buyer__workspace=workspace)
        PingEndpointFactory(buyer=sale.buyer)
        SubscriptionFactory(buyer=sale.buyer, events=["lead.sold"])
        SubscriptionFactory(source=sale.lead.source, events=["lead.sold"])
    issue_old_statement(Assignment.objects.get(buyer__workspace=made.foreign).buyer, month=2)
    return made


def api_routes() -> list[Route]:
    """Those with a key."""
    return [route for route in all_routes() if route.path.startswith("api/v1/") and route.path not in PUBLIC]


def admin_routes() -> list[Route]:
    return [route for route in all_routes() if route.path.startswith("admin/") and route.path != CATCH_ALL]


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
    unknown = [
        route.path
        for route in admin_routes()
        if route.name not in OF_THE_SITE | OF_A_TABLE
        and route.name not in ADMIN_ADDRESSES
        and (model_of(route) is None or not (is_without_id(route) or is_of_a_row(route)))
    ]
    assert unknown == []


def is_without_id(route: Route) -> bool:
    return route.name.endswith(WITHOUT_ID)


def is_of_a_row(route: Route) -> bool:
    return len(route.parameters) == 1 and set(route.parameters) <= ROW


def model_of(route: Route) -> type[Model] | None:
    """The table of an admin page: admin/<app>/<model>/..."""
    parts = route.path.split("/")
    found = [
        model for model in apps.get_models() if [model._meta.app_label, model._meta.model_name] == parts[1:3]
    ]
    return found[0] if found else None


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
        for path in ("", "explanation/"):
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


def foreign_public_ids(world: World) -> Iterator[object]:
    for model in (Lead, Buyer, Assignment, Source):
        rows = model._default_manager.filter(**of_workspace(model, world.foreign))
        yield from rows.values_list("public_id", flat=True)


def client_with(key: str) -> Client:
    return Client(headers={"Authorization": f"Api-Key {key}"})


def strangers(world: World) -> Iterator[Client]:
    """No key, invalid keys, and admin users, whose sessions do not count for the API."""
    yield Client()
    yield client_with("")
    yield client_with("abcdefgh.ABCDEFGHIJKLMNOPQRSTUVWXYZ012345")
    yield client_with(source_key(world.foreign) + "x")
    yield client_of(person("operator", world.foreign))
    yield client_of(User.objects.create_superuser("root of the admin"))


class TestAdminPages:
    @pytest.mark.parametrize("role", SCOPED_ROLES)
    def test_row_of_another_agency_does_not_exist(self, role: str, world: World) -> None:
        client = client_of(person(role, world.mine))
        before = snapshot()
        let_in = [
            (method, route.path, status)
            for route, url in pages_of_foreign_rows(world)
            for method, status in answers(client, url)
            if status not in ({302} if is_redirect(route) else {403, 404})
        ]

        assert let_in == []
        assert snapshot() == before

    def test_full_user_gets_access(self, world: World) -> None:
        """The control: each of these addresses exists. 403: a read-only table. Checks are called with POST."""
        client = client_of(User.objects.create_superuser("root"))
        for route, url in pages_of_foreign_rows(world):
            if route.name.endswith("_check"):
                assert client.post(url, EVERYTHING).status_code == 200, route.path
                continue
            assert client.get(url).status_code in {200, 302, 403}, route.path
            if route.name.endswith(("_change", "_history")):
                assert client.get(url).status_code == 200, route.path

    @pytest.mark.parametrize("is_known", [False, True])
    def test_non_staff_user_is_sent_to_login(self, is_known: bool, world: World) -> None:  # noqa: FBT001
        client = client_of(User.objects.create_user("customer")) if is_known else Client()
        urls = [url for _, url in pages_of_foreign_rows(world)]
        urls += [route.url() for route in admin_routes() if is_without_id(route)]
        before = snapshot()

        for url in urls:
            for answer in (client.get(url), client.post(url, EVERYTHING)):
                assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/"), url
        assert snapshot() == before

    def test_own_rows_do_not_reveal_foreign_rows(self, world: World) -> None:
        client = client_of(person("operator", world.mine))
        own, foreign = Lead.objects.get(workspace=world.mine), world.foreign_row(Lead)
        page = f"/admin/routing/lead/{own.public_id}/trace/1/"

        assert client.get(page).status_code == 200
        assert client.get(f"{page}{world.foreign_row(Buyer).public_id}/").status_code == 404
        both = f"/admin/routing/lead/act/cancel/?ids={own.pk},{foreign.pk}"
        assert [client.get(both).status_code, client.post(both, EVERYTHING).status_code] == [404, 404]
        mine, others = (
            Enrollment.objects.filter(campaign__workspace=world.mine),
            world.foreign_row(Enrollment),
        )
        answer = client.post(f"/admin/routing/lead/{own.pk}/assign/", {**EVERYTHING, "enrollment": others.pk})
        assert answer.status_code == 400
        assert {row.enrollment for row in answer.context["rows"]} == set(mine)

    def test_page_has_no_view_site_link(self, world: World) -> None:
        client = client_of(person("viewer", world.mine))

        assert client.get(f"/admin/r/1/{world.foreign.pk}/").status_code == 404


def pages_of_foreign_rows(world: World) -> Iterator[tuple[Route, str]]:
    for route in admin_routes():
        model = model_of(route)
        if route.name in ADMIN_ADDRESSES:
            yield route, address(route, ADMIN_ADDRESSES[route.name](world))
        elif model is not None and is_of_a_row(route):
            row = world.foreign_row(model)
            assert row is not None, model
            yield route, route.url(object_id=row.pk, id=row.pk)


def address(route: Route, values: Values) -> str:
    query = {name[1:]: value for name, value in values.items() if name.startswith("?")}
    return route.url(**values) + (f"?{urlencode(query)}" if query else "")


def answers(client: Client, url: str) -> list[tuple[str, int]]:
    return [
        ("get", client.get(url).status_code),
        ("post", client.post(url, EVERYTHING).status_code),
    ]


def is_redirect(route: Route) -> bool:
    """Django's old address of a page redirects every user to the new one, whether the row exists or not."""
    return route.name == ""


def of_workspace(model: type[Model], workspace: Workspace) -> dict[str, object]:
    """The rows of a workspace, by their columns and not by what the admin declares."""
    if model in NO_WORKSPACE:
        return {}
    if model is Workspace:
        return {"pk": workspace.pk}
    if model is Attempt:
        return {"destination_workspace_id": workspace.pk}
    if model is LeadDistributionEvent:
        return {"lead_id__in": Lead.objects.filter(workspace=workspace).values("pk")}
    columns = {each.name for each in model._meta.get_fields()}
    for name in WAYS:
        if name.split("__")[0] in columns:
            return {name: workspace.pk}
    return {"workspace_id": workspace.pk}


def snapshot() -> dict[str, list[dict[str, Any]]]:
    """Every row of ours. Changes to the key of the call itself are ignored."""
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for app in OURS
        for model in apps.get_app_config(app).get_models()
    }
