"""Partial refunds: which are approved at once, when one is a full return, and how they count in a limit."""

from typing import Any

import pytest

from distribution.models import Assignment, AssignmentState, PayableEntry, ReturnPolicy, ReturnRequest
from distribution.money.wallet import charge_left
from distribution.returns.decide import Decision, approve_return
from distribution.returns.figures import read_all_figures, read_figures
from distribution.returns.policy import Ask
from routing.models import Lead
from tests.functional.returns.test_requests import ANN, AT, ask, balance, refused
from tests.functional.returns.world import change
from tests.support.factories import BuyerFactory, ReturnPolicyFactory
from tests.support.payables import build_campaign, build_source, refund_part, sell_lead

pytestmark = pytest.mark.django_db
PRICE = 2_500


def part(cents: int) -> Ask:
    return Ask("bad_phone", "called at 2 PM: not in service", cents)


def approve(sold: Assignment, *, asked_cents: int) -> None:
    approve_return(ask(sold, part(asked_cents)).pk, ANN)


def state(sold: Assignment) -> str:
    return Assignment.objects.values_list("state", flat=True).get(pk=sold.pk)


class TestAtOnce:
    @pytest.fixture
    def policy(self, policy: ReturnPolicy) -> ReturnPolicy:
        """Half of the price at most is refunded at once."""
        change(policy, automatic_reasons=["bad_phone"], automatic_percent=50)
        return policy

    @pytest.mark.usefixtures("policy")
    @pytest.mark.parametrize(
        ("cents", "end"), [(1_250, "approved"), (1_251, "requested"), (2_499, "requested")]
    )
    def test_large_part_waits_for_an_operator(self, sales: list[Assignment], cents: int, end: str) -> None:
        made = ask(sales[0], part(cents))

        assert (made.state, made.is_automatic) == (end, end == "approved")
        assert charge_left(sales[0].pk) == PRICE - (cents if end == "approved" else 0)

    @pytest.mark.usefixtures("policy")
    def test_parts_of_one_lead_add_up(self, sales: list[Assignment]) -> None:
        assert ask(sales[0], part(1_000)).state == "approved"
        assert ask(sales[0], part(250)).state == "approved"

        assert ask(sales[0], part(1)).state == "requested"

        assert charge_left(sales[0].pk) == PRICE - 1_250
        assert ask(sales[1], part(1_250)).state == "approved"

    def test_part_that_an_operator_refunded_counts(
        self, sales: list[Assignment], policy: ReturnPolicy
    ) -> None:
        change(policy, automatic_reasons=[])
        approve(sales[0], asked_cents=2_000)
        change(policy, automatic_reasons=["bad_phone"])

        assert ask(sales[0], part(1)).state == "requested"

    def test_without_a_percentage_each_part_waits(
        self, sales: list[Assignment], policy: ReturnPolicy
    ) -> None:
        change(policy, automatic_percent=None)

        assert ask(sales[0], part(1)).state == "requested"
        assert ask(sales[1]).state == "approved"

    @pytest.mark.usefixtures("policy")
    def test_full_return_after_a_part_is_approved(self, sales: list[Assignment]) -> None:
        ask(sales[0], part(1_250))

        made = ask(sales[0])

        assert (made.state, made.is_full, made.refund_cents) == ("approved", True, 1_250)
        assert state(sales[0]) == AssignmentState.RETURNED


