"""Every page of the admin x a row of another agency x every role, from the URL configuration.

A new page is covered automatically if its address is below that of its table and contains the id of a row.
`test_every_page_is_in_the_matrix` fails for any other.
"""

from collections.abc import Callable, Iterator
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client

from distribution.models import (
    Buyer,
    BuyerStatement,
    Call,
    Campaign,
    CardPayment,
    CarrierAccount,
    ChangeProposal,
    Channel,
    Delivery,
    Endpoint,
    Enrollment,
    PingEndpoint,
    ReturnFile,
    ReturnRequest,
    Subscription,
    Tier,
    Verification,
    Wallet,
)
from routing.models import Lead, RoutingRule, Source
from tests.functional.api.routes import Route, all_routes
from tests.functional.api.tenant_world import (
    Values,
    World,
    of_foreign_lead,
    snapshot,
    world,
    world_of_module,
)
from tests.support.admin_pages import SCOPED_ROLES, client_of, person

__all__ = ["world", "world_of_module"]
pytestmark = pytest.mark.django_db

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

# Pages of the admin whose address has more than the id of a row.
ADMIN_ADDRESSES: dict[str, Callable[[World], Values]] = {
    "distribution_returnrequest_act": lambda world: {
        "name": "approve",
        "?ids": world.foreign_row(ReturnRequest).pk,
    },
    "distribution_delivery_act": lambda world: {"name": "resend", "?ids": world.foreign_row(Delivery).pk},
    "distribution_ledgerentry_accounts": lambda world: {"?workspace": world.foreign.pk},
    "distribution_bid_figures": lambda world: {"?workspace": world.foreign.pk},
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
    "distribution_wallet_recharge": lambda world: {
        "object_id": world.foreign_row(Wallet).pk,
        "name": "pause",
    },
    "distribution_cardpayment_do": lambda world: {
        "object_id": world.foreign_row(CardPayment).pk,
        "name": "refund",
    },
    "distribution_call_recording": lambda world: {"object_id": world.foreign_row(Call).pk},
    "distribution_carrieraccount_do": lambda world: {
        "object_id": world.foreign_row(CarrierAccount).pk,
        "name": "stop",
    },
    "distribution_carrieraccount_try": lambda world: {"object_id": world.foreign_row(CarrierAccount).pk},
    "distribution_channel_do": lambda world: {
        "object_id": world.foreign_row(Channel).pk,
        "name": "disable",
    },
    "distribution_channel_lines": lambda world: {"object_id": world.foreign_row(Channel).pk},
    "distribution_channel_check": lambda world: {"name": "hours", "?id": world.foreign_row(Channel).pk},
    "distribution_verification_do": lambda world: {
        "object_id": world.foreign_row(Verification).pk,
        "name": "verify",
    },
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


def admin_routes() -> list[Route]:
    return [route for route in all_routes() if route.path.startswith("admin/") and route.path != CATCH_ALL]


def test_every_page_is_in_the_matrix() -> None:
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
            # The carrier of the world does not answer.
            allowed = {503} if route.name == "distribution_call_recording" else {200, 302, 403}
            assert client.get(url).status_code in allowed, route.path
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
