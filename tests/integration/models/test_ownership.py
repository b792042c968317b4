"""A row stays with its workspace, campaign or buyer: the database refuses to move it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction

from distribution.attempts.distribute import distribute_lead
from distribution.models import (
    ApprovalPolicy,
    Assignment,
    BlockedPhone,
    Buyer,
    BuyerKey,
    CallPolicy,
    Campaign,
    Card,
    CardCustomer,
    CardDispute,
    CardPayment,
    CardRefund,
    CarrierAccount,
    ChangeProposal,
    Channel,
    Delivery,
    DeliveryTry,
    Endpoint,
    EndpointSecret,
    Enrollment,
    PortalUser,
    Recharge,
    RechargeNotice,
    ReturnFile,
    ReturnPolicy,
    ReturnRequest,
    Tier,
    Wallet,
    WorkspaceKey,
)
from routing.models import Lead, Ping, RoutingRule, Source, SourceKey
from tests.support.admin_pages import ask_for_a_new_name
from tests.support.delivery_breaches import new_event, new_try
from tests.support.factories import (
    BuyerFactory,
    CallPolicyFactory,
    CampaignFactory,
    CardCustomerFactory,
    CardDisputeFactory,
    CardFactory,
    CardPaymentFactory,
    CardRefundFactory,
    CarrierAccountFactory,
    ChannelFactory,
    DeliveryFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    PingFactory,
    PortalUserFactory,
    RechargeFactory,
    RechargeNoticeFactory,
    ReturnPolicyFactory,
    RuleFactory,
    SourceFactory,
    TierFactory,
    WorkspaceFactory,
    enroll,
    give_credits,
    issue_key,
)
from tests.support.return_breaches import new_return, new_sale

pytestmark = pytest.mark.django_db


def new_wallet() -> Wallet:
    return Wallet.objects.get(buyer=BuyerFactory())


# For each column that names a row's owner: the model, where the row is moved to, and what the message says to do.
MOVES: dict[str, tuple[type[models.Model], Callable[[], Any], str]] = {
    "source.workspace": (Source, WorkspaceFactory, "Add a source to the other workspace"),
    "sourcekey.source": (SourceKey, SourceFactory, "issue a key for the other source"),
    "ping.source": (Ping, SourceFactory, "Ping again with a key of the other source"),
    "routingrule.workspace": (RoutingRule, WorkspaceFactory, "add a rule to the other workspace"),
    "lead.source": (Lead, SourceFactory, "have the other source send it"),
    "lead.source_workspace": (Lead, WorkspaceFactory, "have the other source send it"),
    "lead.ping": (Lead, PingFactory, "have the other source send it"),
    "campaign.workspace": (Campaign, WorkspaceFactory, "add a campaign to the other workspace"),
    "tier.campaign": (Tier, CampaignFactory, "Add a tier to the other campaign"),
    "buyer.workspace": (Buyer, WorkspaceFactory, "add a buyer to the other workspace"),
    "enrollment.campaign": (Enrollment, CampaignFactory, "enroll the buyer in the other campaign"),
    "enrollment.buyer": (Enrollment, BuyerFactory, "enroll the buyer in the other campaign"),
    "buyerkey.buyer": (BuyerKey, BuyerFactory, "issue a key for the other buyer"),
    "workspacekey.workspace": (WorkspaceKey, WorkspaceFactory, "issue a key for the other workspace"),
    "wallet.buyer": (Wallet, BuyerFactory, "Adjust both balances"),
    "cardcustomer.buyer": (CardCustomer, BuyerFactory, "Add a card of the buyer"),
    "cardcustomer.workspace": (CardCustomer, WorkspaceFactory, "Add a card of the buyer"),
    "card.buyer": (Card, BuyerFactory, "Add another card"),
    "card.workspace": (Card, WorkspaceFactory, "Add another card"),
    "card.customer": (Card, CardCustomerFactory, "Add another card"),
    "cardpayment.wallet": (CardPayment, new_wallet, "Make another payment"),
    "cardpayment.workspace": (CardPayment, WorkspaceFactory, "Make another payment"),
    "cardpayment.card": (CardPayment, CardFactory, "Make another payment"),
    "cardpayment.surplus_of": (CardPayment, CardPaymentFactory, "Make another payment"),
    "carddispute.payment": (CardDispute, CardPaymentFactory, "Find the payment by its payment intent"),
    "cardrefund.payment": (CardRefund, CardPaymentFactory, "Refund the other payment"),
    "cardrefund.workspace": (CardRefund, WorkspaceFactory, "Refund the other payment"),
    "recharge.wallet": (Recharge, new_wallet, "Change that of the other wallet"),
    "recharge.workspace": (Recharge, WorkspaceFactory, "Change that of the other wallet"),
    "rechargenotice.recharge": (RechargeNotice, RechargeFactory, "Write another notice"),
    "rechargenotice.workspace": (RechargeNotice, WorkspaceFactory, "Write another notice"),
    "portaluser.buyer": (PortalUser, BuyerFactory, "Remove the person and invite them again"),
    "assignment.lead": (Assignment, LeadFactory, "sell the lead again"),
    "assignment.buyer": (Assignment, BuyerFactory, "sell the lead again"),
    "assignment.campaign": (Assignment, CampaignFactory, "sell the lead again"),
    "returnpolicy.workspace": (ReturnPolicy, WorkspaceFactory, "Add a policy for the other buyer"),
    "returnpolicy.buyer": (ReturnPolicy, BuyerFactory, "Add a policy for the other buyer"),
    "returnrequest.assignment": (ReturnRequest, new_sale, "Ask for another return"),
    "returnrequest.lead": (ReturnRequest, LeadFactory, "Ask for another return"),
    "returnrequest.buyer": (ReturnRequest, BuyerFactory, "Ask for another return"),
    "approvalpolicy.workspace": (ApprovalPolicy, WorkspaceFactory, "Add one to the other workspace"),
    "changeproposal.buyer": (ChangeProposal, BuyerFactory, "The other buyer asks for its own change"),
    "changeproposal.enrollment": (
        ChangeProposal,
        EnrollmentFactory,
        "The other buyer asks for its own change",
    ),
    "returnfile.request": (ReturnFile, new_return, "Add the file to the other return"),
    "endpoint.buyer": (Endpoint, BuyerFactory, "add an endpoint to the other owner"),
    "endpoint.source": (Endpoint, SourceFactory, "add an endpoint to the other owner"),
    "endpoint.workspace": (Endpoint, WorkspaceFactory, "add an endpoint to the other owner"),
    "endpointsecret.endpoint": (EndpointSecret, EndpointFactory, "Make a new secret for the other endpoint"),
    "delivery.endpoint": (Delivery, EndpointFactory, "Send a new one"),
    "delivery.lead": (Delivery, LeadFactory, "Send a new one"),
    "delivery.assignment": (Delivery, new_sale, "Send a new one"),
    "delivery.event": (Delivery, new_event, "Send a new one"),
    "deliverytry.delivery": (DeliveryTry, DeliveryFactory, "Send the other delivery"),
    "carrieraccount.workspace": (
        CarrierAccount,
        WorkspaceFactory,
        "Disable this account and add another one",
    ),
    "channel.workspace": (Channel, WorkspaceFactory, "Disable this channel and add another one"),
    "channel.account": (Channel, CarrierAccountFactory, "Disable this channel and add another one"),
    "callpolicy.campaign": (CallPolicy, CampaignFactory, "Change the policy of the other campaign"),
    "blockedphone.workspace": (BlockedPhone, WorkspaceFactory, "Add the phone to the other workspace"),
}
# What may change, and why.
FREE = {
    "lead.workspace": "rules send it on",
    "routingrule.destination": "an operator may change where a rule leads",
    "campaign.source": "an operator may change which leads it takes",
    "enrollment.tier": "among the tiers of its campaign",
    "assignment.enrollment": "NULL in rows of before enrollments were archived",
    "membership.user": "an access is granted, not owned",
    "membership.workspace": "an access is granted, not owned",
    "idempotencyrecord.workspace": "an answer of a day, looked up by the owner of the key",
    "leadallowance.lead": "a counter of one lead, its primary key",
    "campaignsnapshot.campaign": "append-only",
    **dict.fromkeys(("offer.lead", "offer.campaign"), "written once, by the attempt that opens it"),
    **dict.fromkeys(
        (f"offerbuyer.{name}" for name in ("offer", "buyer", "enrollment")), "written once, with its offer"
    ),
    "offerbuyer.assignment": "set once, by the claim",
    **dict.fromkeys(
        (f"verification.{name}" for name in ("lead", "workspace", "campaign")),
        "written once, by the attempt that opens it",
    ),
    **dict.fromkeys(
        (f"call.{name}" for name in ("workspace", "account", "channel", "lead", "verification")),
        "written once, before its request",
    ),
    "callnotice.call": "written once, by the carrier's report",
    "callevent.verification": "append-only",
    "ledgerentry.wallet": "append-only",
    "ledgerentry.assignment": "append-only",
    "sourcecontract.source": "append-only",
    **dict.fromkeys(
        (f"payableentry.{name}" for name in ("source", "lead", "assignment", "contract")), "append-only"
    ),
    **dict.fromkeys(("buyerstatement.workspace", "buyerstatement.wallet"), "append-only"),
    "statementcounter.workspace": "a counter of one workspace, its primary key",
    "statementmail.statement": "a mail of one statement, its primary key",
    "portallink.invited": "written once, with the mail",
    "portalsession.user": "the person chooses among the buyers of its address",
    "cardpayment.entry": "set once, by its success, which is final",
    "endpoint.campaign": "an operator may change which leads it gets",
    "returnrequest.refund": "set once, at its end, which is final",
}


@pytest.fixture
def sold() -> Lead:
    """One row of every table."""
    campaign = CampaignFactory()
    [enrollment] = enroll(campaign, count=1, credits_cents=10_000)
    BuyerKey.objects.create_key(name="test", buyer=enrollment.buyer)
    WorkspaceKey.objects.create_key(name="test", workspace=campaign.workspace)
    source = SourceFactory(workspace=campaign.workspace)
    issue_key(source)
    EndpointSecret.objects.create(endpoint=EndpointFactory(buyer=enrollment.buyer), secret="a")
    lead = LeadFactory(source=source)
    distribute_lead(lead.pk)
    new_try(delivery=Delivery.objects.get())
    RuleFactory(workspace=campaign.workspace)
    ReturnPolicyFactory(workspace=campaign.workspace)
    ApprovalPolicy.objects.create(workspace=campaign.workspace)
    ask_for_a_new_name(enrollment.buyer)
    PingFactory(source=source)
    PortalUserFactory(buyer=enrollment.buyer)
    CardRefundFactory(payment__card__buyer=enrollment.buyer)
    RechargeNoticeFactory(recharge__wallet=enrollment.buyer.wallet)
    CardDisputeFactory(payment=CardPayment.objects.get())
    request = new_return(Assignment.objects.get())
    ReturnFile.objects.create(request=request, name="a.txt", size_bytes=1, content=b"a")
    ChannelFactory()
    CallPolicyFactory(campaign=campaign)
    BlockedPhone.objects.create(workspace=campaign.workspace, phone_hash="a", reason="asked")
    return lead


def test_every_reference_is_fixed_or_free() -> None:
    named = {
        f"{model._meta.model_name}.{field.name}"
        for app in ("routing", "distribution")
        for model in apps.get_app_config(app).get_models()
        if not model._meta.proxy
        for field in model._meta.concrete_fields
        if field.is_relation
    }

    assert named == {*MOVES, *FREE}


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize("column", MOVES)
def test_row_cannot_be_moved(column: str) -> None:
    model, make, instead = MOVES[column]
    before = model._base_manager.values().earliest("pk")
    elsewhere = make()

    with pytest.raises(IntegrityError, match=instead) as refused, transaction.atomic():
        model._base_manager.filter(pk=before["id"]).update(**{column.partition(".")[2]: elsewhere})

    assert refused.value.__cause__.diag.constraint_name == "owner_is_fixed"  # type: ignore[union-attr] # the driver's error
    assert model._base_manager.values().get(pk=before["id"]) == before


@pytest.mark.usefixtures("sold")
def test_archived_enrollment_cannot_be_moved() -> None:
    enrollment = Enrollment.objects.get()
    enrollment.delete()
    other = CampaignFactory(workspace=enrollment.campaign.workspace)

    with pytest.raises(IntegrityError, match="The campaign and buyer of enrollment"), transaction.atomic():
        Enrollment.everything.update(campaign=other, tier=TierFactory(campaign=other))


def test_entry_of_a_succeeded_payment_cannot_be_moved() -> None:
    first, other = (
        CardPaymentFactory(
            state="succeeded",
            failure_code="",
            provider_id=f"pi_{number}",
            entry=give_credits(BuyerFactory(), amount_cents=5_000),
        )
        for number in range(2)
    )
    unused = give_credits(BuyerFactory(), amount_cents=5_000)

    with pytest.raises(IntegrityError, match="is succeeded and stays so") as refused, transaction.atomic():
        CardPayment.objects.filter(pk=first.pk).update(entry=unused)

    assert refused.value.__cause__.diag.constraint_name == "payment_success_is_final"  # type: ignore[union-attr] # the driver's error
    entries = CardPayment.objects.values_list("pk", "entry")
    assert set(entries) == {(row.pk, row.entry_id) for row in (first, other)}


def test_dispute_gets_its_payment_once_it_is_known() -> None:
    payment = CardPaymentFactory()
    dispute = CardDisputeFactory(payment=None)

    CardDispute.objects.filter(pk=dispute.pk).update(payment=payment)

    dispute.refresh_from_db()
    assert dispute.payment == payment
    with pytest.raises(IntegrityError, match="The payment of card dispute"), transaction.atomic():
        CardDispute.objects.filter(pk=dispute.pk).update(payment=None)


def test_row_saved_with_its_owner_stays(sold: Lead) -> None:
    """save() writes the unchanged owner."""
    for row in (
        sold,
        Enrollment.objects.get(),
        Tier.objects.get(),
        Buyer.objects.get(),
        RoutingRule.objects.get(),
    ):
        row.save()
