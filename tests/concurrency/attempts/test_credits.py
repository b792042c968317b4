"""Leads that race for the last credits: three protections, and the effect of each alone."""

import re
from collections.abc import Iterator
from functools import partial

import pytest
from django.db import connection
from django.db.models import Sum

from distribution.attempts import sell
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, LedgerEntry, LedgerKind, Wallet
from routing.models import Lead, LeadStatus
from tests.support.factories import CampaignFactory, EnrollmentFactory, enroll
from tests.support.interleaving import confirm_together
from tests.support.race_leads import assert_verified, drain, make_leads, store_snapshot
from tests.support.racing import race

pytestmark = pytest.mark.usefixtures("committed_db")

NO_WALLET_CONDITION = re.sub(r"AND w\.balance_cents - .*", "", sell.SELL)
PRICE_CENTS = 1_000


def statuses() -> list[tuple[str, str]]:
    return sorted(Lead.objects.values_list("status", "skip_reason"))


def test_fifty_leads_race_for_the_credits_of_five_nearly_empty_wallets() -> None:
    campaign = CampaignFactory(price_cents=PRICE_CENTS)
    for credits_cents in (3_000, 2_000, 1_000, 999):
        EnrollmentFactory(campaign=campaign, buyer__credits_cents=credits_cents)
    on_credit = EnrollmentFactory(campaign=campaign)
    Wallet.objects.filter(buyer=on_credit.buyer).update(credit_limit_cents=2_500)
    lead_ids = make_leads(campaign, count=50)

    race([partial(distribute_lead, lead_id) for lead_id in lead_ids])
    drain()

    assert list(Wallet.objects.order_by("buyer_id").values_list("balance_cents", flat=True)) == [
        *(0, 0, 0, 999, -2_000)
    ]
    charged = LedgerEntry.objects.filter(kind=LedgerKind.CHARGE).aggregate(cents=Sum("amount_cents"))
    assert charged == {"cents": -8_000}
    assert Assignment.objects.count() == 8
    assert statuses() == sorted(
        [(LeadStatus.DISTRIBUTED.value, "")] * 8 + [(LeadStatus.FAILED.value, "insufficient_credits")] * 42
    )
    assert_verified()


@pytest.fixture
def last_credit(monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """One buyer with credits for one lead. Its lock is removed: two workers confirm it before either sells."""
    campaign = CampaignFactory(price_cents=PRICE_CENTS)
    enroll(campaign, count=1, credits_cents=PRICE_CENTS)
    store_snapshot(campaign)
    confirm_together(monkeypatch)
    return campaign


def sell_two(campaign: Campaign) -> int:
    """Race two leads. Returns the balance afterwards."""
    race([partial(distribute_lead, lead_id) for lead_id in make_leads(campaign, count=2)])
    return Wallet.objects.get().balance_cents


def test_control_without_the_lock_the_condition_refuses_the_second_charge(last_credit: Campaign) -> None:
    """No credits are lost, but the second attempt ends as a failure of the product."""
    assert sell_two(last_credit) == 0
    assert statuses() == [("distributed", ""), ("pending", "internal_error")]
    assert_verified()


def test_control_without_lock_and_condition_the_constraint_refuses_it(
    last_credit: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sell, "SELL", NO_WALLET_CONDITION)
    assert sell_two(last_credit) == 0
    assert statuses() == [("distributed", ""), ("pending", "internal_error")]
    assert_verified()


@pytest.fixture
def _no_constraint(committed_db: None) -> Iterator[None]:  # noqa: ARG001
    """The wallet's CHECK is removed during the test."""
    name = "wallet_not_below_limit"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
        definition = cursor.fetchone()[0]
        cursor.execute(f"ALTER TABLE distribution_wallet DROP CONSTRAINT {name}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("UPDATE distribution_wallet SET balance_cents = 0")
        cursor.execute(f"ALTER TABLE distribution_wallet ADD CONSTRAINT {name} {definition}")


@pytest.mark.usefixtures("_no_constraint")
def test_control_without_any_protection_the_credits_are_spent_twice(
    last_credit: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sell, "SELL", NO_WALLET_CONDITION)
    assert sell_two(last_credit) == -PRICE_CENTS
    assert statuses() == [("distributed", ""), ("distributed", "")]
