"""Requests to Stripe. Each ends in facts, or in one of two failures: nobody knows what happened, or it was refused."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, Literal
from uuid import UUID

import stripe

from distribution.payments.account import get_client
from distribution.payments.intents import BUYER, CURRENCY, PAYMENT, REFUND, Intent, read_code, read_intent

Listed = Literal["payment_intents", "refunds", "disputes"]
PAGE: Final = 100
RESOURCE_MISSING: Final = "resource_missing"
# The provider's clock may differ from ours.
CLOCK_MARGIN: Final = timedelta(minutes=10)


class AnswerUnknown(Exception):
    """The provider did not answer, or its answer says nothing about the payment. `cause` has no personal data."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class RequestRefused(Exception):
    """The provider refused the request and did nothing. `intent`: the payment, if the answer names it."""

    def __init__(self, code: str, *, intent: Intent | None = None, is_decline: bool = False) -> None:
        super().__init__(code)
        self.code, self.intent, self.is_decline = code, intent, is_decline


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """A payment to ask for. Its id is the idempotency key of every request."""

    public_id: UUID
    amount_cents: int
    customer_id: str
    card_id: str
    is_off_session: bool
    created_at: datetime


def create_intent(order: PaymentOrder) -> Intent:
    """Charge the card. Raises AnswerUnknown, RequestRefused."""
    with _named_failures():
        made = get_client().v1.payment_intents.create(
            {
                "amount": order.amount_cents,
                "currency": CURRENCY,
                "customer": order.customer_id,
                "payment_method": order.card_id,
                "allowed_payment_method_types": ["card"],
                "confirm": True,
                "off_session": order.is_off_session,
                "metadata": {PAYMENT: str(order.public_id)},
            },
            {"idempotency_key": f"payment:{order.public_id}"},
        )
    return read_intent(made.to_dict())


def find_intents(order: PaymentOrder) -> list[Intent]:
    """The payments at the provider that a request for this one made. Raises AnswerUnknown."""
    since = int((order.created_at - CLOCK_MARGIN).timestamp())
    with _named_failures():
        listed = get_client().v1.payment_intents.list(
            {"customer": order.customer_id, "created": {"gte": since}, "limit": PAGE}
        )
        intents = [read_intent(each.to_dict()) for each in listed.auto_paging_iter()]
    return [intent for intent in intents if intent.payment_id == str(order.public_id)]


def retrieve_intent(provider_id: str) -> Intent:
    """Raises AnswerUnknown, RequestRefused."""
    return read_intent(retrieve_raw(provider_id))


def retrieve_raw(provider_id: str) -> dict[str, Any]:
    """With the client secret, which is not stored. Raises AnswerUnknown, RequestRefused."""
    with _named_failures():
        return get_client().v1.payment_intents.retrieve(provider_id).to_dict()


def cancel_intent(provider_id: str) -> Intent:
    """Raises AnswerUnknown, RequestRefused (also if it has succeeded)."""
    with _named_failures():
        return read_intent(get_client().v1.payment_intents.cancel(provider_id).to_dict())


def create_refund(public_id: UUID, *, intent_id: str, amount_cents: int) -> Mapping[str, Any]:
    """Raises AnswerUnknown, RequestRefused."""
    with _named_failures():
        made = get_client().v1.refunds.create(
            {"payment_intent": intent_id, "amount": amount_cents, "metadata": {REFUND: str(public_id)}},
            {"idempotency_key": f"refund:{public_id}"},
        )
    return made.to_dict()


def find_refund(public_id: UUID, *, intent_id: str) -> Mapping[str, Any] | None:
    """Raises AnswerUnknown, RequestRefused."""
    refunds = list_refunds(intent_id)
    return next(
        (each for each in refunds if (each.get("metadata") or {}).get(REFUND) == str(public_id)), None
    )


