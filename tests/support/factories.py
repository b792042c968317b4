"""Builds rows for tests: each factory has valid defaults, and a test names only the values it is about.

    campaign = CampaignFactory(price_cents=2_500)
    buyer = BuyerFactory(workspace=campaign.workspace, credits_cents=10_000)
    EnrollmentFactory(campaign=campaign, buyer=buyer, cap_day=5)
    lead = LeadFactory(source__workspace=campaign.workspace)

A world of one workspace, one campaign and enrolled buyers: `enroll(campaign, count=3, credits_cents=10_000)`.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory
from uuid6 import uuid7

from distribution.models import (
    Buyer,
    BuyerKey,
    BuyerScope,
    Call,
    CallPolicy,
    Campaign,
    Card,
    CardCustomer,
    CardDispute,
    CardPayment,
    CardRefund,
    CarrierAccount,
    Channel,
    Delivery,
    Endpoint,
    Enrollment,
    EventKind,
    LedgerEntry,
    Offer,
    OfferBuyer,
    PingEndpoint,
    PortalUser,
    Recharge,
    RechargeNotice,
    ReturnPolicy,
    SourceContract,
    Subscription,
    Tier,
    Verification,
    Wallet,
    WorkspaceKey,
    WorkspaceScope,
)
from distribution.money.wallet import top_up
from routing.intake.identity import identify
from routing.models import (
    IdempotencyRecord,
    Lead,
    Ping,
    RoutingRule,
    Source,
    SourceKey,
    SourceScope,
    Workspace,
)

EVERYWHERE = {"everywhere": True}


class WorkspaceFactory(DjangoModelFactory[Workspace]):
    """Its due leads wait for the pick-up, unless a test sets `dispatch_mode="event"`."""

    class Meta:
        model = Workspace
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"agency-{n}")
    name = factory.Sequence(lambda n: f"Agency {n}")
    dispatch_mode = "poll"


class SourceFactory(DjangoModelFactory[Source]):
    class Meta:
        model = Source

    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"form-{n}")
    default_vertical = "roofing"


class ContractFactory(DjangoModelFactory[SourceContract]):
    """$5.00 for each sold lead, since 2020. Build it before the source's first lead: it would start in the past."""

    class Meta:
        model = SourceContract

    source = factory.SubFactory(SourceFactory)
    pays = "fixed"
    amount_cents = factory.Maybe(
        factory.LazyAttribute(lambda contract: contract.pays == "fixed"),
        yes_declaration=500,
        no_declaration=None,
    )
    valid_from = date(2020, 1, 1)
    starts_at = factory.LazyAttribute(
        lambda contract: datetime.combine(contract.valid_from, datetime.min.time(), tzinfo=UTC)
    )
    actor = "ann"


class PingFactory(DjangoModelFactory[Ping]):
    """A ping that was promised $5.00 and is valid for five minutes."""

    class Meta:
        model = Ping

    source = factory.SubFactory(SourceFactory)
    campaign_id = 1
    price_cents = 500
    created_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyAttribute(lambda ping: ping.created_at + timedelta(minutes=5))


class LeadFactory(DjangoModelFactory[Lead]):
    """A lead in Atlanta that is due now. `source__workspace=` puts it into an existing workspace."""

    class Meta:
        model = Lead

    source = factory.SubFactory(SourceFactory)
    workspace = factory.SelfAttribute("source.workspace")
    source_workspace = factory.SelfAttribute("workspace")
    zip = "30312"
    city = "Atlanta"
    county = "Fulton County"
    state = "GA"
    vertical = "roofing"
    received_at = factory.LazyFunction(timezone.now)
    next_attempt_at = factory.SelfAttribute("received_at")
    expires_at = factory.LazyAttribute(lambda lead: lead.received_at + timedelta(days=90))


def person(email: str | None = None, phone: str | None = None) -> dict[str, Any]:
    """The fields that identify a person, as the intake stores them: `LeadFactory(**person("ann@example.com"))`."""
    email_hash, phone_hash = identify(email=email, phone=phone)
    return {"email": email or "", "phone": phone or "", "email_hash": email_hash, "phone_hash": phone_hash}


class RuleFactory(DjangoModelFactory[RoutingRule]):
    """Routes every lead of `workspace` to another workspace."""

    class Meta:
        model = RoutingRule

    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"Rule {n}")
    destination = factory.SubFactory(WorkspaceFactory)


class CampaignFactory(DjangoModelFactory[Campaign]):
    """Accepts every vertical and source of its workspace. Sells to one buyer, round robin, for $25.00.

    Returns restore caps.
    """

    class Meta:
        model = Campaign

    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"Campaign {n}")
    price_cents = 2_500
    returns_restore_caps = True


