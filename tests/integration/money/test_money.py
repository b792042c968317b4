"""Top-ups, adjustments and refunds: once for each cause, never below the limit, explained by their entries."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, LedgerEntry, Wallet
from distribution.money.movement import MAX_CENTS, InsufficientCredits, MoneyKeyReused, MoneyRefused
from distribution.money.wallet import (
    RefundExceedsCharge,
    adjust,
    charge_left,
    refund,
    set_credit_limit,
    top_up,
)
from tests.support.factories import BuyerFactory, CampaignFactory, LeadFactory, SourceFactory, enroll

pytestmark = pytest.mark.django_db


@pytest.fixture
def buyer() -> Buyer:
    return BuyerFactory()


@pytest.fixture
def sold() -> Assignment:
    """Sold for $25.00 out of $100.00."""
    campaign = CampaignFactory(price_cents=2_500)
    enroll(campaign, count=1, credits_cents=10_000)
    distribute_lead(LeadFactory(source=SourceFactory(workspace=campaign.workspace)).pk)
    return Assignment.objects.get()


def balance(buyer: Buyer) -> int:
    return Wallet.objects.values_list("balance_cents", flat=True).get(buyer=buyer)


def state(buyer: Buyer) -> tuple[Any, ...]:
    """All of a buyer's money, to show that a refusal changed nothing."""
    entries = LedgerEntry.objects.filter(wallet__buyer=buyer).order_by("id").values_list()
    return Wallet.objects.filter(buyer=buyer).values_list().get(), *entries


def pay_back(sold: Assignment, *, key: str = "k", amount_cents: int | None = None) -> LedgerEntry | None:
    same = {"assignment_id": sold.pk, "buyer_id": sold.buyer_id, "actor": "ann", "reason": "wrong number"}
    return refund(key=key, amount_cents=amount_cents, **same)


NO_CENTS: list[Any] = [True, 25.0, Decimal(25), "25", None]


@pytest.mark.parametrize("cents", NO_CENTS)
def test_money_moves_only_in_whole_cents(cents: Any) -> None:
    buyer = BuyerFactory(credits_cents=10_000)
    before = Wallet.objects.values().get(buyer=buyer)

    with pytest.raises(TypeError, match="cents are an int"):
        top_up(buyer.pk, amount_cents=cents, key="k", actor="ann")
    with pytest.raises(TypeError, match="cents are an int"):
        adjust(buyer.pk, amount_cents=cents, key="k", actor="ann", reason="fee")
    with pytest.raises(TypeError, match="cents are an int"):
        set_credit_limit(buyer.pk, limit_cents=cents)
    if cents is not None:  # the rest of the charge
        with pytest.raises(TypeError, match="cents are an int"):
            refund(
                assignment_id=1, buyer_id=buyer.pk, amount_cents=cents, key="k", actor="ann", reason="late"
            )

    assert Wallet.objects.values().get(buyer=buyer) == before


def test_absurd_sums_are_refused() -> None:
    buyer = BuyerFactory()
    top_up(buyer.pk, amount_cents=MAX_CENTS, key="most", actor="ann")
    set_credit_limit(buyer.pk, limit_cents=MAX_CENTS)

    with pytest.raises(MoneyRefused, match="the most in one movement"):
        top_up(buyer.pk, amount_cents=MAX_CENTS + 1, key="k", actor="ann")
    with pytest.raises(MoneyRefused, match="the most in one movement"):
        adjust(buyer.pk, amount_cents=-MAX_CENTS - 1, key="k", actor="ann", reason="fee")
    with pytest.raises(MoneyRefused, match="the most in one movement"):
        set_credit_limit(buyer.pk, limit_cents=MAX_CENTS + 1)
    with pytest.raises(MoneyRefused, match=r"\$0\.00 or more"):
        set_credit_limit(buyer.pk, limit_cents=-1)

    wallet = Wallet.objects.get(buyer=buyer)
    assert (wallet.balance_cents, wallet.credit_limit_cents) == (MAX_CENTS, MAX_CENTS)


def test_top_up_adds_and_has_an_entry(buyer: Buyer) -> None:
    entry = top_up(buyer.pk, amount_cents=5_000, key="pay-1", actor="ann", reason="card")

    wallet = buyer.wallet
    assert (wallet.balance_cents, wallet.held_cents, wallet.version) == (5_000, 0, 1)
    assert LedgerEntry.objects.values_list(
        "wallet",
        "kind",
        "amount_cents",
        "balance_after_cents",
        "idempotency_key",
        "assignment",
        "actor",
        "reason",
    ).get() == (wallet.pk, "topup", 5_000, 5_000, "topup:pay-1", None, "ann", "card")
    assert entry.pk == LedgerEntry.objects.get().pk


def test_repeated_payment_event_credits_once(buyer: Buyer) -> None:
    """A payment event that is delivered twice must not move money twice."""
    first = top_up(buyer.pk, amount_cents=5_000, key="pay-1", actor="ann")
    before = state(buyer)

    again = top_up(buyer.pk, amount_cents=5_000, key="pay-1", actor="bob", reason="redelivered")

    assert again.pk == first.pk
    assert state(buyer) == before


def test_key_belongs_to_one_movement(buyer: Buyer) -> None:
    other = BuyerFactory()
    top_up(buyer.pk, amount_cents=5_000, key="pay-1", actor="ann")
    before = state(buyer), state(other)

    with pytest.raises(
        MoneyKeyReused, match=r"'topup:pay-1' was used for another movement of \$50\.00; use a new key"
    ):
        top_up(buyer.pk, amount_cents=4_999, key="pay-1", actor="ann")
    with pytest.raises(MoneyKeyReused):
        top_up(other.pk, amount_cents=5_000, key="pay-1", actor="ann")

    assert (state(buyer), state(other)) == before


