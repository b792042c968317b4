"""`reconcile payments` finds what no webhook brought, with the real client against localstripe."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from distribution.models import Buyer, CardDispute, CardPayment, PaymentMark, ProviderEvent
from distribution.payments.payer import run_due
from distribution.reconcile.payments import run
from tests.support.card_provider import CardProvider
from tests.support.paying import buy, dispute_of, entries_of, pay, recharge_of
from tracing.reconciling import Counts


def lose_answer(buyer: Buyer, provider: CardProvider) -> CardPayment:
    payment = buy(buyer)
    provider.lose = 1
    run_due()
    return payment


def test_missing_credit_is_healed(buyer: Buyer, provider: CardProvider) -> None:
    payment = lose_answer(buyer, provider)
    assert run(fix=False, limit=100) == Counts(checked=1, skipped=1)
    assert entries_of(buyer) == []
    counts = run(fix=True, limit=100)
    assert (counts, counts.named) == (Counts(checked=1, repaired=1), (f"card payment {payment.pk}",))
    assert entries_of(buyer) == [("topup", 5_000)]
    assert run(fix=True, limit=100) == Counts(checked=1)
    assert PaymentMark.objects.get().read_until > timezone.now() - timedelta(minutes=1)


@pytest.mark.finds("payments")
def test_command_exits_with_1_if_something_differs(buyer: Buyer, provider: CardProvider) -> None:
    lose_answer(buyer, provider)
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile", "payments", stdout=StringIO())
    assert ended.value.code == 1
    call_command("reconcile", "payments", fix=True, stdout=StringIO())
    call_command("reconcile", "payments", stdout=StringIO())


def test_missing_refund_is_healed(buyer: Buyer, provider: CardProvider) -> None:
    payment = pay(buyer)
    provider.ask("POST", "/v1/refunds", payment_intent=payment.provider_id, amount=1_500)
    assert run(fix=False, limit=100) == Counts(checked=2, skipped=1)
    assert run(fix=True, limit=100) == Counts(checked=2, repaired=1)
    assert entries_of(buyer) == [("topup", 5_000), ("cardrefund", -1_500)]
    assert run(fix=True, limit=100) == Counts(checked=2)


def test_missing_dispute_is_healed(buyer: Buyer, provider: CardProvider) -> None:
    payment = pay(buyer)
    provider.disputes.append({**dispute_of(payment), "created": int(timezone.now().timestamp())})
    assert run(fix=False, limit=100) == Counts(checked=2, skipped=1)
    assert not CardDispute.objects.exists()
    assert run(fix=True, limit=100) == Counts(checked=2, repaired=1)
    assert run(fix=True, limit=100) == Counts(checked=2)
    assert entries_of(buyer) == [("topup", 5_000), ("chargeback", -5_000)]


def test_comparison_that_changes_nothing_reports_no_dispute_as_applied(
    buyer: Buyer,
    provider: CardProvider,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]],
) -> None:
    recharge_of(buyer)
    payment = pay(buyer)
    provider.disputes.append({**dispute_of(payment), "created": int(timezone.now().timestamp())})
    applied = ["payments.recharge_paused", "payments.disputed"]
    for fix, expected in ((False, []), (True, applied)):
        caplog.clear()
        with django_capture_on_commit_callbacks(execute=True):
            run(fix=fix, limit=100)
        assert [each.message for each in caplog.records if each.message in applied] == expected


def test_payment_that_the_provider_does_not_have_is_reported(buyer: Buyer, provider: CardProvider) -> None:
    payment = pay(buyer)
    provider.forget()
    counts = run(fix=True, limit=100)
    assert (counts, counts.named) == (Counts(checked=1, skipped=1), (f"card payment {payment.pk}",))
    assert entries_of(buyer) == [("topup", 5_000)]


def test_payment_of_ours_that_we_do_not_have_is_reported(buyer: Buyer, provider: CardProvider) -> None:
    card = buyer.cards.get()
    made = provider.ask(
        "POST",
        "/v1/payment_intents",
        amount=700,
        currency="usd",
        customer=card.customer.provider_id,
        payment_method=card.provider_id,
        confirm="true",
        **{"metadata[leadswitch_payment]": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5da1"},
    )
    counts = run(fix=True, limit=100)
    assert (counts, counts.named) == (Counts(checked=1, skipped=1), (f"unknown payment {made['id']}",))


def test_payments_of_other_systems_are_left_alone(buyer: Buyer, provider: CardProvider) -> None:
    card = buyer.cards.get()
    provider.ask(
        "POST",
        "/v1/payment_intents",
        amount=700,
        currency="usd",
        customer=card.customer.provider_id,
        payment_method=card.provider_id,
        confirm="true",
    )
    assert run(fix=True, limit=100) == Counts(checked=1)


def test_provider_that_does_not_answer_is_reported(buyer: Buyer, provider: CardProvider) -> None:
    pay(buyer)
    provider.refuse = 1
    assert run(fix=True, limit=100) == Counts(skipped=1)
    assert not PaymentMark.objects.exists()


def test_it_does_the_payers_work_if_none_is_alive(buyer: Buyer) -> None:
    recharge_of(buyer)
    run(fix=True, limit=100)
    assert entries_of(buyer) == [("topup", 5_000)]


def test_old_webhooks_are_forgotten(buyer: Buyer) -> None:  # noqa: ARG001
    at = timezone.now()
    for days in (89, 91):
        ProviderEvent.objects.create(
            event_id=f"evt_{days}", kind="x", result="ignored", received_at=at - timedelta(days=days)
        )
    run(fix=True, limit=100)
    assert [each.event_id for each in ProviderEvent.objects.all()] == ["evt_89"]


def test_without_an_account_it_compares_nothing_and_says_so(settings: object, db: None) -> None:  # noqa: ARG001
    counts = run(fix=True, limit=100)
    assert (counts, counts.named) == (
        Counts(),
        ("payments by card are not set up: nothing was compared",),
    )
