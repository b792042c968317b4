"""A case for each constraint of the tables of deliveries and payables, which the database must refuse by its name."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.utils import timezone
from uuid6 import uuid7

from distribution.models import DeliveryTry, EndpointSecret, Event, EventKind, PayableEntry
from tests.support.factories import (
    ContractFactory,
    DeliveryFactory,
    EndpointFactory,
    SourceFactory,
    SubscriptionFactory,
    WorkspaceFactory,
)
from tests.support.return_breaches import new_sale

DUE = {"next_try_at": None}


def new_try(**columns: Any) -> DeliveryTry:
    """Of a delivery of its own, if `columns` do not name one."""
    delivery = columns.pop("delivery", None) or DeliveryFactory()
    values = {"delivery": delivery, "number": 1, "started_at": timezone.now()}
    return DeliveryTry.objects.create(**{**values, **columns})


def new_event(**owner: int | None) -> Event:
    """It names its owner without a foreign key."""
    values = {"kind": EventKind.WALLET_LOW, "happened_at": timezone.now(), "workspace_id": 1}
    return Event.objects.create(**{**values, **owner})


def subscription_of_two() -> Any:
    sale = new_sale()
    return SubscriptionFactory(buyer=sale.buyer, source=sale.lead.source)


def new_payable(**columns: Any) -> PayableEntry:
    """A payment, if `columns` do not say otherwise."""
    values = {"kind": "paid", "amount_cents": -1, "idempotency_key": str(uuid7()), "actor": "ann"}
    source = columns.pop("source", None) or SourceFactory()
    return PayableEntry.objects.create(**{"source": source, **values, **columns})


def twice(create: Callable[..., Any], **same: Any) -> None:
    create(**same)
    create(**same)


def two_without_an_end() -> None:
    twice(EndpointSecret.objects.create, endpoint=EndpointFactory(), secret="whsec_a")


def earned_twice() -> None:
    contract, sold = ContractFactory(), new_sale()
    of_sale = {"source": contract.source, "contract": contract, "assignment": sold, "lead": sold.lead}
    twice(new_payable, kind="earned", amount_cents=1, **of_sale)


DELIVERY_BREACHES: list[tuple[str, Callable[[], Any]]] = [
    ("endpoint_buyer_name_unique", lambda: twice(EndpointFactory, buyer=new_sale().buyer, name="CRM")),
    ("endpoint_one_owner", subscription_of_two),
    ("endpoint_of_leads_has_a_buyer", lambda: SubscriptionFactory(workspace=WorkspaceFactory(), events=[])),
    (
        "endpoint_events_by_webhook_or_email",
        lambda: SubscriptionFactory(workspace=WorkspaceFactory(), method="http"),
    ),
    ("event_is_for_someone", lambda: new_event(workspace_id=None)),
    ("endpoint_disabled_with_a_reason", lambda: EndpointFactory(disabled_at=timezone.now())),
    ("endpoint_disabled_with_a_reason", lambda: EndpointFactory(disabled_reason="gone_410")),
    ("endpoint_has_an_address", lambda: EndpointFactory(url="")),
    ("endpoint_has_an_address", lambda: EndpointFactory(method="csv", email_to="")),
    ("endpoint_has_an_address", lambda: EndpointFactory(method="pigeon")),
    ("endpoint_timeout_in_range", lambda: EndpointFactory(timeout_seconds=0)),
    ("endpoint_timeout_in_range", lambda: EndpointFactory(timeout_seconds=61)),
    ("endpoint_in_flight_in_range", lambda: EndpointFactory(max_in_flight=0)),
    ("endpoint_in_flight_in_range", lambda: EndpointFactory(max_in_flight=101)),
    ("endpointsecret_one_without_end", two_without_an_end),
    ("delivery_due_exactly_while_pending", lambda: DeliveryFactory(next_try_at=None)),
    ("delivery_due_exactly_while_pending", lambda: DeliveryFactory(state="unknown")),
    ("delivery_leased_exactly_while_posting", lambda: DeliveryFactory(state="posting", **DUE)),
    ("delivery_leased_exactly_while_posting", lambda: DeliveryFactory(leased_until=timezone.now())),
    ("delivery_ended_at_iff_ended", lambda: DeliveryFactory(state="accepted", **DUE)),
    ("delivery_ended_at_iff_ended", lambda: DeliveryFactory(ended_at=timezone.now())),
    ("delivery_direct_post_of_a_sale", lambda: DeliveryFactory(is_direct_post=True)),
    ("delivery_has_content", lambda: DeliveryFactory(lead=None)),
    ("deliverytry_number_unique", lambda: twice(new_try, delivery=DeliveryFactory())),
    ("deliverytry_outcome_iff_finished", lambda: new_try(outcome="accepted")),
    ("deliverytry_outcome_iff_finished", lambda: new_try(finished_at=timezone.now())),
    ("contract_terms_fit", lambda: ContractFactory(pays="nothing", amount_cents=1)),
    ("contract_terms_fit", lambda: ContractFactory(amount_cents=None)),
    ("contract_terms_fit", lambda: ContractFactory(amount_cents=-1)),
    ("contract_terms_fit", lambda: ContractFactory(pays="share")),
    ("contract_terms_fit", lambda: ContractFactory(pays="share", share_bps=0, valid_from=date(2020, 1, 1))),
    ("payable_fits_kind", lambda: new_payable(amount_cents=1)),
    ("payable_fits_kind", lambda: new_payable(kind="adjustment", amount_cents=1, reason="")),
    ("payable_fits_kind", lambda: new_payable(kind="earned", amount_cents=1)),
    (
        "payable_account_fits_kind",
        lambda: new_payable(kind="adjustment", amount_cents=1, reason="a", other_account="manual_clearing"),
    ),
    ("payable_account_fits_kind", lambda: new_payable(other_account="card_clearing")),
    ("payable_key_not_blank", lambda: new_payable(idempotency_key="")),
    ("payable_key_once", lambda: twice(new_payable, idempotency_key="once")),
    ("payable_one_for_each_sale", earned_twice),
]
