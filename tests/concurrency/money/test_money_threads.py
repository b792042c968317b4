"""Many threads on one wallet: each cause once, never below the limit, and the damage without the condition."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections, transaction

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, LedgerEntry, Wallet
from distribution.money.movement import InsufficientCredits, MoneyRefused
from distribution.money.wallet import adjust, refund, top_up
from distribution.verify import run_verification
from tests.support.factories import BuyerFactory, CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.returning import return_assignment

THREADS = 20

pytestmark = pytest.mark.usefixtures("committed_db")


def together(work: Callable[[int], Any]) -> list[Any]:
    """Run `work` in every thread at once. A refusal is a result."""
    barrier = Barrier(THREADS)

    def run(number: int) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            return work(number)
        except MoneyRefused as refused:
            return type(refused)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def balance(buyer_id: int) -> int:
    return Wallet.objects.values_list("balance_cents", flat=True).get(buyer=buyer_id)


def test_one_payment_in_many_threads_is_one_entry() -> None:
    """A payment event that is delivered twice must not move money twice."""
    buyer = BuyerFactory()

    entries = together(lambda _: top_up(buyer.pk, amount_cents=500, key="pay-1", actor="ann").pk)

    assert set(entries) == {LedgerEntry.objects.get().pk}
    assert balance(buyer.pk) == 500
    assert run_verification().holds


def test_many_spenders_stop_at_the_limit() -> None:
    """The last credit is spent once."""
    buyer = BuyerFactory(credits_cents=1_000)
    Wallet.objects.filter(buyer=buyer).update(credit_limit_cents=50)

    results = together(
        lambda n: adjust(buyer.pk, amount_cents=-100, key=f"{n}", actor="ann", reason="fee").amount_cents
    )

    assert sorted(map(str, results)) == sorted(map(str, [-100] * 10 + [InsufficientCredits] * 10))
    assert balance(buyer.pk) == 0
    assert run_verification().holds


def test_reading_the_balance_before_writing_it_loses_money() -> None:
    """The control: the same scenario with a read, a check and a write. It shows why the update has the condition."""
    buyer = BuyerFactory(credits_cents=1_000)
    all_have_read = Barrier(THREADS)

    def read_modify_write(_: int) -> bool:
        with transaction.atomic():
            wallet = Wallet.objects.get(buyer=buyer)
            all_have_read.wait(timeout=30)
            if wallet.balance_cents < 100:
                return False
            wallet.balance_cents -= 100
            wallet.save(update_fields=["balance_cents"])
        return True

    assert together(read_modify_write) == [True] * THREADS  # twenty spent the money of ten
    assert balance(buyer.pk) == 900  # and one was stored
    report = {invariant.number: findings for invariant, findings in run_verification().results}
    assert report[1].breaches == 1


def sold_once() -> Assignment:
    campaign = CampaignFactory(price_cents=2_500)
    enroll(campaign, count=1, credits_cents=10_000)
    distribute_lead(LeadFactory(source=SourceFactory(workspace=campaign.workspace)).pk)
    return Assignment.objects.get()


def test_many_refunds_pay_back_one_charge() -> None:
    sold = sold_once()
    same = {"assignment_id": sold.pk, "buyer_id": sold.buyer_id, "actor": "ann", "reason": "late"}

    results = together(lambda n: refund(key=f"{n}", amount_cents=500, **same) is not None)

    assert results.count(True) == 5  # of 20 times $5.00 out of $25.00
    assert balance(sold.buyer_id) == 10_000
    assert run_verification().holds


def test_return_in_many_threads_happens_once() -> None:
    sold = sold_once()

    together(lambda n: return_assignment(sold.public_id, actor=f"{n}", reason="wrong number"))

    assert LedgerEntry.objects.filter(kind="refund").count() == 1
    assert balance(sold.buyer_id) == 10_000
    assert run_verification().holds


def test_returns_and_refunds_of_a_removed_enrollment_pay_once() -> None:
    """Without an enrollment the return does not lock its row, so the refund's own lock on the wallet must suffice."""
    sold = sold_once()
    sold.enrollment.delete()  # type: ignore[union-attr]
    same = {"assignment_id": sold.pk, "buyer_id": sold.buyer_id, "actor": "ann", "reason": "late"}

    def pay(number: int) -> Any:
        if number % 2:
            return refund(key=f"{number}", **same)
        return return_assignment(sold.public_id, actor=f"{number}", reason="wrong number")

    together(pay)

    assert sum(LedgerEntry.objects.filter(kind="refund").values_list("amount_cents", flat=True)) == 2_500
    assert balance(sold.buyer_id) == 10_000
    assert run_verification().holds
