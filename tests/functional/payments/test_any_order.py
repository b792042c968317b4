"""Webhooks of one payment, doubled, lost, late and in any order: exact money at the end.

Signed replays by the provider's own scheme: localstripe has no disputes and sends nothing twice.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distribution.models import Buyer, CardPayment, LedgerEntry, Wallet
from tests.support.factories import CardPaymentFactory
from tests.support.paying import balance_of, charge_of, deliver, dispute_of, intent_of

AMOUNT = 5_000
# The story as the provider tells it. What is left out was lost, and the order of arrival is another.
STORY: list[tuple[str, str, Any]] = [
    ("intent", "payment_intent.payment_failed", "requires_payment_method"),
    ("intent", "payment_intent.processing", "processing"),
    ("intent", "payment_intent.succeeded", "succeeded"),
    ("charge", "charge.refunded", 1_000),
    ("charge", "charge.refunded", 2_500),
    ("dispute", "charge.dispute.created", "warning_needs_response"),
    ("dispute", "charge.dispute.updated", "needs_response"),
    ("dispute", "charge.dispute.funds_withdrawn", "under_review"),
    ("dispute", "charge.dispute.closed", "won"),
]
ENDS = {"won": "charge.dispute.closed", "lost": "charge.dispute.closed"}


def oracle(arrived: list[tuple[str, str, Any]]) -> int:
    """The balance from what arrived at all: no order, no states, no code of the product."""
    paid = any(what == "charge" or value == "succeeded" for what, _, value in arrived)
    if not paid:
        return 0
    refunded = max((value for what, _, value in arrived if what == "charge"), default=0)
    said = {value for what, _, value in arrived if what == "dispute"}
    is_lost = bool(said - {"warning_needs_response"}) and "won" not in said
    return AMOUNT - int(refunded) - (AMOUNT if is_lost else 0)


def send(payment: CardPayment, message: tuple[str, str, Any], *, event_id: str) -> None:
    what, kind, value = message
    if what == "intent":
        facts = intent_of(payment, status=value)
    elif what == "charge":
        facts = charge_of(payment, refunded_cents=value)
    else:
        facts = dispute_of(payment, status=value, dispute_id=f"dp_{payment.pk}")
    deliver(kind, facts, event_id=event_id)


@pytest.mark.django_db
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(0, len(STORY) - 1), max_size=14), ends=st.sampled_from(["won", "lost"]))
def test_any_order_gives_the_same_money(order: list[int], ends: str) -> None:
    story = [*STORY[:-1], ("dispute", ENDS[ends], ends)]
    row = CardPaymentFactory(state="open", failure_code="", ended_at=None, next_try_at="2030-01-01T00:00Z")
    payment = CardPayment.objects.get(pk=row.pk)
    payment.provider_id = f"pi_{payment.pk}"  # only the provider knows it
    for number in order:
        send(payment, story[number], event_id=f"evt_{payment.pk}_{number}")
    arrived = [story[number] for number in set(order)]
    buyer: Buyer = payment.card.buyer
    assert balance_of(buyer) == oracle(arrived)
    wallet = Wallet.objects.get(buyer=buyer)
    entries = LedgerEntry.objects.filter(wallet=wallet).values_list("amount_cents", flat=True)
    assert sum(entries) == wallet.balance_cents
    assert wallet.charged_back_cents == max(0, -wallet.balance_cents)
