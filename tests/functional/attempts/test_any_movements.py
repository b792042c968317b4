"""Any sequence of movements: the sum over all accounts is 0, and every balance is exact by an independent oracle."""

import random
from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from uuid import uuid4

import pytest
from django.db import transaction

from distribution.attempts.distribute import distribute_lead
from distribution.attempts.settle import accept_sale, reject_sale
from distribution.models import Assignment, Campaign
from distribution.money.balances import read_balances
from distribution.money.card_movements import charge_back, refund_to_card, win_back
from distribution.money.movement import MoneyRefused
from distribution.money.wallet import adjust, charge_left, refund, top_up
from distribution.payables.book import PayableRefused, book_adjustment, book_payment
from distribution.reconcile import holds
from distribution.verify import run_verification
from routing.models import Source
from tests.functional.verify.world import broken
from tests.support.factories import LeadFactory
from tests.support.holds import CREDITS_CENTS, PRICE_CENTS, asking_campaign, buyers_of, end_post
from tests.support.payables import build_source
from tests.support.planting import plant

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
STEPS = 40
SHARE_BPS = 3_333
TIME_OUT = "UPDATE distribution_ledgerentry SET expires_at = now() WHERE kind = 'hold'"


class Book:
    """Balances by account, from what was done alone. Of a sale it keeps what is left of its charge."""

    def __init__(self) -> None:
        self.cents: Counter[str] = Counter()
        self.held: dict[int, int] = {}
        self.left: dict[int, int] = {}
        self.owed: Counter[int] = Counter()
        self.move("wallet", "manual_clearing", CREDITS_CENTS)

    def move(self, to: str, from_: str, cents: int) -> None:
        self.cents[to] += cents
        self.cents[from_] -= cents

    def charge(self, sale: int, cents: int) -> None:
        self.move("revenue", "wallet", cents)
        self.left[sale] = cents
        self.owe(sale)

    def refund(self, sale: int, cents: int) -> None:
        self.move("wallet", "revenue", cents)
        self.left[sale] -= cents
        self.owe(sale)

    def owe(self, sale: int) -> None:
        owed = round(Fraction(self.left[sale] * SHARE_BPS, 10_000))  # half to even
        self.move("source_payable", "source_costs", owed - self.owed[sale])
        self.owed[sale] = owed

    def check(self, workspace_id: int) -> None:
        found = read_balances(workspace_id)
        assert {each.account.value: each.cents for each in found} == {
            each.account.value: self.cents[each.account.value] for each in found
        }
        pending = {each.account.value: each.pending_cents for each in found if each.pending_cents}
        held = sum(self.held.values())
        assert pending == ({"wallet": -held, "revenue": held} if held else {})
        assert sum(each.cents for each in found) == sum(each.pending_cents for each in found) == 0


