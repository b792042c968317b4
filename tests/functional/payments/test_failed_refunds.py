"""Refunds that the bank sends back after they were announced. The credits come back, once, whatever comes when."""

from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from distribution.models import Buyer, CardPayment, CardRefund
from distribution.payments.asking import ask_refund
from distribution.payments.buying import PaymentRefused
from distribution.payments.comparing import compare
from distribution.payments.payer import run_due
from distribution.payments.provider import RequestRefused
from tests.support.card_provider import CardProvider
from tests.support.paying import balance_of, charge_of, deliver, dispute_of, entries_of, pay
from tracing.models import AuditEntry


def refund_at_provider(payment: CardPayment, provider: CardProvider, *, cents: int) -> dict[str, Any]:
    """As an operator does on the provider's own pages."""
    return provider.ask("POST", "/v1/refunds", payment_intent=payment.provider_id, amount=cents)


def fail(refund: dict[str, Any], provider: CardProvider) -> dict[str, Any]:
    """The bank sends it back. Returns the refund as the message about it has it."""
    provider.failed_refunds.add(refund["id"])
    return {**refund, "status": "failed", "failure_reason": "lost_or_stolen_card"}


def ask(payment: CardPayment, *, cents: int) -> CardRefund:
    refund, _ = ask_refund(payment, amount_cents=cents, token=uuid4(), actor="ada", reason="agreed by phone")
    return refund


@pytest.mark.parametrize("kind", ["refund.failed", "refund.updated", "charge.refund.updated"])
def test_credits_of_a_failed_refund_come_back_once(buyer: Buyer, provider: CardProvider, kind: str) -> None:
    payment = pay(buyer)
    refund = refund_at_provider(payment, provider, cents=2_000)
    deliver("charge.refunded", charge_of(payment, refunded_cents=2_000))
    failed = fail(refund, provider)
    assert [deliver(kind, failed) for _ in range(2)] == ["applied", "applied"]
    run_due()
    run_due()
    payment.refresh_from_db()
    assert entries_of(buyer) == [("topup", 5_000), ("cardrefund", -2_000), ("topup", 2_000)]
    assert (payment.refunded_cents, payment.refund_failed_cents, payment.refund_check_at) == (0, 2_000, None)


@pytest.mark.parametrize("order", list(permutations(("first", "second", "failed"))))
def test_any_order_of_messages_gives_one_balance(
    buyer: Buyer, provider: CardProvider, order: tuple[str, ...]
) -> None:
    """Two refunds were made, and the second one failed. Messages with earlier totals come before or after that."""
    payment = pay(buyer)
    refund_at_provider(payment, provider, cents=3_000)
    failed = fail(refund_at_provider(payment, provider, cents=2_000), provider)
    messages = {
        "first": ("charge.refunded", charge_of(payment, refunded_cents=3_000)),
        "second": ("charge.refunded", charge_of(payment, refunded_cents=5_000)),
        "failed": ("refund.failed", failed),
    }
    for name in order:
        deliver(*messages[name])
        run_due()
    payment.refresh_from_db()
    assert (balance_of(buyer), payment.refunded_cents) == (2_000, 3_000)


def test_refund_after_a_failed_one_takes_the_credits_again(buyer: Buyer, provider: CardProvider) -> None:
    """It brings the total to what it was before, which is not the same movement."""
    payment = pay(buyer)
    first = refund_at_provider(payment, provider, cents=2_000)
    deliver("charge.refunded", charge_of(payment, refunded_cents=2_000))
    deliver("refund.failed", fail(first, provider))
    run_due()
    refund_at_provider(payment, provider, cents=2_000)
    deliver("charge.refunded", charge_of(payment, refunded_cents=2_000))
    run_due()
    payment.refresh_from_db()
    assert (balance_of(buyer), payment.refunded_cents, payment.refund_failed_cents) == (3_000, 2_000, 2_000)


def test_refund_of_an_operator_that_fails_later_is_marked(buyer: Buyer, provider: CardProvider) -> None:
    payment = pay(buyer)
    refund = ask(payment, cents=2_000)
    run_due()
    refund.refresh_from_db()
    assert (refund.state, balance_of(buyer)) == ("done", 3_000)
    made = provider.ask("GET", f"/v1/refunds/{refund.provider_id}")
    deliver("refund.failed", fail(made, provider))
    run_due()
    refund.refresh_from_db()
    assert (refund.state, refund.failure_code) == ("failed", "lost_or_stolen_card")
    assert balance_of(buyer) == 5_000


