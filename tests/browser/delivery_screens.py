"""The pages of deliveries, payables and test leads for the screenshots."""

from uuid import uuid4

from django.urls import reverse
from django.utils import timezone

from distribution.admin.delivery_actions import act_url
from distribution.deliveries.unsubscribing import make_unsubscribe_link
from distribution.models import Assignment, Buyer, Delivery, Endpoint, Subscription
from distribution.payables.book import book_adjustment
from distribution.payables.contracts import Terms, add_contract, today_of
from routing.models import Lead, Source
from tests.support.admin_pages import page as path_of
from tests.support.delivery_breaches import new_event
from tests.support.factories import DeliveryFactory, SubscriptionFactory


def delivery_pages() -> dict[str, str]:
    """The figures, a delivery with its tries, what its buttons and those of an endpoint ask, and a lead's page."""
    unknown = list(Delivery.objects.filter(state="unknown").order_by("pk").values_list("pk", flat=True))
    posting = Delivery.objects.filter(state="accepted").order_by("pk")[0]
    endpoint = Endpoint.objects.get(name="CRM")
    subscription = Subscription.objects.get(name="Accounting")
    figures = reverse("admin:distribution_delivery_figures")
    return {
        "delivery-figures": figures,
        "delivery-figures-endpoint": f"{figures}?window=7d&endpoint={endpoint.pk}",
        "delivery-unknown": path_of(Delivery, "change", unknown[0]),
        "delivery-resend": act_url("resend", posting.pk),
        "delivery-accepted": act_url("accepted", unknown[0]),
        "delivery-resend-many": act_url("resend", posting.pk, *unknown),
        "delivery-nothing-to-do": act_url("rejected", posting.pk),
        "endpoint-test": reverse("admin:distribution_endpoint_act", args=[endpoint.pk, "test"]),
        "endpoint-disable": reverse("admin:distribution_endpoint_act", args=[endpoint.pk, "disable"]),
        "subscription-test": reverse("admin:distribution_subscription_act", args=[subscription.pk, "test"]),
        "lead-deliveries": path_of(Lead, "change", posting.lead_id),
    }


def subscribe(buyer: Buyer) -> None:
    """The buyer hears of its wallet, and the last message waits for another try."""
    subscription = SubscriptionFactory(buyer=buyer, name="Accounting", events=["wallet.low"])
    event = new_event(workspace_id=None, buyer_id=buyer.pk)
    DeliveryFactory(endpoint=subscription, lead=None, event=event)


def notices_of(buyer: Buyer) -> str:
    """The link in the emails of a person."""
    mailed = SubscriptionFactory(
        buyer=buyer,
        name="The owner",
        method="email",
        url="",
        email_to="ann@example.com",
        events=["wallet.low", "lead.sold", "lead.returned"],
    )
    return make_unsubscribe_link(mailed)


def payable_pages(source: Source) -> dict[str, str]:
    return {
        "source-contract": reverse("admin:routing_source_contract", args=[source.pk]),
        "source-pay": reverse("admin:routing_source_payables", args=[source.pk, "pay"]),
        "source-statement": reverse("admin:routing_source_statement", args=[source.pk]),
    }


def pages_of_test_leads(sold: Assignment) -> dict[str, str]:
    return {
        "buyer-test-lead": reverse("admin:distribution_buyer_test", args=[sold.buyer_id]),
        "campaign-test-lead": reverse("admin:distribution_campaign_test", args=[sold.campaign_id]),
    }


def owe(source: Source) -> None:
    """A contract, and what a person booked: the sales of the demo came before it."""
    terms = Terms(
        pays="share", share_bps=2_500, returns_deducted=True, valid_from=today_of(source, at=timezone.now())
    )
    add_contract(source, terms, actor="root", reason="agreed by email")
    book_adjustment(source, amount_cents=12_550, token=uuid4(), actor="root", reason="leads of last month")