class TierFactory(DjangoModelFactory[Tier]):
    class Meta:
        model = Tier

    campaign = factory.SubFactory(CampaignFactory)
    position = factory.LazyAttribute(lambda tier: tier.campaign.tiers.count() + 1)


class PortalUserFactory(DjangoModelFactory[PortalUser]):
    """A manager. `role="viewer"`: a person who changes nothing."""

    class Meta:
        model = PortalUser

    buyer = factory.SubFactory("tests.support.factories.BuyerFactory")
    email = factory.Sequence(lambda n: f"person-{n}@example.com")
    name = factory.Sequence(lambda n: f"Dana Price {n}")
    role = "manager"
    invited_by = "ann"


class BuyerFactory(DjangoModelFactory[Buyer]):
    """Covers everywhere, always open. `credits_cents=` tops up its wallet, which is empty otherwise."""

    class Meta:
        model = Buyer
        skip_postgeneration_save = True

    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"Buyer {n}")
    service_area = factory.LazyFunction(EVERYWHERE.copy)

    @factory.post_generation
    def credits_cents(self: Buyer, create: bool, extracted: int | None, **_: Any) -> None:  # noqa: FBT001
        if create and extracted:
            give_credits(self, amount_cents=extracted)


class EnrollmentFactory(DjangoModelFactory[Enrollment]):
    """In the campaign's first tier (created if there is none). `buyer__credits_cents=` gives a new buyer credits."""

    class Meta:
        model = Enrollment

    campaign = factory.SubFactory(CampaignFactory)
    tier = factory.LazyAttribute(lambda enrollment: first_tier(enrollment.campaign))
    buyer = factory.SubFactory(BuyerFactory, workspace=factory.SelfAttribute("..campaign.workspace"))


class EndpointFactory(DjangoModelFactory[Endpoint]):
    """A signed webhook for all campaigns of a buyer. Nothing answers at its address, unless a test sets `url=`."""

    class Meta:
        model = Endpoint

    buyer = factory.SubFactory(BuyerFactory)
    workspace = factory.SelfAttribute("buyer.workspace")
    name = factory.Sequence(lambda n: f"Endpoint {n}")
    url = "https://crm.example.com/leads"


class PingEndpointFactory(EndpointFactory):
    """Asked for bids in JSON, answered with {"accepted": true, "price": 12.5, "id": "B-1"}."""

    class Meta:
        model = PingEndpoint

    name = factory.Sequence(lambda n: f"Pings {n}")
    url = "https://bids.example.com/ping"
    purpose = "ping"
    method = "http"
    accept_path = "accepted"
    reason_path = "reason"
    price_path = "price"
    bid_id_path = "id"


class AuctionFactory(DjangoModelFactory[Offer]):
    """A closed auction of a lead, which ended now."""

    class Meta:
        model = Offer

    kind = "auction"
    campaign = factory.SubFactory(CampaignFactory, mode="auction")
    lead = factory.SubFactory(LeadFactory)
    attempt_id = factory.LazyFunction(uuid7)
    opened_at = factory.LazyFunction(timezone.now)
    closes_at = factory.LazyAttribute(lambda auction: auction.opened_at + timedelta(seconds=1))
    state = "closed"
    closed_at = factory.LazyAttribute(lambda auction: auction.closes_at)
    end_reason = "bids_in"
    max_buyers = 1


class BidFactory(DjangoModelFactory[OfferBuyer]):
    """A buyer that was asked in an auction, and bid $12.50 in 40 ms."""

    class Meta:
        model = OfferBuyer

    offer = factory.SubFactory(AuctionFactory)
    enrollment = factory.SubFactory(EnrollmentFactory, campaign=factory.SelfAttribute("..offer.campaign"))
    buyer = factory.SelfAttribute("enrollment.buyer")
    tier_position = 1
    visible_at = factory.SelfAttribute("offer.opened_at")
    asked_at = factory.SelfAttribute("visible_at")
    bid_outcome = "bid"
    bid_cents = 1_250
    latency_ms = 40


class SubscriptionFactory(DjangoModelFactory[Subscription]):
    """A signed webhook of one owner: set `buyer=`, `source=` or `workspace=`."""

    class Meta:
        model = Subscription

    workspace = factory.LazyAttribute(
        lambda row: (row.buyer or row.source).workspace if row.buyer or row.source else WorkspaceFactory()
    )
    buyer = None
    source = None
    name = factory.Sequence(lambda n: f"Subscription {n}")
    url = "https://events.example.com/hooks"
    events = factory.LazyFunction(lambda: list(EventKind.values))


