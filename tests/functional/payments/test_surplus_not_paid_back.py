"""A payment that was taken twice and could not be paid back waits for a person: gauges, the report, the way out."""

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from distribution.models import Buyer, CardPayment, CardRefund, PaymentState, RefundState
from distribution.payments.asking import ask_refund
from distribution.payments.payer import run_due
from leadswitch.levels.exporter.collectors.payments import OLDEST, OPEN, read
from tests.support.card_provider import CardProvider
from tests.support.paying import deliver, entries_of, pay

AGE = timedelta(hours=2)


@pytest.fixture
def surplus(buyer: Buyer, provider: CardProvider) -> CardPayment:
    """Two hours old. Its refund is due."""
    first = pay(buyer)
    twin = provider.ask(
        "POST",
        "/v1/payment_intents",
        amount=5_000,
        currency="usd",
        customer=first.card.customer.provider_id,
        payment_method=first.card.provider_id,
        confirm="true",
        off_session="true",
        **{"metadata[leadswitch_payment]": str(first.public_id)},
    )
    deliver("payment_intent.succeeded", twin)
    made = CardPayment.objects.get(state=PaymentState.SURPLUS)
    CardPayment.objects.filter(pk=made.pk).update(created_at=timezone.now() - AGE)
    return made


def fail_refund(surplus: CardPayment, provider: CardProvider) -> None:
    """It was done, and the bank sends it back later."""
    run_due()
    refund = CardRefund.objects.get(payment=surplus)
    made = provider.ask("GET", f"/v1/refunds/{refund.provider_id}")
    provider.failed_refunds.add(made["id"])
    deliver("refund.failed", {**made, "status": "failed", "failure_reason": "lost_or_stolen_card"})
    run_due()


def read_gauges() -> tuple[float, float]:
    values = read()
    return float(values[OPEN]), float(values[OLDEST])  # type: ignore[arg-type]  # one value each


def printed() -> str:
    out = StringIO()
    call_command("payments", stdout=out)
    return out.getvalue()


def test_surplus_counts_once_with_its_open_refund(surplus: CardPayment) -> None:
    number, age = read_gauges()
    assert (number, age < AGE.total_seconds()) == (1, True), "the refund is new"
    assert str(surplus.public_id) not in printed()


def test_surplus_that_was_paid_back_does_not_wait(surplus: CardPayment) -> None:
    run_due()
    surplus.refresh_from_db()
    assert surplus.refunded_cents == surplus.amount_cents
    assert read_gauges() == (0, 0)


def test_surplus_whose_refund_failed_waits_for_a_person(
    surplus: CardPayment, buyer: Buyer, provider: CardProvider
) -> None:
    fail_refund(surplus, provider)

    number, age = read_gauges()
    assert (number, age > AGE.total_seconds() / 2) == (1, True)
    [line] = [line for line in printed().splitlines() if str(surplus.public_id) in line]
    assert "not paid back" in line
    assert "50.00" in line
    assert entries_of(buyer) == [("topup", 5_000)]


def test_refund_that_the_provider_refuses_waits_as_well(surplus: CardPayment) -> None:
    CardRefund.objects.filter(payment=surplus).update(
        state=RefundState.FAILED, failure_code="x", next_try_at=None, ended_at=timezone.now()
    )
    assert read_gauges()[0] == 1


def test_another_refund_ends_the_wait(surplus: CardPayment, provider: CardProvider) -> None:
    fail_refund(surplus, provider)
    surplus.refresh_from_db()
    ask_refund(surplus, amount_cents=5_000, token=uuid4(), actor="ada", reason="another card")
    number, age = read_gauges()
    assert (number, age < AGE.total_seconds()) == (1, True)
