"""Refunds and payments at the same time: what is owed is exact, and the damage without the lock."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, transaction

from distribution.models import Assignment, PayableEntry
from distribution.payables.book import PayableRefused, book_adjustment, book_payment, read_balance
from distribution.verify import run_verification
from routing.models import Source
from tests.support.factories import SourceFactory
from tests.support.payables import booked, build_campaign, build_source, refund_part, sell_lead

BUYERS: Final = 8
LOCK: Final = "FOR NO KEY UPDATE"
FUNCTION: Final = """
SELECT pg_get_functiondef(tgfoid) FROM pg_trigger WHERE tgname LIKE 'pgtrigger_payable_for_refund_%'
"""

pytestmark = pytest.mark.usefixtures("committed_db")


def together(works: list[Callable[[], Any]]) -> list[Any]:
    barrier = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            return work()
        except PayableRefused as refused:
            return type(refused)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@contextmanager
def without_lock() -> Iterator[None]:
    """The trigger of refunds without its lock, until the block ends."""
    with connection.cursor() as cursor:
        cursor.execute(FUNCTION)
        [(definition,)] = cursor.fetchall()
        assert definition.count(LOCK) == 1
        cursor.execute(definition.replace(LOCK, ""))
        try:
            yield
        finally:
            cursor.execute(definition)


def breaches() -> int:
    return next(found.breaches for each, found in run_verification().results if each.name == "payables")


@pytest.mark.parametrize("contract", [{"amount_cents": 777}, {"pays": "share", "share_bps": 3_333}])
def test_refunds_of_several_buyers_deduct_exactly(contract: dict[str, Any]) -> None:
    """Each holds the wallet of another buyer, and none the lead."""
    source = build_source(build_campaign(buyers=BUYERS, price_cents=1_001), **contract)
    sold = sell_lead(source)

    together([lambda each=each: refund_part(each, 500) for each in sold])  # type: ignore[misc]
    assert breaches() == 0
    together([lambda each=each: refund_part(each, 501, key="rest") for each in sold])  # type: ignore[misc]

    assert breaches() == 0
    assert read_balance(source.pk) == 0
    kinds = [kind for kind, _ in booked(source)]
    assert (kinds.count("earned"), kinds.count("deducted")) == (BUYERS, 2 * BUYERS)


def test_refunds_without_the_lock_deduct_too_little() -> None:
    """The control: two refunds that both see the earlier entries alone. The lock makes the second one wait."""
    source = build_source(build_campaign(buyers=2), amount_cents=700)
    first, second = sell_lead(source)
    both_are_written = Barrier(2)

    def pay_back(sold: Assignment) -> None:
        with transaction.atomic():
            refund_part(sold, 2_500)
            both_are_written.wait(timeout=30)

    with without_lock():
        together([lambda: pay_back(first), lambda: pay_back(second)])

    assert read_balance(source.pk) == 700  # each refund saw that the other buyer keeps the lead
    assert breaches() == 1


def test_payments_never_exceed_what_is_owed() -> None:
    source = SourceFactory()
    book_adjustment(source, amount_cents=1_000, token=uuid4(), actor="ann", reason="opening")

    results = together([lambda: pay(source.pk, uuid4()) for _ in range(BUYERS)])

    assert sorted(map(str, results)) == sorted(map(str, [True] * 3 + [PayableRefused] * (BUYERS - 3)))
    assert read_balance(source.pk) == 100


def test_one_form_in_many_threads_is_one_payment() -> None:
    source = SourceFactory()
    book_adjustment(source, amount_cents=1_000, token=uuid4(), actor="ann", reason="opening")
    token = uuid4()

    results = together([lambda: pay(source.pk, token) for _ in range(BUYERS)])

    assert sorted(results) == [False] * (BUYERS - 1) + [True]
    assert PayableEntry.objects.filter(kind="paid").count() == 1


def pay(source_id: int, token: UUID) -> bool:
    source = Source.objects.select_related("workspace").get(pk=source_id)
    return book_payment(source, amount_cents=300, token=token, actor="ann", reason="wire")
