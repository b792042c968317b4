"""A buyer asks for a return. It is refused by name, waits for an operator, or is approved by its policy."""

from datetime import timedelta
from typing import Any

import pytest

from distribution.models import (
    Assignment,
    AssignmentState,
    Buyer,
    LedgerEntry,
    ReturnPolicy,
    ReturnRequest,
    Wallet,
)
from distribution.money.wallet import RefundExceedsCharge, charge_left, refund
from distribution.returns.decide import Decision, approve_return, decline_return
from distribution.returns.policy import Ask
from distribution.returns.refusals import ReturnNotFound, ReturnRefused
from distribution.returns.request import request_return, withdraw_return
from routing.models import Lead
from tests.functional.returns.world import SOLD_AT, change
from tests.support.factories import BuyerFactory, ReturnPolicyFactory
from tests.support.returning import return_assignment
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db
AT = SOLD_AT + timedelta(hours=1)
BAD_PHONE = Ask("bad_phone", "called at 2 PM: not in service")
ANN = Decision("ann", AT, "checked")


def ask(sold: Assignment, what: Ask = BAD_PHONE, **named: Any) -> ReturnRequest:
    return request_return(
        sold.public_id, what, **{"buyer": sold.buyer, "actor": "key abc", "at": AT, **named}
    )


def everything() -> tuple[Any, ...]:
    models = (Assignment, Wallet, LedgerEntry, Lead, ReturnRequest, AuditEntry)
    return tuple(list(model._default_manager.order_by("pk").values()) for model in models)


def refused(code: str, call: Any, *arguments: Any, **named: Any) -> ReturnRefused:
    """The call is refused with this code, and changes nothing."""
    before = everything()
    with pytest.raises(ReturnRefused) as caught:
        call(*arguments, **named)
    assert caught.value.code == code
    assert everything() == before
    return caught.value


def balance(sold: Assignment) -> int:
    return Wallet.objects.values_list("balance_cents", flat=True).get(buyer=sold.buyer_id)


def test_request_waits_for_an_operator(sales: list[Assignment], policy: ReturnPolicy) -> None:
    made = ask(sales[0])

    stored = ReturnRequest.objects.get()
    assert (stored.pk, stored.state, stored.reason, stored.asked_cents) == (
        made.pk,
        "requested",
        "bad_phone",
        None,
    )
    assert balance(sales[0]) == 2_500
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.workspace_id) == ("key abc", "requested", policy.workspace_id)


@pytest.mark.usefixtures("policy")
def test_approved_request_takes_the_lead_back(sales: list[Assignment]) -> None:
    made = ask(sales[0])

    assert approve_return(made.pk, ANN)

    stored, entry = ReturnRequest.objects.get(), LedgerEntry.objects.latest("pk")
    assert (stored.state, stored.is_full, stored.refund_cents, stored.refund) == (
        "approved",
        True,
        2_500,
        entry,
    )
    assert (stored.decided_by, stored.decided_at, stored.decision_reason) == ("ann", AT, "checked")
    assert (stored.is_automatic, stored.is_resold) == (False, False)
    assert (entry.kind, entry.amount_cents, entry.assignment_id) == ("refund", 2_500, sales[0].pk)
    assert balance(sales[0]) == 5_000
    assert Assignment.objects.get(pk=sales[0].pk).state == AssignmentState.RETURNED
    assert Lead.objects.get(pk=sales[0].lead_id).status == "returned"
    before = everything()
    assert not approve_return(made.pk, ANN)
    assert everything() == before


@pytest.mark.usefixtures("policy")
def test_partial_refunds_leave_the_lead_with_the_buyer(sales: list[Assignment]) -> None:
    for cents in (500, 700):
        approve_return(ask(sales[0], Ask("bad_phone", "no", cents)).pk, ANN)

    assert charge_left(sales[0].pk) == 1_300
    assert Assignment.objects.get(pk=sales[0].pk).state == AssignmentState.SOLD
    assert list(ReturnRequest.objects.order_by("pk").values_list("refund_cents", "is_full")) == [
        (500, False),
        (700, False),
    ]
    approve_return(ask(sales[0]).pk, ANN)
    assert (charge_left(sales[0].pk), balance(sales[0])) == (0, 5_000)


@pytest.mark.usefixtures("policy")
def test_operator_may_refund_less_than_was_asked(sales: list[Assignment]) -> None:
    approve_return(ask(sales[0]).pk, Decision("ann", AT, "half", amount_cents=1_250))

    stored = ReturnRequest.objects.get()
    assert (stored.is_full, stored.refund_cents) == (False, 1_250)
    assert Assignment.objects.get(pk=sales[0].pk).state == AssignmentState.SOLD


@pytest.mark.usefixtures("policy")
def test_declined_request_moves_nothing(sales: list[Assignment]) -> None:
    made = ask(sales[0])

    refused("required", decline_return, made.pk, Decision("ann", AT))
    assert decline_return(made.pk, ANN)
    assert not decline_return(made.pk, ANN)

    assert (ReturnRequest.objects.get().state, balance(sales[0])) == ("declined", 2_500)
    refused("already_ended", approve_return, made.pk, ANN)
    assert ask(sales[0]).state == "requested"


