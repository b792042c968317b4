"""The end of a run: it is seen although processes of the product go on between any two statements of the suite."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.by_hand import resolve
from distribution.models import OPEN, PENDING, Card, CardPayment, Delivery, DeliveryState, Wallet
from distribution.money.wallet import top_up
from routing.models import Lead
from tests.chaos.deliveries.stage import add_unfinished
from tests.chaos.deliveries.stage import is_unfinished as messages_are_unfinished
from tests.chaos.findings import Findings
from tests.chaos.payments.stage import is_unfinished as payments_are_unfinished
from tests.support.direct_posts import dead_url, enroll_with, post, posting_campaign
from tests.support.factories import CardFactory, CardPaymentFactory
from tests.support.paying import recharge_of

pytestmark = pytest.mark.usefixtures("committed_db")


@contextmanager
def after_one_statement(go_on: Callable[[], object]) -> Iterator[None]:
    """Another process does this after the first statement of the block."""
    is_first = True

    def wrapper(execute: Callable[..., Any], sql: str, parameters: Any, many: Any, context: Any) -> Any:
        nonlocal is_first
        result = execute(sql, parameters, many, context)
        if is_first:
            is_first = False
            go_on()
        return result

    with connection.execute_wrapper(wrapper):
        yield


@pytest.fixture
def rejected(committed_db: None) -> Lead:  # noqa: ARG001 - it is filled
    """The first of two buyers rejected it. Its next attempt asks the other one."""
    campaign = posting_campaign()
    for priority in (2, 1):
        enroll_with(campaign, priority=priority, url=dead_url())
    lead = post(campaign)
    resolve(
        Delivery.objects.get().pk,
        state=DeliveryState.REJECTED,
        at=timezone.now(),
        actor="ann",
        reason="a test",
    )
    return lead


def ask_next(lead: Lead) -> None:
    assert distribute_lead(lead.pk).result == "posting"


def test_lead_that_goes_to_its_next_buyer_is_unfinished(rejected: Lead) -> None:
    with after_one_statement(lambda: ask_next(rejected)):
        assert messages_are_unfinished()
    assert messages_are_unfinished(), "the other buyer is asked"


def test_control_two_statements_see_neither_the_lead_nor_its_message(rejected: Lead) -> None:
    with after_one_statement(lambda: ask_next(rejected)):
        assert not Delivery.objects.filter(state__in=OPEN).exists()
        assert not Lead.objects.filter(status="pending").exists()
    assert Delivery.objects.filter(state="pending").count() == 1


def test_finding_names_the_first_message_without_an_end(rejected: Lead) -> None:
    ask_next(rejected)
    findings = Findings()
    add_unfinished(findings)
    last = Delivery.objects.get(state="pending")
    assert [str(each) for each in findings] == [
        f"messages without an end: 1 (delivery {last.pk})",
        "leads that are still due: 1",
    ]


def test_messages_end_with_the_last_buyer(rejected: Lead) -> None:
    ask_next(rejected)
    last = Delivery.objects.get(state="pending")
    resolve(last.pk, state=DeliveryState.ACCEPTED, at=timezone.now(), actor="ann", reason="a test")
    assert not messages_are_unfinished()


@pytest.fixture
def card(committed_db: None) -> Card:  # noqa: ARG001 - it is filled
    """Of a buyer whose empty wallet is about to be recharged."""
    given: Card = CardFactory()
    recharge_of(given.buyer)
    return given


def recharge_and_fill(card: Card) -> None:
    """The recharge begins. Then the wallet is filled by hand, so it is no longer below its threshold."""
    begun = {"state": "open", "failure_code": "", "ended_at": None, "next_try_at": timezone.now()}
    CardPaymentFactory(card=card, **begun)
    top_up(card.buyer_id, amount_cents=5_000, key="by hand", actor="ann")


def test_wallet_that_is_filled_while_its_recharge_begins_is_unfinished(card: Card) -> None:
    with after_one_statement(lambda: recharge_and_fill(card)):
        assert payments_are_unfinished()
    assert payments_are_unfinished(), "its payment has no end"


def test_control_two_statements_see_neither_the_wallet_nor_its_payment(card: Card) -> None:
    below = Wallet.objects.filter(recharge_below_cents__gt=F("balance_cents") - F("held_cents"))
    assert below.exists()
    with after_one_statement(lambda: recharge_and_fill(card)):
        assert not CardPayment.objects.filter(state__in=PENDING).exists()
        assert not below.exists()
    assert CardPayment.objects.get().state == "open"


def test_payments_without_a_wallet_to_recharge_are_finished() -> None:
    CardFactory()
    assert not payments_are_unfinished()
