"""Refunds to cards and chargebacks: each moves money between a wallet and the card clearing account, once."""

from collections.abc import Callable
from typing import Any

import pytest

from distribution.models import Buyer, LedgerEntry, Wallet
from distribution.money.card_movements import charge_back, refund_to_card, win_back
from distribution.money.movement import InsufficientCredits, MoneyKeyReused, MoneyRefused
from distribution.money.wallet import adjust, top_up
from tests.support.factories import BuyerFactory

pytestmark = pytest.mark.django_db

Move = Callable[..., LedgerEntry]
MOVES: list[Any] = [
    (refund_to_card, "cardrefund", -1_500),
    (charge_back, "chargeback", -1_500),
    (win_back, "won_back", 1_500),
]


@pytest.fixture
def buyer() -> Buyer:
    buyer = BuyerFactory()
    top_up(buyer.pk, amount_cents=5_000, key="pay-1", actor="stripe", clearing="card")
    return buyer


def state(buyer: Buyer) -> tuple[Any, ...]:
    entries = LedgerEntry.objects.filter(wallet__buyer=buyer).order_by("id").values_list()
    return Wallet.objects.filter(buyer=buyer).values_list().get(), *entries


@pytest.mark.parametrize(("move", "kind", "cents"), MOVES)
def test_movement_of_a_card_has_both_sides(buyer: Buyer, move: Move, kind: str, cents: int) -> None:
    entry = move(buyer.pk, amount_cents=1_500, key="re-1", actor="stripe", reason="fraudulent")

    assert LedgerEntry.objects.filter(pk=entry.pk).values_list(
        *(
            "kind",
            "amount_cents",
            "other_account",
            "balance_after_cents",
            "idempotency_key",
            "actor",
            "reason",
        )
    ).get() == (kind, cents, "card_clearing", 5_000 + cents, f"{kind}:re-1", "stripe", "fraudulent")
    assert Wallet.objects.get(buyer=buyer).balance_cents == 5_000 + cents


@pytest.mark.parametrize(("move", "kind", "cents"), MOVES)
def test_repeated_movement_of_a_card_counts_once(buyer: Buyer, move: Move, kind: str, cents: int) -> None:
    first = move(buyer.pk, amount_cents=1_500, key="re-1", actor="stripe")
    before = state(buyer)

    assert move(buyer.pk, amount_cents=1_500, key="re-1", actor="stripe").pk == first.pk
    with pytest.raises(MoneyKeyReused, match=f"'{kind}:re-1' was used for another movement"):
        move(buyer.pk, amount_cents=abs(cents) + 1, key="re-1", actor="stripe")
    assert state(buyer) == before


@pytest.mark.parametrize(("move", "_kind", "_cents"), MOVES)
def test_movement_of_a_card_needs_an_amount(buyer: Buyer, move: Move, _kind: str, _cents: int) -> None:
    before = state(buyer)
    with pytest.raises(MoneyRefused, match=r"above \$0\.00, not \$0\.00"):
        move(buyer.pk, amount_cents=0, key="re-1", actor="stripe")
    with pytest.raises(TypeError, match="cents are an int"):
        move(buyer.pk, amount_cents=1.5, key="re-1", actor="stripe")
    assert state(buyer) == before


@pytest.mark.parametrize("move", [refund_to_card])
def test_card_gets_back_no_more_than_the_wallet_has(buyer: Buyer, move: Move) -> None:
    before = state(buyer)
    with pytest.raises(InsufficientCredits, match=r"-\$50\.01 would take the balance below its limit"):
        move(buyer.pk, amount_cents=5_001, key="re-1", actor="stripe")
    assert state(buyer) == before


def test_top_up_names_where_it_came_from(buyer: Buyer) -> None:
    top_up(buyer.pk, amount_cents=100, key="check 17", actor="ann")
    adjust(buyer.pk, amount_cents=-50, key="fee", actor="ann", reason="fee")

    sides = LedgerEntry.objects.order_by("id").values_list("kind", "other_account")
    assert list(sides) == [
        ("topup", "card_clearing"),
        ("topup", "manual_clearing"),
        ("adjustment", "manual_clearing"),
    ]


def test_key_of_a_top_up_belongs_to_one_clearing_account(buyer: Buyer) -> None:
    before = state(buyer)
    with pytest.raises(MoneyKeyReused):
        top_up(buyer.pk, amount_cents=5_000, key="pay-1", actor="ann")
    assert state(buyer) == before


def test_entry_of_the_version_before_is_booked_by_hand(buyer: Buyer) -> None:
    """It writes no account while an upgrade runs."""
    entry = LedgerEntry.objects.create(
        wallet=buyer.wallet,
        kind="topup",
        amount_cents=5,
        balance_after_cents=5_005,
        idempotency_key="topup:old",
        actor="ann",
    )
    entry.refresh_from_db()
    assert entry.other_account == "manual_clearing"
