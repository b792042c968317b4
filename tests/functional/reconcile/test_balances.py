"""`reconcile balances`: finds a wallet that its entries do not explain, reports it, and does not change it."""

import logging

import pytest

from distribution.models import LedgerEntry, Wallet
from distribution.reconcile import balances
from routing.metrics.reconcilers import RECONCILER_FOUND
from routing.reconcile import Counts, find_reconciler, run_reconciler
from tests.support.factories import BuyerFactory
from tests.support.planting import plant

RAISE = "UPDATE distribution_wallet SET balance_cents = balance_cents + 7 WHERE id = %s"


@pytest.fixture
def wallets(committed_db: None) -> list[Wallet]:  # noqa: ARG001
    return [BuyerFactory(credits_cents=1_000).wallet for _ in range(3)]


@pytest.mark.finds("balances")
def test_wrong_balance_is_found_reported_and_left(
    wallets: list[Wallet], caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong balance with a correct ledger is found and reported, never corrected silently."""
    plant(RAISE, [wallets[1].pk])
    entries = list(LedgerEntry.objects.values())

    counts = run_reconciler(find_reconciler("balances"), fix=True)

    assert counts == Counts(checked=3, repaired=0, skipped=1)
    assert counts.named == (f"wallet {wallets[1].pk}",)
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    reported = (record.message, record.wallet_id, record.balance_cents, record.entries_cents)  # type: ignore[attr-defined]
    assert reported == ("distribution.balance_differs", wallets[1].pk, 1_007, 1_000)
    assert RECONCILER_FOUND.labels(reconciler="balances")._value.get() == 1
    assert Wallet.objects.get(pk=wallets[1].pk).balance_cents == 1_007
    assert list(LedgerEntry.objects.values()) == entries


@pytest.mark.usefixtures("wallets")
def test_right_balances_are_no_finding(caplog: pytest.LogCaptureFixture) -> None:
    BuyerFactory()  # a wallet without entries
    assert balances.run(fix=False, limit=100) == Counts(checked=4)
    assert caplog.records == []


def test_every_wallet_is_reached_batch_by_batch(
    wallets: list[Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages follow a cursor, which keeps correct wallets from hiding a wrong one."""
    monkeypatch.setattr(balances, "WALLETS_PER_BATCH", 2)
    plant(RAISE, [wallets[2].pk])

    assert balances.run(fix=False, limit=100) == Counts(checked=3, skipped=1)
    assert balances.run(fix=False, limit=2) == Counts(checked=2)