class Player:
    """Does one thing at a time to the only buyer and the only source, and tells the book."""

    def __init__(self, campaign: Campaign, source: Source, *, seed: int) -> None:
        self.random, self.book = random.Random(seed), Book()
        self.campaign, self.source = campaign, source
        [self.buyer] = buyers_of(campaign)

    def step(self, number: int) -> None:
        steps = (
            *(self.card, self.by_hand, self.money_back, self.dispute, self.hold, self.hold, self.pay_source),
            *(self.capture, self.release, self.expire, self.give_back, self.sell),
        )
        self.key = f"step {number}"
        self.random.choice(steps)()

    def amount(self, most: int = 3_000) -> int:
        return self.random.randint(1, most)

    def card(self) -> None:
        cents = self.amount()
        top_up(self.buyer, amount_cents=cents, key=self.key, actor="x", clearing="card")
        self.book.move("wallet", "card_clearing", cents)

    def by_hand(self) -> None:
        cents = self.amount() * self.random.choice([1, -1])
        try:
            adjust(self.buyer, amount_cents=cents, key=self.key, actor="x", reason="x")
        except MoneyRefused:
            return
        self.book.move("wallet", "manual_clearing", cents)

    def money_back(self) -> None:
        cents = self.amount()
        move = self.random.choice([refund_to_card, charge_back])
        try:
            move(self.buyer, amount_cents=cents, key=self.key, actor="x")
        except MoneyRefused:
            return
        self.book.move("card_clearing", "wallet", cents)

    def dispute(self) -> None:
        cents = self.amount()
        win_back(self.buyer, amount_cents=cents, key=self.key, actor="x")
        self.book.move("wallet", "card_clearing", cents)

    def pay_source(self) -> None:
        cents, by_hand = self.amount(500), {"token": uuid4(), "actor": "x", "reason": "x"}
        if self.random.random() < 0.3:
            book_adjustment(self.source, amount_cents=cents, **by_hand)  # type: ignore[arg-type]
            self.book.move("source_payable", "source_costs", cents)
            return
        try:
            book_payment(self.source, amount_cents=cents, **by_hand)  # type: ignore[arg-type]
        except PayableRefused:
            return
        self.book.move("manual_clearing", "source_payable", cents)

    def hold(self) -> None:
        self._distribute("acceptance", "posting")

    def sell(self) -> None:
        self._distribute("decision", "success")

    def _distribute(self, sells_on: str, result: str) -> None:
        Campaign.objects.filter(pk=self.campaign.pk).update(sells_on=sells_on)
        lead = LeadFactory(source=self.source, received_at=AT)
        if distribute_lead(lead.pk, at=AT).result != result:
            return
        sale = Assignment.objects.get(lead=lead)
        if sells_on == "acceptance":
            self.book.held[sale.pk] = PRICE_CENTS
        else:
            self.book.charge(sale.pk, PRICE_CENTS)

    def capture(self) -> None:
        sale = self._find("held")
        if sale is None:
            return
        cents = self.random.choice([None, self.amount(PRICE_CENTS), 0])
        with transaction.atomic():
            accept_sale(sale.pk, at=AT, charge_cents=cents)
            end_post(sale, state="accepted", at=AT)
        del self.book.held[sale.pk]
        self.book.charge(sale.pk, PRICE_CENTS if cents is None else cents)

    def release(self) -> None:
        sale = self._find("held")
        if sale is None:
            return
        with transaction.atomic():
            reject_sale(sale.pk, reason="no", at=AT)
            end_post(sale, state="rejected", at=AT)
        del self.book.held[sale.pk]

    def expire(self) -> None:
        sale = self._find("held")
        if sale is None:
            return
        plant(
            "UPDATE distribution_ledgerentry SET expires_at = now() WHERE assignment_id = %s AND kind = 'hold'",
            [sale.pk],
        )
        assert holds.run(fix=True, limit=100).repaired == 1
        del self.book.held[sale.pk]

    def give_back(self) -> None:
        sale = self._find("sold")
        if sale is None or not charge_left(sale.pk):
            return
        cents = self.amount(max(1, charge_left(sale.pk) - 1))
        if cents == charge_left(sale.pk):
            return  # all of it is a return, which has a request
        refund(
            assignment_id=sale.pk,
            buyer_id=self.buyer,
            amount_cents=cents,
            key=self.key,
            actor="x",
            reason="x",
        )
        self.book.refund(sale.pk, cents)

    def _find(self, state: str) -> Assignment | None:
        rows = list(Assignment.objects.filter(state=state).order_by("pk"))
        return self.random.choice(rows) if rows else None


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_keeps_every_account_exact(seed: int) -> None:
    campaign = asking_campaign(buyers=1, post_deadline_seconds=3_600)
    player = Player(campaign, build_source(campaign, pays="share", share_bps=SHARE_BPS), seed=seed)

    for number in range(STEPS):
        player.step(number)
        player.book.check(campaign.workspace_id)

    assert player.book.left
    assert broken(run_verification()) == {}
