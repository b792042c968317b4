"""What the provider says about a payment, as facts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

CURRENCY: Final = "usd"
# Names of our ids in the provider's metadata.
PAYMENT: Final = "leadswitch_payment"
REFUND: Final = "leadswitch_refund"
BUYER: Final = "leadswitch_buyer"
# The bank wants the cardholder to confirm: said in an error, or as the status of the payment.
CONFIRM_CODES: Final = ("authentication_required", "payment_intent_authentication_failure")
WAITING: Final = ("requires_action", "requires_confirmation")


# Far above any payment, and far below what a column holds.
MOST_CENTS: Final = 10**12


def read_text(value: Any) -> str:
    """An id or a status. Raises ValueError for what is no text, or cannot be stored."""
    if not isinstance(value, str) or not value or "\0" in value:
        message = "not a text"
        raise ValueError(message)
    value.encode()
    return value[:255]


def read_cents(value: Any) -> int:
    """Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_CENTS:
        message = "not an amount"
        raise ValueError(message)
    return value


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment intent. `payment_id`: our public id of the payment; "" if it is not ours."""

    provider_id: str
    status: str
    amount_cents: int
    currency: str
    payment_id: str = ""
    failure_code: str = ""

    @property
    def is_paid(self) -> bool:
        return self.status == "succeeded"

    @property
    def must_be_confirmed(self) -> bool:
        is_declined = self.status == "requires_payment_method"
        return self.status in WAITING or (is_declined and self.failure_code in CONFIRM_CODES)


def read_intent(raw: Mapping[str, Any]) -> Intent:
    """Of a payment intent as the API or a webhook has it. `amount_received`: not every version names it."""
    error = raw.get("last_payment_error") or {}
    received = raw.get("amount_received") if raw["status"] == "succeeded" else None
    return Intent(
        provider_id=read_text(raw["id"]),
        status=read_text(raw["status"]),
        amount_cents=read_cents(raw["amount"] if received is None else received),
        currency=read_text(raw["currency"]),
        payment_id=str((raw.get("metadata") or {}).get(PAYMENT, "")),
        failure_code=read_code(error),
    )


def read_code(error: Mapping[str, Any]) -> str:
    """Why the bank declined, or else the provider's own code."""
    code = error.get("code") or ""
    if code in CONFIRM_CODES:
        return str(code)
    return str(error.get("decline_code") or code)[:100]


@dataclass(frozen=True, slots=True)
class Charged:
    """A charge, which has what was paid back of its payment so far: `refunded_cents` is a total."""

    intent: Intent
    refunded_cents: int


def read_charge(raw: Mapping[str, Any]) -> Charged | None:
    """None: a charge without a payment intent is not ours."""
    if not raw.get("payment_intent"):
        return None
    intent = Intent(
        provider_id=id_of(raw["payment_intent"]),
        status="succeeded" if raw.get("status") == "succeeded" else "processing",
        amount_cents=read_cents(raw["amount"]),
        currency=read_text(raw["currency"]),
        payment_id=str((raw.get("metadata") or {}).get(PAYMENT, "")),
    )
    return Charged(intent, read_cents(raw.get("amount_refunded") or 0))


@dataclass(frozen=True, slots=True)
class Dispute:
    """`status` and `reason` are the provider's words."""

    provider_id: str
    intent_id: str
    status: str
    reason: str
    amount_cents: int
    currency: str


def read_dispute(raw: Mapping[str, Any]) -> Dispute | None:
    """None: not of a payment intent."""
    if not raw.get("payment_intent"):
        return None
    return Dispute(
        provider_id=read_text(raw["id"]),
        intent_id=id_of(raw["payment_intent"]),
        status=read_text(raw["status"])[:40],
        reason=read_text(raw.get("reason") or "unknown")[:60],
        amount_cents=read_cents(raw["amount"]),
        currency=read_text(raw["currency"]),
    )


def id_of(value: Any) -> str:
    """The id of an object that is named by its id, or is there as a whole."""
    return read_text(value["id"] if isinstance(value, Mapping) else value)


@dataclass(frozen=True, slots=True)
class RefundSaid:
    """A refund as the provider has it. `refund_id`: our public id; "" if somebody made it on the provider's pages."""

    intent_id: str
    refund_id: str
    status: str
    amount_cents: int
    failure_code: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        """`status` is null while a refund is new."""
        status = str(raw.get("status") or "pending")
        return cls(
            intent_id=id_of(raw["payment_intent"]) if raw.get("payment_intent") else "",
            refund_id=str((raw.get("metadata") or {}).get(REFUND, "")),
            status=read_text(status),
            amount_cents=read_cents(raw["amount"]),
            failure_code=str(raw.get("failure_reason") or status),
        )


def parse_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
