"""Any order of claims, repeats, the end of the offer, crashes, top-ups by webhook, chargebacks and returns.

One end for each offer, and exact money. A process may die before any statement: then all of its step is there, or
nothing. The model counts leads and cents in plain Python and shares no code with the product.

    pytest tests/functional/offers/test_any_order.py --hypothesis-profile=thorough
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.db import connection, connections
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, CardPayment, LedgerEntry, Offer, OfferBuyer, Wallet
from distribution.money.wallet import adjust
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import ClaimRefused
from distribution.reconcile import offers as reconciler
from routing.leads.actions import ActionRefused
from tests.support.factories import CampaignFactory, CardPaymentFactory, EnrollmentFactory
from tests.support.offers import FIELDS, assert_everything_holds, open_offer_of
from tests.support.paying import deliver, dispute_of, intent_of
from tests.support.returning import return_assignment

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

EXAMPLES: Final = 1_000 if settings.get_current_profile_name() == "thorough" else 40
AT: Final = datetime(2026, 3, 2, 15, tzinfo=UTC)
PRICE: Final = 2_500
PAID: Final = 4_000
# The third one can buy only after a top-up: it loses most of its credits when it has been shown the offer.
CREDITS: Final = (2_500, 2_600, 100)
# No step has as many statements.
NEVER: Final = 10_000


class Crash(BaseException):
    """The process is gone: nothing catches it."""


@contextmanager
def dying_after(statements: int) -> Iterator[None]:
    left = [statements]

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        if left[0] <= 0:
            raise Crash
        left[0] -= 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield


@dataclass
class Model:
    """What must be so. Buyers and payments are numbers; the highest number has the highest priority."""

    places: int
    fallback: str
    minute: int = 0
    end: str = ""
    claimed: set[int] = field(default_factory=set)
    pushed: set[int] = field(default_factory=set)
    returned: set[int] = field(default_factory=set)
    paid: set[int] = field(default_factory=set)
    disputed: set[int] = field(default_factory=set)
    won: set[int] = field(default_factory=set)

    def balance(self, buyer: int) -> int:
        holds = buyer in (self.claimed | self.pushed) - self.returned
        topped_up = PAID if buyer in self.paid else 0
        taken = PAID if buyer in self.paid & self.disputed - self.won else 0
        return CREDITS[buyer] + topped_up - taken - (PRICE if holds else 0)

    def claim(self, buyer: int) -> str:
        if buyer in self.claimed:
            return "had"
        if self.end == "claimed":
            return "taken"
        if self.end or self.minute >= 1:
            return "window_over"
        if self.balance(buyer) < PRICE:
            return "not_eligible"
        self.claimed.add(buyer)
        if len(self.claimed) == self.places:
            self.end = "claimed"
        return "won"

    def close(self, _: int) -> str:
        if self.end or self.minute < 1:
            return "not due"
        self.end = "window_over"
        if self.fallback == "push":
            free = [each for each in (2, 1, 0) if each not in self.claimed and self.balance(each) >= PRICE]
            self.pushed = set(free[: self.places - len(self.claimed)])
        return "closed"

    def wait(self, _: int) -> str:
        self.minute += 1
        return "waited"

    def pay(self, payment: int) -> str:
        self.paid.add(payment)
        return "heard"

    def dispute(self, payment: int) -> str:
        self.disputed.add(payment)
        return "heard"

    def win(self, payment: int) -> str:
        self.won.add(payment)
        return "heard"

    def give_back(self, buyer: int) -> str:
        """Only after the offer has ended."""
        if not self.end or buyer not in (self.claimed | self.pushed) - self.returned:
            return "not held"
        self.returned.add(buyer)
        return "returned"

    def reconcile(self, _: int) -> str:
        return "reconciled"


@dataclass
class World:
    offer: Offer
    buyers: list[int]
    payments: list[CardPayment]
    at: datetime = AT

    def claim(self, buyer: int) -> str:
        try:
            claim = claim_offer(self.offer.public_id, buyer_id=self.buyers[buyer], at=self.at)
        except ClaimRefused as refusal:
            return refusal.code
        return "won" if claim.is_new else "had"

    def close(self, _: int) -> str:
        """The first attempt after the end. Later ones may offer the lead again."""
        if Offer.objects.get(pk=self.offer.pk).state == "closed":
            return "not due"
        outcome = distribute_lead(self.offer.lead_id, at=self.at)
        return "not due" if outcome.not_run else "closed"

    def wait(self, _: int) -> str:
        self.at += timedelta(minutes=1)
        return "waited"

    def pay(self, payment: int) -> str:
        row = self.payments[payment]
        deliver("payment_intent.succeeded", intent_of(row), event_id=f"evt_paid_{row.pk}")
        return "heard"

    def dispute(self, payment: int) -> str:
        return self._tell("created", "needs_response", payment)

    def win(self, payment: int) -> str:
        return self._tell("closed", "won", payment)

    def _tell(self, what: str, status: str, payment: int) -> str:
        row = self.payments[payment]
        facts = dispute_of(row, status=status, dispute_id=f"dp_{row.pk}")
        deliver(f"charge.dispute.{what}", facts, event_id=f"evt_{status}_{row.pk}")
        return "heard"

    def give_back(self, buyer: int) -> str:
        sale = Assignment.objects.filter(lead_id=self.offer.lead_id, buyer_id=self.buyers[buyer]).first()
        if sale is None or Offer.objects.get(pk=self.offer.pk).state == "open":
            return "not held"
        try:
            return_assignment(sale.public_id, actor="ann", reason="wrong number", at=self.at)
        except ActionRefused:
            return "not held"
        return "returned"

    def reconcile(self, _: int) -> str:
        counts = reconciler.run(fix=True, limit=10)
        assert counts.found == 0, "it found an offer and a lead that do not fit"
        return "reconciled"

    def read(self) -> dict[str, Any]:
        offer = Offer.objects.get(pk=self.offer.pk)
        return {
            "end": offer.end_reason,
            "is_open": offer.state == "open",
            "claimed": self._numbers(OfferBuyer.objects.filter(offer=offer, claimed_at__isnull=False)),
            "sold": self._numbers(Assignment.objects.filter(lead_id=offer.lead_id, state="sold")),
            "balances": [Wallet.objects.get(buyer_id=each).balance_cents for each in self.buyers],
            "charges": LedgerEntry.objects.filter(kind="charge", assignment__lead_id=offer.lead_id).count(),
        }

    def _numbers(self, rows: Any) -> set[int]:
        return {self.buyers.index(each) for each in rows.values_list("buyer_id", flat=True)}


def expect(model: Model) -> dict[str, Any]:
    return {
        "end": model.end,
        "is_open": not model.end,
        "claimed": model.claimed,
        "sold": (model.claimed | model.pushed) - model.returned,
        "balances": [model.balance(each) for each in range(len(CREDITS))],
        "charges": len(model.claimed) + len(model.pushed),
    }


def build_world(*, places: int, fallback: str) -> World:
    campaign: Any = CampaignFactory(
        mode="ping_post",
        price_cents=PRICE,
        max_buyers=places,
        offer_fields=FIELDS,
        offer_fallback=fallback,
        fallback_mode="priority",
    )
    enrolled = [
        EnrollmentFactory(campaign=campaign, buyer__credits_cents=max(cents, PRICE), priority=number).buyer
        for number, cents in enumerate(CREDITS)
    ]
    payments = [pending_payment(buyer) for buyer in enrolled]
    offer = open_offer_of(campaign, at=AT)
    last, cents = enrolled[-1].pk, CREDITS[-1] - PRICE
    adjust(last, amount_cents=cents, key=f"less-{last}", actor="ann", reason="by hand")
    return World(offer, [buyer.pk for buyer in enrolled], payments)


def pending_payment(buyer: Any) -> CardPayment:
    row = CardPaymentFactory(
        card__buyer=buyer,
        amount_cents=PAID,
        state="open",
        failure_code="",
        ended_at=None,
        next_try_at="2030-01-01T00:00Z",
    )
    payment = CardPayment.objects.get(pk=row.pk)
    payment.provider_id = f"pi_{payment.pk}"  # only the provider knows it
    return payment


def step(world: World, model: Model, name: str, number: int, *, statements: int) -> None:
    """One step of both. If the process died, the tables are as before it or as after it."""
    before = deepcopy(model)
    expected = getattr(model, name)(number)
    try:
        with dying_after(statements):
            result = getattr(world, name)(number)
    except Crash:
        connections.close_all()
        if world.read() != expect(model):
            vars(model).update(vars(before))
    else:
        assert result == expected
    assert world.read() == expect(model)


STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("claim", "claim", "claim", "close", "wait", "pay", "pay", "dispute", "win"),
                *("give_back", "reconcile"),
            ]
        ),
        st.integers(0, len(CREDITS) - 1),
        # Most steps reach their end. A claim has some thirty statements.
        st.one_of(st.just(NEVER), st.integers(0, 40)),
    ),
    min_size=3,
    max_size=16,
)


CLAIMS_TWICE: Final = [("claim", 0, NEVER), ("claim", 1, NEVER), ("claim", 0, NEVER), ("give_back", 0, NEVER)]
DISPUTED: Final = [("pay", 2, NEVER), ("claim", 2, NEVER), ("dispute", 2, NEVER), ("win", 2, NEVER)]
CLOSING: Final = [("close", 0, count) for count in range(4, 60, 4)]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 1_000,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(steps=STEPS, places=st.integers(1, 2), fallback=st.sampled_from(["push", "unsold"]))
@example(
    steps=[("claim", 0, NEVER), ("claim", 1, NEVER), ("claim", 0, NEVER), ("give_back", 0, NEVER)],
    places=1,
    fallback="push",
)
@example(
    steps=[("pay", 2, NEVER), ("claim", 2, NEVER), ("dispute", 2, NEVER), ("win", 2, NEVER)],
    places=2,
    fallback="push",
)
@example(
    steps=[("wait", 0, NEVER), ("close", 0, 20), ("claim", 0, NEVER), ("close", 0, NEVER)],
    places=1,
    fallback="push",
)
@example(steps=CLAIMS_TWICE, places=1, fallback="push")
@example(steps=DISPUTED, places=2, fallback="push")
@example(steps=[("claim", 0, count) for count in range(4, 40, 4)], places=1, fallback="unsold")
@example(steps=[("wait", 0, NEVER), *CLOSING], places=1, fallback="push")
def follow(steps: list[tuple[str, int, int]], places: int, fallback: str) -> None:
    world, model = build_world(places=places, fallback=fallback), Model(places, fallback)
    for name, number, statements in steps:
        step(world, model, name, number, statements=NEVER if name == "wait" else statements)
    if not model.end:
        for name in ("wait", "close"):
            step(world, model, name, 0, statements=NEVER)
    assert model.end


def test_every_order_has_one_end_and_exact_money() -> None:
    follow()

    ends = set(Offer.objects.values_list("state", "end_reason"))
    assert ends == {("closed", "claimed"), ("closed", "window_over")}
    assert set(Assignment.objects.values_list("state", flat=True)) == {"sold", "returned"}
    assert_everything_holds()
