"""Two agencies with a row in every table, and the keys of their programs: what tests of tenants call with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from distribution.attempts.campaigns import CAMPAIGNS
from distribution.models import (
    Assignment,
    Buyer,
    BuyerScope,
    BuyerStatement,
    CallingHours,
    CardPayment,
    ChangeProposal,
    Delivery,
    Endpoint,
    Enrollment,
    Offer,
    ReturnFile,
    ReturnRequest,
    Subscription,
    WorkspaceScope,
)
from routing.models import Lead, Source, SourceScope, Workspace
from routing.rules.plans import PLANS
from tests.support.admin_pages import build_world, issue_old_statement
from tests.support.factories import (
    AuctionFactory,
    BidFactory,
    PingEndpointFactory,
    SubscriptionFactory,
    WorkspaceFactory,
    issue_buyer_key,
    issue_key,
    issue_workspace_key,
)
from tracing.models import Attempt, LeadDistributionEvent

OURS = ("routing", "distribution", "tracing")
WAYS = (
    *(
        "workspace",
        "source__workspace",
        "buyer__workspace",
        "campaign__workspace",
    ),  # an endpoint may name no campaign
    *("wallet__buyer__workspace", "endpoint__buyer__workspace"),
)
NO_WORKSPACE = (User, Group, CallingHours)


@dataclass(frozen=True, slots=True)
class World:
    """Two agencies, each with a row in every table."""

    mine: Workspace
    foreign: Workspace

    def foreign_row(self, model: type[Model]) -> Any:
        """A row of the other agency. Users, groups and calling hours belong to no agency: any of them is foreign."""
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


def foreign_public_ids(world: World) -> Iterator[object]:
    for model in (Lead, Buyer, Assignment, Source):
        rows = model._default_manager.filter(**of_workspace(model, world.foreign))
        yield from rows.values_list("public_id", flat=True)


def client_with(key: str) -> Client:
    return Client(headers={"Authorization": f"Api-Key {key}"})


@pytest.fixture(scope="module")
def world_of_module(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:  # noqa: ARG001
    """For all tests of a module, in one transaction. Each test undoes to a savepoint what it has changed."""
    whole = transaction.atomic()
    whole._from_testcase = True  # type: ignore[attr-defined]  # the outermost transaction of the product is within it
    with django_db_blocker.unblock(), whole:
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture
def world(world_of_module: World) -> Iterator[World]:
    """Each test changes the same rows to the same next versions, so what it has compiled is not for the next test."""
    yield world_of_module
    CAMPAIGNS.clear()
    PLANS.clear()


def make_world() -> World:
    made = World(build_world(), build_world())
    for workspace in (made.mine, made.foreign):
        sale = Assignment.objects.get(buyer__workspace=workspace)
        PingEndpointFactory(buyer=sale.buyer)
        enrollment = Enrollment.objects.get(buyer=sale.buyer, campaign=sale.campaign)
        BidFactory(offer=AuctionFactory(lead=sale.lead, campaign=sale.campaign), enrollment=enrollment)
        SubscriptionFactory(buyer=sale.buyer, events=["lead.sold"])
        SubscriptionFactory(source=sale.lead.source, events=["lead.sold"])
    issue_old_statement(Assignment.objects.get(buyer__workspace=made.foreign).buyer, month=2)
    return made


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