def count_refunded(intent_id: str) -> int:
    """What the provider has paid back of a payment so far, in cents. Raises AnswerUnknown, RequestRefused."""
    refunds = list_refunds(intent_id)
    return sum(int(each["amount"]) for each in refunds if each["status"] not in ("failed", "canceled"))


def list_refunds(intent_id: str) -> list[dict[str, Any]]:
    """All refunds of a payment, with those that failed. Raises AnswerUnknown, RequestRefused."""
    with _named_failures():
        listed = get_client().v1.refunds.list({"payment_intent": intent_id, "limit": PAGE})
        return [each.to_dict() for each in listed.auto_paging_iter()]


def list_created(kind: Listed, *, since: datetime) -> list[dict[str, Any]]:
    """Everything of the account that was made since then. Raises AnswerUnknown, RequestRefused."""
    at = int(since.timestamp())
    v1 = get_client().v1
    pages: Iterator[stripe.StripeObject]
    with _named_failures():
        match kind:
            case "payment_intents":
                pages = iter(
                    v1.payment_intents.list({"created": {"gte": at}, "limit": PAGE}).auto_paging_iter()
                )
            case "refunds":
                pages = iter(v1.refunds.list({"created": {"gte": at}, "limit": PAGE}).auto_paging_iter())
            case "disputes":
                pages = iter(v1.disputes.list({"created": {"gte": at}, "limit": PAGE}).auto_paging_iter())
        return [each.to_dict() for each in pages]


def create_customer(buyer_id: UUID) -> str:
    """Returns its id. Names nobody: the buyer is known by our id. Raises AnswerUnknown, RequestRefused."""
    with _named_failures():
        made = get_client().v1.customers.create(
            {"metadata": {BUYER: str(buyer_id)}}, {"idempotency_key": f"customer:{buyer_id}"}
        )
    return str(made.id)


def create_setup(customer_id: str) -> dict[str, Any]:
    """A setup intent, with which a browser gives a card to the provider. Raises AnswerUnknown, RequestRefused."""
    with _named_failures():
        made = get_client().v1.setup_intents.create(
            {"customer": customer_id, "allowed_payment_method_types": ["card"], "usage": "off_session"}
        )
    return made.to_dict()


def retrieve_setup(provider_id: str) -> dict[str, Any]:
    """Raises AnswerUnknown, RequestRefused."""
    with _named_failures():
        return get_client().v1.setup_intents.retrieve(provider_id).to_dict()


def retrieve_card(provider_id: str) -> dict[str, Any]:
    """Raises AnswerUnknown, RequestRefused."""
    with _named_failures():
        return get_client().v1.payment_methods.retrieve(provider_id).to_dict()


def detach_card(provider_id: str) -> None:
    """Nothing can be charged to it afterwards. Raises AnswerUnknown, RequestRefused (also if it was before)."""
    with _named_failures():
        get_client().v1.payment_methods.detach(provider_id)


@contextmanager
def _named_failures() -> Iterator[None]:
    """A decline and a refusal are answers. Everything else leaves open what happened."""
    try:
        yield
    except stripe.CardError as error:
        raise _read_decline(error) from error
    except stripe.InvalidRequestError as error:
        if error.http_status in (400, 402, 404):
            raise RequestRefused(error.code or _name_status(error.http_status)) from error
        raise AnswerUnknown(type(error).__name__) from error
    except stripe.StripeError as error:
        raise AnswerUnknown(type(error).__name__) from error


def _name_status(status: int | None) -> str:
    return RESOURCE_MISSING if status == HTTPStatus.NOT_FOUND else "invalid_request"


def _read_decline(error: stripe.CardError) -> RequestRefused:
    body = error.json_body if isinstance(error.json_body, Mapping) else {}
    facts = body.get("error") or {}
    intent = facts.get("payment_intent")
    return RequestRefused(
        read_code(facts) or "card_declined",
        intent=read_intent(intent) if intent else None,
        is_decline=True,
    )