@pytest.mark.usefixtures("policy")
def test_withdrawn_request_is_final(sales: list[Assignment]) -> None:
    made = ask(sales[0])

    for _ in range(2):
        withdraw_return(made.public_id, buyer=made.buyer, actor="key abc", at=AT)

    assert ReturnRequest.objects.get().state == "withdrawn"
    refused("already_ended", approve_return, made.pk, ANN)
    with pytest.raises(ReturnNotFound):
        withdraw_return(made.public_id, buyer=BuyerFactory(), actor="key", at=AT)


@pytest.mark.parametrize(
    ("code", "field", "what", "columns"),
    [
        ("reason_not_accepted", "reason", Ask("no_answer", "x"), {}),
        ("reason_not_accepted", "reason", Ask("agency", "x"), {}),
        ("reason_not_accepted", "reason", Ask("nonsense", "x"), {}),
        ("required", "text", Ask("bad_phone"), {}),
        ("required", "file", BAD_PHONE, {"evidence": "file"}),
        ("amount_out_of_range", "amount_cents", Ask("bad_phone", "x", 2_500), {}),
        ("no_returns", "", BAD_PHONE, {"active": False}),
        ("too_late", "", BAD_PHONE, {"created_at": AT, "window_hours": 1}),
    ],
)
def test_unfit_request_is_refused_by_name(
    sales: list[Assignment], policy: ReturnPolicy, code: str, field: str, what: Ask, columns: dict[str, Any]
) -> None:
    change(policy, **columns)
    late = timedelta(hours=1) if code == "too_late" else timedelta(0)

    assert refused(code, ask, sales[0], what, at=AT + late).field == field


def test_window_ends_with_its_last_moment(sales: list[Assignment], policy: ReturnPolicy) -> None:
    change(policy, window_hours=48)
    end = SOLD_AT + timedelta(hours=48)

    refused("too_late", ask, sales[0], at=end + timedelta(microseconds=1))
    assert ask(sales[0], at=end).state == "requested"


@pytest.mark.usefixtures("policy")
def test_second_request_waits_for_the_first(sales: list[Assignment]) -> None:
    ask(sales[0])
    refused("already_requested", ask, sales[0])


@pytest.mark.usefixtures("policy")
def test_returned_lead_cannot_be_returned_again(sales: list[Assignment]) -> None:
    return_assignment(sales[0].public_id, actor="ann", reason="wrong number")
    refused("not_held", ask, sales[0])


def test_lead_of_another_buyer_is_not_found(sales: list[Assignment], policy: ReturnPolicy) -> None:
    other: Buyer = BuyerFactory(workspace=policy.workspace)
    with pytest.raises(ReturnNotFound):
        ask(sales[0], buyer=other)


def test_policy_of_the_buyer_comes_before_that_of_the_workspace(
    sales: list[Assignment], policy: ReturnPolicy
) -> None:
    own = ReturnPolicyFactory(workspace=policy.workspace, buyer=sales[0].buyer, reasons=["no_answer"])

    refused("reason_not_accepted", ask, sales[0])
    assert ask(sales[0], Ask("no_answer", "five calls")).state == "requested"
    own.active = False
    own.save()
    refused("no_returns", ask, sales[1])


def test_policy_approves_young_requests_for_its_reasons(
    sales: list[Assignment], policy: ReturnPolicy
) -> None:
    change(policy, automatic_reasons=["bad_phone"], automatic_hours=1)

    approved, other, old = (
        ask(sales[0]),
        ask(sales[1], Ask("fake", "Mickey Mouse")),
        ask(sales[2], at=AT + timedelta(microseconds=1)),
    )

    assert (approved.state, approved.is_automatic, approved.decided_by) == ("approved", True, "return policy")
    assert (other.state, old.state) == ("requested", "requested")
    assert balance(sales[0]) == 5_000


def test_window_of_a_direct_post_begins_when_it_was_accepted(
    sales: list[Assignment], policy: ReturnPolicy
) -> None:
    """Its price may have been held for days, until a person found out that the buyer has the lead."""
    change(policy, automatic_reasons=["bad_phone"], automatic_hours=1)
    accepted_at = SOLD_AT + timedelta(hours=policy.window_hours, days=1)
    Assignment.objects.filter(pk__in=[sales[0].pk, sales[1].pk]).update(settled_at=accepted_at)

    assert ask(sales[0], at=accepted_at + timedelta(hours=1)).is_automatic
    last = accepted_at + timedelta(hours=policy.window_hours)
    refused("too_late", ask, sales[1], at=last + timedelta(microseconds=1))
    assert ask(sales[1], at=last).state == "requested"
    refused("too_late", ask, sales[2], at=accepted_at)


@pytest.mark.usefixtures("policy")
def test_open_request_is_approved_when_an_operator_takes_the_lead_back(sales: list[Assignment]) -> None:
    made = ask(sales[0], Ask("bad_phone", "x", 300))

    return_assignment(sales[0].public_id, actor="ann", reason="agreed by phone")

    stored = ReturnRequest.objects.get()
    assert (stored.pk, stored.state, stored.is_full, stored.refund_cents) == (
        made.pk,
        "approved",
        True,
        2_500,
    )


@pytest.mark.usefixtures("policy")
def test_amount_above_what_is_left_is_refused_at_the_approval(sales: list[Assignment]) -> None:
    made = ask(sales[0], Ask("bad_phone", "x", 2_000))
    refund(
        assignment_id=sales[0].pk,
        buyer_id=sales[0].buyer_id,
        key="1",
        actor="ann",
        reason="late",
        amount_cents=900,
    )
    before = everything()

    with pytest.raises(RefundExceedsCharge):
        approve_return(made.pk, ANN)

    assert everything() == before