class TestAllThatIsLeft:
    @pytest.mark.usefixtures("policy")
    def test_amount_of_an_operator_is_a_full_return(self, sales: list[Assignment]) -> None:
        type(sales[0].campaign).objects.update(returns_restore_caps=True)
        approve(sales[0], asked_cents=500)
        made = ask(sales[0], part(100))

        approve_return(made.pk, Decision("ann", AT, "all of it", amount_cents=2_000))

        made.refresh_from_db()
        assert (made.is_full, made.refund_cents) == (True, 2_000)
        assert (charge_left(sales[0].pk), balance(sales[0])) == (0, 5_000)
        returned = Assignment.objects.get(pk=sales[0].pk)
        assert (returned.state, returned.returned_at, returned.is_counted) == ("returned", AT, False)
        assert Lead.objects.get(pk=sales[0].lead_id).status == "returned"
        refused("not_held", ask, sales[0])

    @pytest.mark.usefixtures("policy")
    def test_one_cent_less_leaves_the_lead_with_the_buyer(self, sales: list[Assignment]) -> None:
        approve_return(ask(sales[0]).pk, Decision("ann", AT, "nearly all", amount_cents=PRICE - 1))

        assert (ReturnRequest.objects.get().is_full, state(sales[0])) == (False, "sold")

    @pytest.mark.usefixtures("policy")
    def test_asked_part_that_became_all_of_it_is_a_full_return(self, sales: list[Assignment]) -> None:
        made = ask(sales[0], part(600))
        refund_part(sales[0], 1_900)

        approve_return(made.pk, ANN)

        made.refresh_from_db()
        assert (made.is_full, made.refund_cents, state(sales[0])) == (True, 600, "returned")


class TestLimitInMoney:
    @pytest.fixture
    def policy(self, policy: ReturnPolicy) -> ReturnPolicy:
        """$37.50 of the $75.00 for three leads."""
        change(policy, limit_basis="revenue_percent", limit_value=50)
        return policy

    @pytest.mark.usefixtures("policy")
    def test_full_request_counts_with_what_is_left(self, sales: list[Assignment]) -> None:
        """$20.00 are refunded, $5.00 are asked for, and $12.50 of the limit are left."""
        approve(sales[0], asked_cents=2_000)
        ask(sales[0])

        refused("limit_reached", ask, sales[1], part(1_251))
        assert ask(sales[1], part(1_250)).state == "requested"

    @pytest.mark.usefixtures("policy")
    def test_approval_of_a_full_request_changes_nothing_in_the_limit(self, sales: list[Assignment]) -> None:
        approve(sales[0], asked_cents=2_000)
        made = ask(sales[0])
        before = read_figures(sales[0].buyer, at=AT)
        assert (before.usage.returned, before.usage.returned_cents) == (1, PRICE)

        approve_return(made.pk, ANN)

        assert read_figures(sales[0].buyer, at=AT) == before


def test_figures_of_all_buyers_are_those_of_each(
    sales: list[Assignment], policy: ReturnPolicy, django_assert_num_queries: Any
) -> None:
    """One with a policy of its own and a period of its own, one of another workspace without a policy."""
    approve(sales[0], asked_cents=500)
    own, other = BuyerFactory(workspace=policy.workspace), BuyerFactory()
    ReturnPolicyFactory(
        workspace=policy.workspace, buyer=own, limit_basis="leads", limit_value=3, limit_period="day"
    )
    buyers = [own, other, sales[0].buyer]

    with django_assert_num_queries(2):
        found = read_all_figures(buyers, at=AT)

    assert found[0].buyer == sales[0].buyer
    assert (found[0].usage.sold, found[0].usage.returned, found[0].usage.returned_cents) == (3, 1, 500)
    assert [read_figures(each.buyer, at=AT) for each in found] == found
    left = {each.buyer.pk: (each.left, each.period.first == each.period.last) for each in found}
    assert left[own.pk] == ("3 leads", True)
    assert left[other.pk] == ("no requests accepted", False)
    assert left[sales[0].buyer_id] == ("no limit", False)
    assert read_all_figures([], at=AT) == []


def test_return_by_an_amount_deducts_from_the_source_as_a_full_one() -> None:
    """The source keeps nothing of a lead that came back."""
    source = build_source(build_campaign(), pays="share", share_bps=4_000)
    [sold] = sell_lead(source)
    ReturnPolicyFactory(workspace=sold.buyer.workspace)
    made = ask(sold, at=sold.created_at)

    approve_return(made.pk, Decision("ann", AT, "all", amount_cents=sold.price_cents))

    entries = list(PayableEntry.objects.order_by("pk").values_list("kind", "amount_cents"))
    earned = sold.price_cents * 4 // 10
    assert (state(sold), entries) == ("returned", [("earned", earned), ("deducted", -earned)])
