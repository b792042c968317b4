"""Sales, refunds and returns in any order: what is owed is what a second calculation says, after each step.

The oracle keeps its own account of each lead. It reads neither contracts nor sales from the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distribution.models import Assignment, PayableEntry
from distribution.money.wallet import charge_left
from distribution.payables.book import read_balance
from tests.support.payables import booked, build_campaign, build_source, refund_part, sell_lead
from tests.support.returning import return_assignment

PRICES = st.sampled_from([0, 1, 3, 5, 333, 2_500, 99_999])
CONTRACTS = st.one_of(
    st.fixed_dictionaries({"amount_cents": st.integers(0, 5_000)}),
    st.fixed_dictionaries({"pays": st.just("share"), "share_bps": st.integers(1, 10_000)}),
)
# Which sale, and which part of what is left is paid back; None: the sale is returned.
STEPS = st.lists(st.tuples(st.integers(0, 3), st.none() | st.integers(1, 100)), max_size=8)


@dataclass
class Account:
    """One lead. `left`: what is left of each charge, and whether the buyer still has the lead."""

    contract: Mapping[str, Any]
    price_cents: int
    left: dict[int, tuple[int, bool]] = field(default_factory=dict)

    def owed_cents(self) -> int:
        if not self.contract["returns_deducted"]:
            left = [(self.price_cents, True) for _ in self.left]
        else:
            left = list(self.left.values())
        if "share_bps" in self.contract:
            return half_even(Decimal(sum(cents for cents, _ in left)) * self.contract["share_bps"] / 10_000)
        most = max(self._part(cents, is_kept=is_kept) for cents, is_kept in left)
        return half_even(self.contract["amount_cents"] * most)

    def _part(self, cents: int, *, is_kept: bool) -> Decimal:
        return Decimal(cents) / self.price_cents if self.price_cents else Decimal(is_kept)


def half_even(cents: Decimal) -> int:
    """The quotients have few digits or none that are close to a half, so 28 digits decide."""
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    contract=CONTRACTS,
    are_deducted=st.booleans(),
    price_cents=PRICES,
    buyers=st.integers(1, 4),
    steps=STEPS,
)
def test_what_is_owed_after_any_steps(
    contract: dict[str, Any],
    are_deducted: bool,  # noqa: FBT001 - hypothesis passes it by name
    price_cents: int,
    buyers: int,
    steps: list[tuple[int, int | None]],
) -> None:
    terms = {**contract, "returns_deducted": are_deducted}
    source = build_source(build_campaign(buyers=buyers, price_cents=price_cents), **terms)
    sold = sell_lead(source)
    account = Account(terms, price_cents, {each.pk: (price_cents, True) for each in sold})
    refunds = 0
    assert read_balance(source.pk) == account.owed_cents()

    for number, (place, percent) in enumerate(steps):
        each = sold[place % len(sold)]
        refunds += take_back(each, percent, number=number, account=account)
        assert read_balance(source.pk) == account.owed_cents()

    kinds = [kind for kind, _ in booked(source)]
    assert (kinds.count("earned"), kinds.count("deducted")) == (buyers, refunds)
    if "share_bps" in contract:
        assert 0 <= read_balance(source.pk) <= price_cents * buyers


def take_back(sold: Assignment, percent: int | None, *, number: int, account: Account) -> int:
    """Pay back a part, or return the sale. Returns how many entries this must have written."""
    left, is_kept = account.left[sold.pk]
    if percent is not None:
        part = left * percent // 100
        if part == 0 or not is_kept:
            return 0
        with transaction.atomic():
            refund_part(sold, part, key=f"{number}")
        account.left[sold.pk] = (left - part, True)
        return 1
    return_assignment(sold.public_id, actor="ann", reason="wrong number")
    account.left[sold.pk] = (0, False)
    assert charge_left(sold.pk) == 0
    return int(is_kept and (left > 0 or account.price_cents == 0))


@pytest.mark.django_db
def test_each_cause_has_one_key() -> None:
    source = build_source(build_campaign(buyers=2))
    first, second = sell_lead(source)
    refund_part(first, 100)
    return_assignment(second.public_id, actor="ann", reason="wrong number")

    keys = list(PayableEntry.objects.values_list("idempotency_key", flat=True))

    assert len(set(keys)) == len(keys) == 4
    assert {key.split(":")[0] for key in keys} == {"earned", "deducted"}
