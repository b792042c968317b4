"""Any order of requests, approvals, refusals, withdrawals and returns by hand ends as an independent model says.

The model counts cents and states in plain Python. It shares no code with the product.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distribution.models import Assignment, LedgerEntry, ReturnRequest, Wallet
from distribution.money.movement import MoneyRefused
from distribution.returns.decide import Decision, approve_return, decline_return
from distribution.returns.policy import Ask
from distribution.returns.refusals import ReturnRefused
from distribution.returns.request import request_return, withdraw_return
from distribution.verify import run_verification
from tests.functional.returns.world import SOLD_AT, sell_three
from tests.support.factories import ReturnPolicyFactory
from tests.support.returning import return_assignment

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")
AT = SOLD_AT + timedelta(hours=1)
PRICE = 2_500
CENTS = st.one_of(st.none(), st.sampled_from([1, 500, 1_249, 2_499, 2_500, 9_999]))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), CENTS),
        st.tuples(st.just("approve"), CENTS),
        st.tuples(st.sampled_from(["decline", "withdraw", "by_hand"]), st.none()),
    ),
    max_size=12,
)


@dataclass
class Model:
    """One sale: what is left of its charge, who has the lead, and the ends of its requests in their order."""

    left: int = PRICE
    is_held: bool = True
    ends: list[str] = field(default_factory=list)
    asked: int | None = None

    @property
    def is_open(self) -> bool:
        return bool(self.ends) and self.ends[-1] == "requested"

    def ask(self, cents: int | None) -> None:
        if self.is_held and not self.is_open and (cents is None or 0 < cents < self.left):
            self.ends.append("requested")
            self.asked = cents

    def approve(self, cents: int | None) -> None:
        if not self.is_open:
            return
        amount = self.asked if cents is None else cents
        if amount is not None and amount > self.left:
            return
        self.is_held = amount is not None and amount < self.left
        self.left -= self.left if amount is None else amount
        self.ends[-1] = "approved"

    def decline(self, _: None) -> None:
        if self.is_open:
            self.ends[-1] = "declined"

    def withdraw(self, _: None) -> None:
        if self.is_open:
            self.ends[-1] = "withdrawn"

    def by_hand(self, _: None) -> None:
        if self.is_held:
            if not self.is_open:
                self.ends.append("requested")
            self.ends[-1] = "approved"
            self.left, self.is_held = 0, False


def do(step: str, cents: int | None, *, sold: Assignment) -> None:
    latest = ReturnRequest.objects.filter(assignment=sold).order_by("pk").last()
    if step == "ask":
        ask = Ask("fake", "Mickey Mouse", cents)
        request_return(sold.public_id, ask, buyer=sold.buyer, actor="key", at=AT)
    elif step == "by_hand":
        return_assignment(sold.public_id, actor="ann", reason="agreed", at=AT)
    elif latest is not None and step == "withdraw":
        withdraw_return(latest.public_id, buyer=sold.buyer, actor="key", at=AT)
    elif latest is not None:
        act: Any = approve_return if step == "approve" else decline_return
        act(latest.pk, Decision("ann", AT, "because", amount_cents=cents))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def follow(steps: list[tuple[str, Any]]) -> None:
    sold, model = sell_three()[0], Model()
    ReturnPolicyFactory(workspace=sold.buyer.workspace)
    for step, cents in steps:
        getattr(model, step)(cents)
        with suppress(ReturnRefused, MoneyRefused):
            do(step, cents, sold=sold)
        assert seen(sold) == (model.left, model.is_held, model.ends), step


def test_every_order_ends_as_the_model_says() -> None:
    follow()

    assert ReturnRequest.objects.count() > 60
    found = {invariant.name: findings.breaches for invariant, findings in run_verification().results}
    assert [found[name] for name in ("wallets", "charges", "returns")] == [0, 0, 0]


def seen(sold: Assignment) -> tuple[int, bool, list[str]]:
    refunds = LedgerEntry.objects.filter(assignment=sold, kind="refund").values_list(
        "amount_cents", flat=True
    )
    left = PRICE - sum(refunds)
    assert Wallet.objects.get(buyer=sold.buyer).balance_cents == 10_000 - 3 * PRICE + sum(refunds)
    requests = ReturnRequest.objects.filter(assignment=sold).order_by("pk")
    state = Assignment.objects.values_list("state", flat=True).get(pk=sold.pk)
    return left, state == "sold", list(requests.values_list("state", flat=True))
