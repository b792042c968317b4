"""Automatic recharge: when a payment starts, its limits, and what pauses it. The real client against localstripe."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Buyer, CardPayment, PaymentState, Wallet
from distribution.money.wallet import adjust
from distribution.payments.payer import run_due
from distribution.payments.recharging import find_due, list_periods, recharge, recharge_due
from distribution.payments.settings import change_recharge
from tests.support.card_provider import DECLINED, NEEDS_CONFIRMATION, CardProvider
from tests.support.factories import EnrollmentFactory, LeadFactory, give_credits
from tests.support.paying import (
    balance_of,
    buy,
    deliver,
    dispute_of,
    entries_of,
    give_card,
    intent_of,
    make_due,
    pay,
    recharge_of,
    wallet_of,
)


def spend(buyer: Buyer, cents: int, *, key: str = "spent") -> None:
    adjust(buyer.pk, amount_cents=-cents, key=key, actor="tests", reason="spent")


def test_wallet_below_its_threshold_is_recharged_once(buyer: Buyer, provider: CardProvider) -> None:
    recharge_of(buyer)
    run_due()
    assert run_due() == 0
    assert entries_of(buyer) == [("topup", 5_000)]
    assert len(provider.list_payments()) == 1
    assert CardPayment.objects.get().origin == "recharge"


def test_wallet_above_its_threshold_is_not_recharged(buyer: Buyer) -> None:
    give_credits(buyer, amount_cents=2_000)
    recharge_of(buyer)
    assert recharge_due(at=timezone.now(), limit=10) == 0
    spend(buyer, 1)
    assert recharge_due(at=timezone.now(), limit=10) == 1


def test_recharge_is_off_by_default(buyer: Buyer) -> None:
    recharge_of(buyer, is_on=False)
    assert wallet_of(buyer).recharge_below_cents is None
    assert find_due(at=timezone.now(), limit=10) == []


def test_sale_below_the_threshold_starts_no_request_by_itself(buyer: Buyer, provider: CardProvider) -> None:
    give_credits(buyer, amount_cents=4_000)
    recharge_of(buyer)
    enrollment = EnrollmentFactory(buyer=buyer, campaign__workspace=buyer.workspace)
    sent = len(provider.requests)
    distribute_lead(LeadFactory(source__workspace=enrollment.campaign.workspace).pk)
    assert balance_of(buyer) == 1_500
    assert (len(provider.requests), CardPayment.objects.count()) == (sent, 0)
    run_due()
    assert balance_of(buyer) == 6_500


def test_pending_payment_blocks_a_recharge(buyer: Buyer) -> None:
    recharge_of(buyer)
    buy(buyer)
    assert not recharge(wallet_of(buyer).pk, at=timezone.now())
    assert CardPayment.objects.count() == 1


@pytest.mark.parametrize(
    ("limits", "opens_at"),
    [
        ({"day_limit_cents": 9_999}, datetime(2026, 3, 8, 5, tzinfo=UTC)),
        ({"week_limit_cents": 9_999, "day_limit_cents": 9_999}, datetime(2026, 3, 9, 4, tzinfo=UTC)),
        (
            {"month_limit_cents": 9_999, "week_limit_cents": 9_999, "day_limit_cents": 9_999},
            datetime(2026, 4, 1, 4, tzinfo=UTC),
        ),
    ],
)
def test_limit_waits_for_the_next_period_of_the_buyer(
    buyer: Buyer, limits: dict[str, int], opens_at: datetime
) -> None:
    """In New York, across the change to daylight saving time on March 8."""
    at = datetime(2026, 3, 7, 20, tzinfo=UTC)
    settings = recharge_of(buyer, **limits)
    assert recharge(wallet_of(buyer).pk, at=at)
    CardPayment.objects.update(created_at=at)
    run_due()
    spend(buyer, 5_000)
    assert not recharge(wallet_of(buyer).pk, at=at + timedelta(minutes=1))
    settings.refresh_from_db()
    assert settings.not_before == opens_at
    assert find_due(at=opens_at - timedelta(seconds=1), limit=10) == []
    assert recharge(wallet_of(buyer).pk, at=opens_at)


def test_periods_are_calendar_periods_of_the_zone() -> None:
    at = datetime(2026, 11, 2, 3, tzinfo=UTC)  # Sunday evening in New York, after the clocks went back
    day, week, month = list_periods(at, zone_name="America/New_York")
    assert (day.starts_at, day.ends_at) == (
        datetime(2026, 11, 1, 4, tzinfo=UTC),
        datetime(2026, 11, 2, 5, tzinfo=UTC),
    )
    assert week.starts_at == datetime(2026, 10, 26, 4, tzinfo=UTC)
    assert (month.starts_at, month.ends_at) == (
        datetime(2026, 11, 1, 4, tzinfo=UTC),
        datetime(2026, 12, 1, 5, tzinfo=UTC),
    )


def test_decline_pauses_it(buyer: Buyer, provider: CardProvider) -> None:
    give_card(buyer, provider, number=DECLINED)
    settings = recharge_of(buyer)
    run_due()
    run_due()
    settings.refresh_from_db()
    assert settings.pause_reason == "declined"
    assert find_due(at=timezone.now() + timedelta(days=40), limit=10) == []
    assert entries_of(buyer) == []


def test_more_tries_wait_an_hour_each(buyer: Buyer, provider: CardProvider) -> None:
    give_card(buyer, provider, number=DECLINED)
    settings = recharge_of(buyer, max_tries=2)
    run_due()
    run_due()
    settings.refresh_from_db()
    assert (settings.declines, settings.paused_at) == (1, None)
    assert find_due(at=timezone.now(), limit=10) == []
    assert recharge(wallet_of(buyer).pk, at=timezone.now() + timedelta(minutes=61))
    CardPayment.objects.filter(state="open").update(next_try_at=timezone.now())
    run_due()
    run_due()
    settings.refresh_from_db()
    assert (settings.declines, settings.pause_reason) == (2, "declined")


def test_confirmation_pauses_it_and_the_confirmed_payment_resumes_it(
    buyer: Buyer, provider: CardProvider
) -> None:
    give_card(buyer, provider, number=NEEDS_CONFIRMATION)
    settings = recharge_of(buyer)
    run_due()
    settings.refresh_from_db()
    payment = CardPayment.objects.get()
    assert (settings.pause_reason, payment.state) == ("needs_action", PaymentState.NEEDS_ACTION)
    assert payment.provider_id is not None
    provider.confirm(payment.provider_id)
    deliver("payment_intent.succeeded", intent_of(payment))
    settings.refresh_from_db()
    assert (settings.paused_at, settings.pause_reason) == (None, "")
    assert entries_of(buyer) == [("topup", 5_000)]


def test_authentication_code_of_a_decline_waits_for_the_cardholder(buyer: Buyer) -> None:
    """Off-session, the provider may decline with this code. localstripe answers with a status instead."""
    settings = recharge_of(buyer)
    recharge_due(at=timezone.now(), limit=1)
    payment = CardPayment.objects.get()
    declined: dict[str, Any] = intent_of(payment, status="requires_payment_method", provider_id="pi_1")
    declined["last_payment_error"] = {
        "code": "authentication_required",
        "decline_code": "authentication_required",
    }
    deliver("payment_intent.payment_failed", declined)
    payment.refresh_from_db()
    settings.refresh_from_db()
    assert (payment.state, settings.pause_reason) == (PaymentState.NEEDS_ACTION, "needs_action")


def test_another_card_ends_the_pause(buyer: Buyer, provider: CardProvider) -> None:
    give_card(buyer, provider, number=DECLINED)
    settings = recharge_of(buyer)
    run_due()
    run_due()
    give_card(buyer, provider)
    settings.refresh_from_db()
    assert settings.is_active
    run_due()
    assert entries_of(buyer) == [("topup", 5_000)]


def test_pause_by_a_dispute_is_not_ended_by_a_payment(buyer: Buyer) -> None:
    settings = recharge_of(buyer, threshold_cents=0)
    payment = pay(buyer)
    deliver("charge.dispute.created", dispute_of(payment))
    pay(buyer)
    settings.refresh_from_db()
    assert settings.pause_reason == "disputed"


def test_without_a_card_it_is_paused(buyer: Buyer) -> None:
    settings = recharge_of(buyer)
    buyer.cards.update(removed_at=timezone.now())
    assert recharge_due(at=timezone.now(), limit=10) == 0
    settings.refresh_from_db()
    assert settings.pause_reason == "no_card"


def test_provider_that_never_answers_pauses_it(buyer: Buyer, provider: CardProvider) -> None:
    settings = recharge_of(buyer)
    provider.refuse = 1
    run_due()
    long_ago = timezone.now() - timedelta(hours=21)
    make_due(CardPayment.objects.get(), created_at=long_ago, sent_at=long_ago)
    run_due()
    settings.refresh_from_db()
    payment = CardPayment.objects.get()
    assert (settings.pause_reason, payment.state, payment.failure_code) == (
        "no_answer",
        "failed",
        "no_answer",
    )


def test_resuming_makes_it_due_at_once(buyer: Buyer) -> None:
    settings = recharge_of(buyer, not_before=timezone.now() + timedelta(days=1))
    change_recharge(buyer, {"is_paused": True}, actor="ann", at=timezone.now())
    settings.refresh_from_db()
    assert settings.pause_reason == "by_hand"
    change_recharge(buyer, {"is_paused": False}, actor="ann", at=timezone.now())
    assert find_due(at=timezone.now(), limit=10) == [wallet_of(buyer).pk]


def test_buyer_below_zero_by_a_chargeback_gets_no_leads(buyer: Buyer) -> None:
    """A real attempt, also for a lead that costs nothing."""
    payment = pay(buyer)
    enrollment = EnrollmentFactory(buyer=buyer, campaign__workspace=buyer.workspace)
    spend(buyer, 4_000)
    deliver("charge.dispute.created", dispute_of(payment))
    for price_cents in (2_500, 0):
        enrollment.campaign.price_cents = price_cents
        enrollment.campaign.save(update_fields=["price_cents"])
        lead = LeadFactory(source__workspace=enrollment.campaign.workspace)
        distribute_lead(lead.pk)
        lead.refresh_from_db()
        assert lead.skip_reason == "insufficient_credits"
    assert Wallet.objects.get(buyer=buyer).balance_cents == -4_000