class DeliveryFactory(DjangoModelFactory[Delivery]):
    """The message of a lead that is due now, without a sale."""

    class Meta:
        model = Delivery

    endpoint = factory.SubFactory(EndpointFactory)
    lead = factory.SubFactory(
        LeadFactory, source__workspace=factory.SelfAttribute("...endpoint.buyer.workspace")
    )
    next_try_at = factory.LazyFunction(timezone.now)


class CardCustomerFactory(DjangoModelFactory[CardCustomer]):
    class Meta:
        model = CardCustomer

    buyer = factory.SubFactory(BuyerFactory)
    workspace = factory.SelfAttribute("buyer.workspace")
    provider_id = factory.Sequence(lambda n: f"cus_{n}")


class CardFactory(DjangoModelFactory[Card]):
    """A card that the provider does not know."""

    class Meta:
        model = Card

    buyer = factory.SubFactory(BuyerFactory)
    workspace = factory.SelfAttribute("buyer.workspace")
    customer = factory.SubFactory(CardCustomerFactory, buyer=factory.SelfAttribute("..buyer"))
    provider_id = factory.Sequence(lambda n: f"pm_{n}")
    brand = "visa"
    last4 = "4242"
    exp_month = 12
    exp_year = 2030


class CardPaymentFactory(DjangoModelFactory[CardPayment]):
    """$50.00 that the buyer asked for. The provider has declined it, unless a test sets its state."""

    class Meta:
        model = CardPayment

    card = factory.SubFactory(CardFactory)
    workspace = factory.SelfAttribute("card.workspace")
    wallet = factory.LazyAttribute(lambda payment: Wallet.objects.get(buyer=payment.card.buyer))
    origin = "buyer"
    actor = "tests"
    amount_cents = 5_000
    state = "failed"
    failure_code = "card_declined"
    ended_at = factory.LazyFunction(timezone.now)


class CardRefundFactory(DjangoModelFactory[CardRefund]):
    """Of $10.00, and due now."""

    class Meta:
        model = CardRefund

    payment = factory.SubFactory(CardPaymentFactory)
    workspace = factory.SelfAttribute("payment.workspace")
    amount_cents = 1_000
    actor = "tests"
    next_try_at = factory.LazyFunction(timezone.now)


class CardDisputeFactory(DjangoModelFactory[CardDispute]):
    """Of a payment that is not known yet."""

    class Meta:
        model = CardDispute

    provider_id = factory.Sequence(lambda n: f"dp_{n}")
    payment_provider_id = factory.Sequence(lambda n: f"pi_{n}")
    status = "needs_response"
    amount_cents = 5_000


class RechargeFactory(DjangoModelFactory[Recharge]):
    """$50.00 below $20.00, at most $500.00 in each period. It is on."""

    class Meta:
        model = Recharge

    wallet = factory.LazyFunction(lambda: Wallet.objects.get(buyer=BuyerFactory()))
    workspace = factory.LazyAttribute(lambda recharge: recharge.wallet.buyer.workspace)
    is_on = True
    threshold_cents = 2_000
    amount_cents = 5_000
    day_limit_cents = 50_000
    week_limit_cents = 50_000
    month_limit_cents = 50_000


class RechargeNoticeFactory(DjangoModelFactory[RechargeNotice]):
    """Of a decline. It waits to be sent."""

    class Meta:
        model = RechargeNotice

    recharge = factory.SubFactory(RechargeFactory)
    workspace = factory.SelfAttribute("recharge.workspace")
    paused_at = factory.LazyFunction(timezone.now)
    pause_reason = "declined"
    next_try_at = factory.LazyFunction(timezone.now)


class ReturnPolicyFactory(DjangoModelFactory[ReturnPolicy]):
    """For every buyer of the workspace, without a limit. An operator decides each return."""

    class Meta:
        model = ReturnPolicy

    workspace = factory.SubFactory(WorkspaceFactory)


def first_tier(campaign: Campaign) -> Tier:
    return campaign.tiers.order_by("position").first() or TierFactory(campaign=campaign)


def enroll(campaign: Campaign, *, count: int, credits_cents: int = 0, **enrollment: Any) -> list[Enrollment]:
    """Enroll `count` new buyers, each with these credits. `buyer__...` arguments go to the buyers."""
    return EnrollmentFactory.create_batch(
        count, campaign=campaign, buyer__credits_cents=credits_cents, **enrollment
    )