def test_kinds_have_separate_keys(buyer: Buyer) -> None:
    top_up(buyer.pk, amount_cents=10, key="1", actor="ann")
    adjust(buyer.pk, amount_cents=-3, key="1", actor="ann", reason="fee")

    assert balance(buyer) == 7
    assert [entry.balance_after_cents for entry in LedgerEntry.objects.order_by("id")] == [10, 7]


@pytest.mark.parametrize(("amount_cents", "shown"), [(0, "$0.00"), (-1, "-$0.01")])
def test_top_up_without_an_amount_is_refused(buyer: Buyer, amount_cents: int, shown: str) -> None:
    before = state(buyer)
    with pytest.raises(MoneyRefused, match=re.escape(f": {shown} is not above $0.00")):
        top_up(buyer.pk, amount_cents=amount_cents, key="k", actor="ann")
    assert state(buyer) == before


@pytest.mark.parametrize(("amount_cents", "reason"), [(0, "because"), (5, ""), (5, "  ")])
def test_adjustment_needs_an_amount_and_a_reason(buyer: Buyer, amount_cents: int, reason: str) -> None:
    before = state(buyer)
    with pytest.raises(MoneyRefused, match="needs an amount other than 0 and a reason"):
        adjust(buyer.pk, amount_cents=amount_cents, key="k", actor="ann", reason=reason)
    assert state(buyer) == before


def test_balance_may_fall_to_its_limit_and_not_below(buyer: Buyer) -> None:
    Wallet.objects.filter(buyer=buyer).update(credit_limit_cents=100)
    adjust(buyer.pk, amount_cents=-100, key="1", actor="ann", reason="fee")
    before = state(buyer)

    with pytest.raises(InsufficientCredits, match=re.escape("-$0.01 would take the balance below its limit")):
        adjust(buyer.pk, amount_cents=-1, key="2", actor="ann", reason="fee")

    assert balance(buyer) == -100
    assert state(buyer) == before


def test_held_credits_cannot_be_spent(buyer: Buyer) -> None:
    top_up(buyer.pk, amount_cents=100, key="1", actor="ann")
    Wallet.objects.filter(buyer=buyer).update(held_cents=60)

    with pytest.raises(InsufficientCredits):
        adjust(buyer.pk, amount_cents=-41, key="2", actor="ann", reason="fee")
    adjust(buyer.pk, amount_cents=-40, key="3", actor="ann", reason="fee")

    assert balance(buyer) == 60


def test_movement_is_undone_with_the_surrounding_transaction(buyer: Buyer) -> None:
    before = state(buyer)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        fail_after(lambda: top_up(buyer.pk, amount_cents=1, key="1", actor="ann"))
    assert state(buyer) == before


def fail_after(step: Callable[[], Any]) -> None:
    step()
    raise ZeroDivisionError


def test_charge_is_refunded_in_parts_but_never_beyond(sold: Assignment) -> None:
    assert balance(sold.buyer) == 7_500
    assert charge_left(sold.pk) == 2_500

    pay_back(sold, key="part", amount_cents=1_000)
    assert (balance(sold.buyer), charge_left(sold.pk)) == (8_500, 1_500)

    before = state(sold.buyer)
    with pytest.raises(
        RefundExceedsCharge, match=re.escape("$15.01 cannot be refunded: $15.00 of the charge is left")
    ):
        pay_back(sold, key="too-much", amount_cents=1_501)
    assert state(sold.buyer) == before

    rest = pay_back(sold, key="rest")
    assert rest is not None
    assert (rest.kind, rest.amount_cents, rest.assignment_id) == ("refund", 1_500, sold.pk)
    assert (balance(sold.buyer), charge_left(sold.pk)) == (10_000, 0)


def test_failed_lead_and_a_later_dispute_do_not_both_pay(sold: Assignment) -> None:
    """Two causes, one charge."""
    pay_back(sold, key="failed")
    before = state(sold.buyer)

    assert pay_back(sold, key="dispute") is None
    with pytest.raises(
        RefundExceedsCharge, match=re.escape("$0.01 cannot be refunded: $0.00 of the charge is left")
    ):
        pay_back(sold, key="dispute", amount_cents=1)

    assert state(sold.buyer) == before


@pytest.mark.parametrize("amount_cents", [0, -5])
def test_empty_refund_is_refused(sold: Assignment, amount_cents: int) -> None:
    before = state(sold.buyer)
    with pytest.raises(RefundExceedsCharge):
        pay_back(sold, amount_cents=amount_cents)
    assert state(sold.buyer) == before


def test_repeated_refund_returns_the_first(sold: Assignment) -> None:
    first = pay_back(sold, amount_cents=1_000)
    before = state(sold.buyer)

    assert first is not None
    assert pay_back(sold, amount_cents=1_000) == first
    assert pay_back(sold) == first
    assert state(sold.buyer) == before


def test_refund_key_of_another_assignment_or_amount_is_refused(sold: Assignment) -> None:
    enrollment = sold.enrollment
    assert enrollment is not None
    distribute_lead(LeadFactory(source=sold.lead.source).pk)
    second = Assignment.objects.latest("id")
    pay_back(sold, key="k", amount_cents=1_000)
    before = state(sold.buyer)

    with pytest.raises(MoneyKeyReused, match=r"'refund:k' was used for another movement of \$10\.00"):
        pay_back(second, key="k")
    with pytest.raises(MoneyKeyReused):
        pay_back(sold, key="k", amount_cents=999)

    assert state(sold.buyer) == before