def test_failure_that_no_webhook_announced_is_found_by_comparing(
    buyer: Buyer, provider: CardProvider
) -> None:
    payment = pay(buyer)
    refund = refund_at_provider(payment, provider, cents=2_000)
    deliver("charge.refunded", charge_of(payment, refunded_cents=2_000))
    fail(refund, provider)
    at = timezone.now()
    found = [row for row in compare(since=at, at=at, fix=True) if row is not None]
    assert [(row.name, row.is_healed) for row in found] == [(f"card payment {payment.pk}", True)]
    assert balance_of(buyer) == 5_000


def test_provider_that_is_away_delays_the_credits(buyer: Buyer, provider: CardProvider) -> None:
    payment = pay(buyer)
    refund = refund_at_provider(payment, provider, cents=2_000)
    deliver("charge.refunded", charge_of(payment, refunded_cents=2_000))
    deliver("refund.failed", fail(refund, provider))
    provider.refuse = 1
    run_due()
    payment.refresh_from_db()
    assert (balance_of(buyer), payment.refund_check_at is not None) == (3_000, True)
    CardPayment.objects.update(refund_check_at=timezone.now())
    run_due()
    assert balance_of(buyer) == 5_000


def test_failure_of_an_unknown_payment_is_ignored(buyer: Buyer) -> None:
    payment = pay(buyer)
    foreign = {
        "id": "re_1",
        "object": "refund",
        "amount": 100,
        "status": "failed",
        "payment_intent": "pi_other",
    }
    assert deliver("refund.failed", foreign) == "unknown_payment"
    assert deliver(
        "refund.updated", {**foreign, "payment_intent": payment.provider_id, "status": "pending"}
    ) == ("ignored")
    assert entries_of(buyer) == [("topup", 5_000)]


def test_refund_is_audited_and_bounded(buyer: Buyer) -> None:
    payment = pay(buyer)
    with pytest.raises(PaymentRefused, match=r"At most \$50\.00"):
        ask(payment, cents=5_001)
    ask(payment, cents=1_000)
    with pytest.raises(PaymentRefused, match="has not ended"):
        ask(payment, cents=1_000)
    entry = AuditEntry.objects.get(action="card_refund")
    assert (entry.actor, entry.reason, entry.object_id) == ("ada", "agreed by phone", str(payment.pk))
    assert entry.after == {"asked_cents": 1_000}
    assert CardRefund.objects.count() == 1


def test_disputed_part_cannot_be_refunded_as_well(buyer: Buyer) -> None:
    payment, _ = pay(buyer), pay(buyer)
    deliver("charge.dispute.created", {**dispute_of(payment), "amount": 4_000})
    with pytest.raises(PaymentRefused, match=r"At most \$10\.00"):
        ask(payment, cents=1_001)
    ask(payment, cents=1_000)


@pytest.mark.parametrize(("end", "balance_cents"), [("lost", 3_000), ("won", 5_000)])
def test_partial_dispute_takes_and_gives_its_own_amount(buyer: Buyer, end: str, balance_cents: int) -> None:
    payment = pay(buyer)
    partial = {**dispute_of(payment), "amount": 2_000}
    deliver("charge.dispute.created", partial)
    deliver("charge.dispute.funds_withdrawn", partial)
    deliver("charge.dispute.closed", {**partial, "status": end})
    assert balance_of(buyer) == balance_cents


def test_list_that_is_refused_does_not_end_a_refund_that_was_made(
    buyer: Buyer, provider: CardProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pay(buyer)
    refund = ask(payment, cents=2_000)

    def refuse(_: str) -> int:
        raise RequestRefused("resource_missing")

    with monkeypatch.context() as refused:
        refused.setattr("distribution.payments.refunding.count_refunded", refuse)
        run_due()
    refund.refresh_from_db()
    assert (refund.state, balance_of(buyer)) == ("open", 5_000)
    CardRefund.objects.update(next_try_at=timezone.now())
    run_due()
    refund.refresh_from_db()
    assert (refund.state, balance_of(buyer)) == ("done", 3_000)
    assert provider.count_sent("POST", "/v1/refunds") == 1
