"""Faults of deliveries, holds and return requests, one context each, for the states that runbooks are about."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Final

from distribution.deliveries.liveness import write_deliverer_heartbeat
from distribution.models import (
    Assignment,
    Campaign,
    CardPayment,
    Delivery,
    DeliveryState,
    DeliveryTry,
    Endpoint,
    ReturnRequest,
)
from routing.dispatch.heartbeat import send_heartbeat
from tests.support.factories import CardPaymentFactory, DeliveryFactory, EndpointFactory
from tests.support.runbook_faults import Product, age_heartbeat
from tests.support.statements import book, buyer_on_terms, issue

DELIVERER: Final = "host-a:81:ef56:01"


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


@contextmanager
def delivered(product: Product) -> Iterator[None]:
    """A deliverer runs."""
    write_deliverer_heartbeat(DELIVERER, at=datetime.now(UTC))
    send_heartbeat(product.directory, "deliverer")
    yield


def add_endpoint(product: Product, **columns: object) -> Endpoint:
    buyer = product.campaign.enrollments.get().buyer
    endpoint: Endpoint = EndpointFactory(buyer=buyer, name="CRM", **columns)
    return endpoint


def add_failed_try(delivery: Delivery, *, at: datetime) -> None:
    DeliveryTry.objects.create(
        delivery=delivery, number=1, started_at=at, finished_at=at, outcome="unknown", error="answer_timeout"
    )


@contextmanager
def due_messages(product: Product) -> Iterator[None]:
    """The only deliverer was killed five minutes ago, and messages have been due since then."""
    age_heartbeat(product.directory, "deliverer")
    DeliveryFactory.create_batch(3, endpoint=add_endpoint(product), next_try_at=ago(minutes=5))
    yield


@contextmanager
def failing_endpoint(product: Product) -> Iterator[None]:
    """The buyer's system has not answered for twenty minutes."""
    endpoint = add_endpoint(product, failing_since=ago(minutes=20))
    for delivery in DeliveryFactory.create_batch(
        3, endpoint=endpoint, tries=1, next_try_at=ago(minutes=-1), first_try_at=ago(minutes=15)
    ):
        add_failed_try(delivery, at=ago(minutes=15))
    yield


@contextmanager
def unknown_message(product: Product) -> Iterator[None]:
    """The last try timed out five hours ago."""
    delivery = DeliveryFactory(
        endpoint=add_endpoint(product),
        state="unknown",
        end_reason="answer_timeout",
        tries=1,
        next_try_at=None,
    )
    add_failed_try(delivery, at=ago(hours=5))
    yield


@contextmanager
def old_hold(product: Product) -> Iterator[None]:
    """The buyer's system was asked three hours ago, and its answer is unknown."""
    add_endpoint(product)
    Campaign.objects.filter(pk=product.campaign.pk).update(sells_on="acceptance")
    assert product.distribute() == "posting"
    delivery = Delivery.objects.get()
    delivery.state, delivery.end_reason = DeliveryState.UNKNOWN, "answer_timeout"
    delivery.tries, delivery.next_try_at = 1, None
    delivery.save(update_fields=["state", "end_reason", "tries", "next_try_at"])
    add_failed_try(delivery, at=ago(hours=3))
    Assignment.objects.update(created_at=ago(hours=3))
    yield


@contextmanager
def overdue_statement(_product: Product) -> Iterator[None]:
    buyer = buyer_on_terms()
    book(buyer, "adjustment", -500, at=datetime(2025, 1, 15, tzinfo=UTC))
    issue(buyer, date(2025, 1, 1), at=datetime(2025, 2, 1, 12, tzinfo=UTC))
    yield


@contextmanager
def old_return_request(product: Product) -> Iterator[None]:
    assert product.distribute() == "success"
    sale = Assignment.objects.get()
    ReturnRequest.objects.create(
        assignment=sale,
        lead=sale.lead,
        buyer=sale.buyer,
        reason="bad_phone",
        requested_at=ago(days=4),
        requested_by="test",
    )
    yield


@contextmanager
def old_payment(_product: Product) -> Iterator[None]:
    """It was asked for two hours ago, and the provider has not answered."""
    payment = CardPaymentFactory(state="open", failure_code="", ended_at=None, next_try_at=ago(hours=1))
    CardPayment.objects.filter(pk=payment.pk).update(created_at=ago(hours=2))
    yield
