"""A case for each constraint of deliveries, endpoints and payables, which the database must refuse by its name."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from uuid6 import uuid7

from distribution.models import Assignment, DeliveryTry, EndpointSecret, PayableEntry
from tests.support.factories import (
    BuyerFactory,
    ContractFactory,
    DeliveryFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
)


def new_try(**changes: Any) -> DeliveryTry:
    delivery = changes.pop("delivery", None) or DeliveryFactory()
    values = {"delivery": delivery, "number": 1, "started_at": timezone.now()}
    return DeliveryTry.objects.create(**{**values, **changes})


def new_payable(**changes: Any) -> PayableEntry:
    source = changes.pop("source", None) or SourceFactory()
    values = {"source": source, "kind": "paid", "amount_cents": -1, "actor": "test"}
    return PayableEntry.objects.create(**{"idempotency_key": str(uuid7()), **values, **changes})


def earned_twice() -> None:
    """The sale writes the first entry."""
    contract = ContractFactory()
    place = EnrollmentFactory(campaign__workspace=contract.source.workspace)
    lead = LeadFactory(source=contract.source)
    sold = Assignment.objects.create(
        lead=lead,
        buyer=place.buyer,
        campaign=place.campaign,
        enrollment=place,
        attempt_id=uuid7(),
        price_cents=100,
    )
    parts = {"source": contract.source, "contract": contract, "lead": lead, "assignment": sold}
    for _ in range(2):
        new_payable(kind="earned", amount_cents=500, **parts)


def twice(create: Callable[..., Any], **same: Any) -> None:
    create(**same)
    create(**same)


def now() -> Any:
    return timezone.now()


DELIVERY_BREACHES: list[tuple[str, Callable[[], Any]]] = [
    ("delivery_due_exactly_while_pending", lambda: DeliveryFactory(next_try_at=None)),
    ("delivery_due_exactly_while_pending", lambda: DeliveryFactory(state="unknown")),
    ("delivery_leased_exactly_while_posting", lambda: DeliveryFactory(state="posting", next_try_at=None)),
    ("delivery_leased_exactly_while_posting", lambda: DeliveryFactory(leased_until=now())),
    ("delivery_ended_at_iff_ended", lambda: DeliveryFactory(state="accepted", next_try_at=None)),
    ("delivery_ended_at_iff_ended", lambda: DeliveryFactory(ended_at=now())),
    ("delivery_direct_post_of_a_sale", lambda: DeliveryFactory(is_direct_post=True)),
    ("delivery_has_content", lambda: DeliveryFactory(lead=None)),
    ("deliverytry_number_unique", lambda: twice(new_try, delivery=DeliveryFactory())),
    ("deliverytry_outcome_iff_finished", lambda: new_try(finished_at=now())),
    ("deliverytry_outcome_iff_finished", lambda: new_try(outcome="accepted")),
    (
        "endpointsecret_one_without_end",
        lambda: twice(EndpointSecret.objects.create, endpoint=EndpointFactory(), secret="a"),
    ),
    ("endpoint_buyer_name_unique", lambda: twice(EndpointFactory, buyer=BuyerFactory(), name="CRM")),
    ("endpoint_disabled_with_a_reason", lambda: EndpointFactory(disabled_at=now())),
    ("endpoint_disabled_with_a_reason", lambda: EndpointFactory(disabled_reason="by_hand")),
    ("endpoint_has_an_address", lambda: EndpointFactory(url="")),
    ("endpoint_has_an_address", lambda: EndpointFactory(method="email")),
    ("endpoint_timeout_in_range", lambda: EndpointFactory(timeout_seconds=0)),
    ("endpoint_timeout_in_range", lambda: EndpointFactory(timeout_seconds=61)),
    ("endpoint_in_flight_in_range", lambda: EndpointFactory(max_in_flight=0)),
    ("endpoint_in_flight_in_range", lambda: EndpointFactory(max_in_flight=101)),
    ("contract_terms_fit", lambda: ContractFactory(amount_cents=None)),
    ("contract_terms_fit", lambda: ContractFactory(amount_cents=-1)),
    ("contract_terms_fit", lambda: ContractFactory(pays="share")),
    ("contract_terms_fit", lambda: ContractFactory(pays="share", share_bps=0)),
    ("contract_terms_fit", lambda: ContractFactory(pays="nothing", amount_cents=1)),
    ("payable_fits_kind", lambda: new_payable(amount_cents=1)),
    ("payable_fits_kind", lambda: new_payable(kind="adjustment", amount_cents=1)),  # without a reason
    ("payable_fits_kind", lambda: new_payable(kind="earned", amount_cents=1)),  # without a sale
    ("payable_fits_kind", lambda: new_payable(kind="gift")),
    ("payable_key_not_blank", lambda: new_payable(idempotency_key="")),
    ("payable_key_once", lambda: twice(new_payable, idempotency_key="once")),
    ("payable_one_for_each_sale", earned_twice),
]
