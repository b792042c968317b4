"""Any order of answers, repetitions, crashes and attempts: each hold ends once, and the money is exact."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from distribution.attempts.distribute import distribute_lead
from distribution.attempts.settle import accept_sale, reject_sale
from distribution.models import Assignment, Delivery, LedgerEntry
from distribution.reconcile import holds
from distribution.verify import run_verification
from routing.models import Lead
from tests.functional.verify import oracle
from tests.functional.verify.world import broken
from tests.support.holds import (
    CREDITS_CENTS,
    PRICE_CENTS,
    asking_campaign,
    buyers_of,
    end_post,
    lead_of,
    money_of,
)

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
STEPS = 40


class Crash(Exception):
    """The process dies before its commit."""


class Model:
    """What should be true, from the answers that were committed alone."""

    def __init__(self) -> None:
        self.first_answer: dict[int, str] = {}

    def answer(self, assignment_id: int, state: str) -> None:
        self.first_answer.setdefault(assignment_id, state)

    def check(self, buyers: list[int]) -> None:
        sold, held = Counter[int](), Counter[int]()
        for sale in Assignment.objects.all():
            expected = self.first_answer.get(sale.pk, "held")
            assert sale.state == expected
            kinds = sorted(LedgerEntry.objects.filter(assignment=sale).values_list("kind", flat=True))
            assert (
                kinds
                == {"held": ["hold"], "sold": ["capture", "hold"], "rejected": ["hold", "release"]}[expected]
            )
            sold[sale.buyer_id] += expected == "sold"
            held[sale.buyer_id] += expected == "held"
        for buyer in buyers:
            spent = CREDITS_CENTS - PRICE_CENTS * sold[buyer]
            assert money_of(buyer) == (spent, PRICE_CENTS * held[buyer])


def settle(sale: Assignment, state: str, *, at: datetime, is_crash: bool) -> None:
    try:
        with transaction.atomic():
            if state == "sold":
                accept_sale(sale.pk, at=at)
            else:
                reject_sale(sale.pk, reason="no", at=at)
            end_post(sale, state="accepted" if state == "sold" else "rejected", at=at)
            if is_crash:
                raise Crash
    except Crash:
        return


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("seed", range(8))
def test_each_hold_ends_once_in_any_order(seed: int) -> None:
    chance = random.Random(seed)
    campaign = asking_campaign(buyers=3, max_buyers=chance.choice([1, 2]))
    buyers, model = buyers_of(campaign), Model()
    leads = [lead_of(campaign, at=AT) for _ in range(4)]
    at = AT
    for _ in range(STEPS):
        at += timedelta(seconds=chance.choice([0, 1, 1, 20]))
        step = chance.choice(["attempt", "attempt", "answer", "answer", "repeat", "reconcile"])
        if step == "attempt":
            distribute_lead(chance.choice(leads).pk, at=at)
            continue
        if step == "reconcile":
            waiting = list(Delivery.objects.filter(assignment__state="held").order_by("pk"))
            if waiting:
                ended = chance.choice(waiting)
                ended_without_its_hold = {
                    "state": "accepted",
                    "next_try_at": None,
                    "ended_at": at,
                    "ended_by": "test",
                }
                Delivery.objects.filter(pk=ended.pk).update(**ended_without_its_hold)
                holds.run(fix=True, limit=100)
                model.answer(ended.assignment_id, "sold")
            continue
        among = list(Assignment.objects.order_by("pk"))
        if step == "answer":
            among = [each for each in among if each.state == "held"]
        if not among:
            continue
        sale = chance.choice(among)
        state, is_crash = chance.choice(["sold", "rejected", "rejected"]), chance.random() < 0.3
        settle(sale, state, at=at, is_crash=is_crash)
        if not is_crash:
            model.answer(sale.pk, state)
        model.check(buyers)
    model.check(buyers)
    assert broken(run_verification()) == oracle.judge() == {}
    per_lead = Counter(Assignment.objects.filter(state="sold").values_list("lead_id", flat=True))
    assert max(per_lead.values(), default=0) <= campaign.max_buyers
    assert Lead.objects.filter(status="posting").count() == Assignment.objects.filter(state="held").count()
