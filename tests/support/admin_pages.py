"""The shared base of the admin's tests: a world with a row in every table, pages, and forms as a browser sends them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import JSONField, Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from uuid6 import uuid7

from distribution.attempts.distribute import distribute_lead
from distribution.calls.blocking import block_phone
from distribution.models import (
    ApprovalPolicy,
    Assignment,
    BlockedPhone,
    Buyer,
    BuyerKey,
    BuyerStatement,
    Call,
    CallingHours,
    CallPolicy,
    Campaign,
    CampaignSnapshot,
    CardPayment,
    CarrierAccount,
    ChangeProposal,
    Channel,
    Delivery,
    Endpoint,
    Enrollment,
    LedgerEntry,
    Offer,
    OfferBuyer,
    PayableEntry,
    PortalUser,
    ReturnPolicy,
    ReturnRequest,
    SourceContract,
    Tier,
    Verification,
    Wallet,
    WorkspaceKey,
)
from distribution.returns.evidence import read_file
from distribution.returns.policy import Ask
from distribution.returns.request import request_return
from distribution.selfservice.author import Author
from distribution.selfservice.change import change_account
from distribution.selfservice.settings import PROFILE
from distribution.statements.issue import issue_statement
from routing.models import (
    DispatchControl,
    IdempotencyRecord,
    Lead,
    Membership,
    Ping,
    RoutingRule,
    Source,
    SourceKey,
    Wakeup,
    Workspace,
)
from tests.support.factories import (
    CallFactory,
    CallPolicyFactory,
    CampaignFactory,
    CardPaymentFactory,
    CarrierAccountFactory,
    ContractFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    PingFactory,
    PortalUserFactory,
    ReturnPolicyFactory,
    RuleFactory,
    SourceFactory,
    VerificationFactory,
    issue_buyer_key,
    issue_key,
    issue_workspace_key,
    store_answer,
)
from tracing import audit
from tracing.models import Attempt, AuditEntry, LeadDistributionEvent

OURS = {"routing", "distribution", "tracing"}
# A proxy model has only a list, the dispatch has a page in place of a list, calling hours are of no workspace,
# and blocked phones are only added and removed. They have their own tests.
MODELS = [
    model
    for model in admin.site._registry
    if model._meta.app_label in OURS
    and not model._meta.proxy
    and model not in (DispatchControl, CallingHours, BlockedPhone)
]
READ_ONLY = [
    *(Lead, IdempotencyRecord, CampaignSnapshot, Assignment, LedgerEntry, Attempt, LeadDistributionEvent),
    *(AuditEntry, Wakeup, ReturnRequest, PayableEntry, SourceContract, Delivery, BuyerStatement),
    *(ChangeProposal, Ping, Offer, CardPayment, Call, Verification),
]
EDITABLE = [
    *(Membership, Workspace, Source, SourceKey, RoutingRule, Campaign, Tier, Buyer, BuyerKey, Enrollment),
    *(ReturnPolicy, Endpoint, WorkspaceKey, ApprovalPolicy, PortalUser),
    *(CarrierAccount, Channel, CallPolicy),
]
# A form shows nothing of a secret column. What is typed comes in another field.
TYPED_ELSEWHERE = {(Endpoint, "headers"): "new_headers"}
JSON_FIELDS = [
    (model, TYPED_ELSEWHERE.get((model, field.name), field.name))
    for model in EDITABLE
    for field in model._meta.concrete_fields
    if isinstance(field, JSONField)
]


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


# These users see only their workspaces; the group `admin` sees everything.
SCOPED_ROLES = ("viewer", "operator", "finance")


def person(role: str, *workspaces: Workspace) -> User:
    """A user of a group, with access to these workspaces."""
    user = User.objects.create_user(f"{role}-{User.objects.count()}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    for workspace in workspaces:
        Membership.objects.create(user=user, workspace=workspace)
    return user


def build_world() -> Workspace:
    """At least one more row in every table: a sold lead with its delivery, and one that a paused buyer misses.

    Its routing rule leads to a workspace without users.
    """
    campaign = CampaignFactory()
    enrollment = EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)
    EnrollmentFactory(campaign=campaign, active=False)
    source = SourceFactory(workspace=campaign.workspace)
    ContractFactory(source=source)
    PingFactory(source=source)
    issue_key(source)
    issue_buyer_key(enrollment.buyer)
    issue_workspace_key(campaign.workspace)
    PortalUserFactory(buyer=enrollment.buyer)
    EndpointFactory(buyer=enrollment.buyer, method="http")
    CardPaymentFactory(card__buyer=enrollment.buyer)
    lead = LeadFactory(source=source)
    distribute_lead(lead.pk)
    store_ended_offer(lead, enrollment)
    store_call(lead, campaign)
    _ask_for_a_return(enrollment.buyer)
    ApprovalPolicy.objects.create(workspace=campaign.workspace, fields=["bid_cents"])
    ask_for_a_new_name(enrollment.buyer)
    issue_old_statement(enrollment.buyer, month=1)
    assert Wallet.objects.get(buyer=enrollment.buyer).balance_cents == 7_500
    RuleFactory(workspace=campaign.workspace, tags=["spare"], active=False)
    store_answer(source)
    clerk = User.objects.create_user(f"clerk-{campaign.pk}")
    Membership.objects.create(user=clerk, workspace=campaign.workspace)
    audit.record(
        actor="root",
        action="changed",
        target=campaign,
        workspace_id=campaign.workspace_id,
        before={"name": "a"},
        after={"name": "b"},
    )
    return campaign.workspace


def store_call(lead: Lead, campaign: Campaign) -> Call:
    """The call in which the person confirmed the request, and a phone that is never called."""
    at = timezone.now()
    carrier = CarrierAccountFactory(workspace=campaign.workspace, api_url="http://127.0.0.1:9")
    CallPolicyFactory(campaign=campaign)
    block_phone("404 555 0199", workspace=campaign.workspace, actor="world", reason="asked by mail")
    verification = VerificationFactory(
        lead=lead, campaign=campaign, state="verified", due_at=None, ended_at=at, tries=1
    )
    call: Call = CallFactory(
        verification=verification,
        channel__account=carrier,
        state="ended",
        outcome="confirmed",
        ended_at=at,
        next_check_at=None,
        records=True,
        recording_sid=f"RE{0:032d}",
    )
    return call


def store_ended_offer(lead: Lead, enrollment: Enrollment) -> Offer:
    """Its buyer was shown the lead and did not claim it."""
    opened_at = datetime(2025, 1, 1, tzinfo=UTC)
    closes_at = opened_at + timedelta(minutes=1)
    offer = Offer.objects.create(
        kind="ping_post",
        lead=lead,
        campaign=enrollment.campaign,
        attempt_id=uuid7(),
        opened_at=opened_at,
        closes_at=closes_at,
        state="closed",
        closed_at=closes_at,
        end_reason="window_over",
        max_buyers=1,
    )
    OfferBuyer.objects.create(
        offer=offer,
        buyer=enrollment.buyer,
        enrollment=enrollment,
        tier_position=1,
        price_cents=2_500,
        visible_at=opened_at,
    )
    return offer


def issue_old_statement(buyer: Buyer, *, month: int) -> BuyerStatement:
    """Of 2025, without a movement."""
    first_day = date(2025, month, 1)
    statement, _ = issue_statement(
        Wallet.objects.get(buyer=buyer), first_day, at=datetime.now(UTC), actor="beat"
    )
    return statement


def ask_for_a_new_name(buyer: Buyer) -> ChangeProposal:
    """A change that waits for approval."""
    outcome = change_account(
        buyer,
        part=PROFILE,
        patch={"name": f"{buyer.name} Inc."},
        by=Author("key of the world", datetime.now(UTC)),
        if_match="*",
    )
    assert outcome.proposal is not None
    return outcome.proposal


def _ask_for_a_return(buyer: Buyer) -> None:
    ReturnPolicyFactory(workspace=buyer.workspace)
    ask = Ask("bad_phone", "not in service", files=(read_file("call.txt", b"not in service"),))
    sold = Assignment.objects.get(buyer=buyer).public_id
    request_return(sold, ask, buyer=buyer, actor="key of the world", at=timezone.now())


def page(model: type[Model], name: str, *arguments: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=arguments)


def form_of(client: Client, url: str) -> dict[str, Any]:
    """The fields that a browser would send back unchanged."""
    form = client.get(url).context["adminform"].form
    data: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if hasattr(bound.field.widget, "decompress"):
            parts = bound.field.widget.decompress(value)
            data |= {f"{bound.html_name}_{place}": part or "" for place, part in enumerate(parts)}
        elif value is not None and value is not False:
            data[bound.html_name] = "on" if value is True else getattr(value, "pk", value)
    return data


def save(client: Client, model: type[Model], row: Model, **changes: Any) -> Any:
    url = page(model, "change", row.pk)
    return client.post(url, {**form_of(client, url), **changes})


def problems(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, response.status_code
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    return errors


def act_url(name: str, *leads: Lead) -> str:
    return reverse("admin:routing_lead_act", args=[name]) + "?ids=" + ",".join(str(lead.pk) for lead in leads)


def endpoint_act(row: Endpoint | Delivery, name: str) -> str:
    if isinstance(row, Delivery):
        return f"{reverse('admin:distribution_delivery_act', args=[name])}?ids={row.pk}"
    return reverse("admin:distribution_endpoint_act", args=[row.pk, name])


def texts(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def count_statements(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def lead_title(lead: Lead) -> str:
    """What headings, breadcrumbs and messages call a lead."""
    place = f" in {lead.state}" if lead.state else ""
    return f"{lead.vertical.capitalize()} lead{place} from {lead.source.name} (…{str(lead.public_id)[-6:]})"