def give_credits(buyer: Buyer, *, amount_cents: int, key: str = "") -> LedgerEntry:
    """Top up a wallet once. Another top-up of the same buyer needs another key."""
    return top_up(
        buyer.pk, amount_cents=amount_cents, key=key or f"factory-{buyer.public_id}", actor="factory"
    )


def in_use() -> dict[str, Any]:
    """A key that was used just now: the first request of a minute takes a statement more."""
    return {"last_used_at": timezone.now()}


def issue_key(source: Source, *, name: str = "test", **key: Any) -> str:
    """A new source key in clear text, as its owner sees it once."""
    _, text = SourceKey.objects.create_key(name=name, source=source, **{**in_use(), **key})
    return str(text)


def issue_tracing_key(source: Source) -> str:
    """A key to which an operator granted the full trace."""
    return issue_key(source, scopes=list(SourceScope))


def issue_buyer_key(buyer: Buyer, *, name: str = "test", **key: Any) -> str:
    """A new key of a buyer in clear text, as its owner sees it once. By default with every scope."""
    _, text = BuyerKey.objects.create_key(
        name=name, buyer=buyer, **{"scopes": list(BuyerScope), **in_use(), **key}
    )
    return str(text)


def issue_workspace_key(workspace: Workspace, *, name: str = "test", **key: Any) -> str:
    """A new key of a workspace in clear text. By default with every scope."""
    _, text = WorkspaceKey.objects.create_key(
        name=name, workspace=workspace, **{"scopes": list(WorkspaceScope), **in_use(), **key}
    )
    return str(text)


def store_answer(source: Source) -> IdempotencyRecord:
    """The stored answer to a request of the source. Each has the same key."""
    return IdempotencyRecord.objects.create(
        workspace=source.workspace,
        owner_id=source.public_id,
        route="leads",
        key="k",
        fingerprint="f",
        status_code=201,
        response={"a": 1},
    )


class CarrierAccountFactory(DjangoModelFactory[CarrierAccount]):
    class Meta:
        model = CarrierAccount

    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"carrier-{n}")
    account_sid = factory.Sequence(lambda n: f"AC{n:032d}")
    auth_token = "a-token-of-the-carrier"
    calls_per_second = 200


class ChannelFactory(DjangoModelFactory[Channel]):
    """A number in Atlanta with two lines."""

    class Meta:
        model = Channel

    account = factory.SubFactory(CarrierAccountFactory)
    workspace = factory.SelfAttribute("account.workspace")
    name = factory.Sequence(lambda n: f"channel-{n}")
    number = factory.Sequence(lambda n: f"+1404{5_550_000 + n:07d}")
    lines = 2
    calls_per_minute = 12_000


class VerificationFactory(DjangoModelFactory[Verification]):
    """A gated lead that may be called now. `lead__phone=`: whom."""

    class Meta:
        model = Verification

    lead = factory.SubFactory(LeadFactory, status="gated", next_attempt_at=None)
    campaign = factory.SubFactory(
        CampaignFactory, workspace=factory.SelfAttribute("..lead.workspace"), verification="required"
    )
    workspace = factory.SelfAttribute("lead.workspace")
    public_id = factory.LazyFunction(uuid7)
    attempt_id = factory.SelfAttribute("public_id")
    state = "waiting"
    due_at = factory.LazyFunction(timezone.now)
    opened_at = factory.LazyFunction(timezone.now)


class CallPolicyFactory(DjangoModelFactory[CallPolicy]):
    class Meta:
        model = CallPolicy

    campaign = factory.SubFactory(CampaignFactory, verification="required")


class CallFactory(DjangoModelFactory[Call]):
    """A call that is being placed, of a lead that it has claimed."""

    class Meta:
        model = Call

    public_id = factory.LazyFunction(uuid4)
    verification = factory.SubFactory(
        VerificationFactory,
        state="calling",
        due_at=None,
        lead__status="calling",
        lead__locked_by=factory.LazyAttribute(
            lambda lead: f"call:{lead.factory_parent.factory_parent.public_id}"
        ),
        lead__locked_at=factory.LazyFunction(timezone.now),
    )
    lead = factory.SelfAttribute("verification.lead")
    phone_hash = factory.SelfAttribute("lead.phone_hash")
    workspace = factory.SelfAttribute("lead.workspace")
    channel = factory.SubFactory(ChannelFactory, account__workspace=factory.SelfAttribute("...workspace"))
    account = factory.SelfAttribute("channel.account")
    from_number = factory.SelfAttribute("channel.number")
    state = "dialing"
    dialed_at = factory.LazyFunction(timezone.now)
    next_check_at = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=1))
