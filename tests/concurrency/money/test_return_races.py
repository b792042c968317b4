"""Many decisions on one sale at once: never more than the charge is refunded, and controls without the locks."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import reverse

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, LedgerEntry, ReturnPolicy, ReturnRequest, Wallet
from distribution.money import wallet as money
from distribution.money.wallet import RefundExceedsCharge, refund
from distribution.returns import held
from distribution.returns.decide import Decision, approve_return, decline_return
from distribution.returns.policy import Ask
from distribution.returns.refusals import ReturnRefused
from distribution.returns.request import request_return, withdraw_return
from distribution.verify import run_verification
from tests.support.admin_pages import client_of, person
from tests.support.factories import (
    CampaignFactory,
    LeadFactory,
    ReturnPolicyFactory,
    SourceFactory,
    enroll,
    issue_workspace_key,
)
from tests.support.racing import race
from tests.support.returning import return_assignment
from tests.support.waiting import LONGEST_SECONDS

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")
ASK = Ask("fake", "Mickey Mouse")
AT_ONCE = 8


def sell(*, leads: int = 1) -> list[Assignment]:
    campaign = CampaignFactory(price_cents=2_500)
    enroll(campaign, count=1, credits_cents=100_000)
    source = SourceFactory(workspace=campaign.workspace)
    for _ in range(leads):
        assert distribute_lead(LeadFactory(source=source).pk).result == "success"
    ReturnPolicyFactory(workspace=campaign.workspace)
    return list(Assignment.objects.select_related("buyer").order_by("pk"))


def ask(sold: Assignment, what: Ask = ASK) -> ReturnRequest:
    return request_return(sold.public_id, what, buyer=sold.buyer, actor="key", at=datetime.now(UTC))


def decision(name: str) -> Decision:
    return Decision(name, datetime.now(UTC), "because")


def outcome(call: Callable[[], Any]) -> Any:
    """A refusal is a result."""
    try:
        return call()
    except (ReturnRefused, RefundExceedsCharge) as refused:
        return getattr(refused, "code", "refund_exceeds_charge")


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    return race([partial(outcome, call) for call in calls])


def refunded() -> list[int]:
    return list(LedgerEntry.objects.filter(kind="refund").values_list("amount_cents", flat=True))


def test_one_of_many_approvals_refunds() -> None:
    request = ask(sell()[0])

    results = at_once([partial(approve_return, request.pk, decision(f"{each}")) for each in range(AT_ONCE)])

    assert sorted(results) == [False] * (AT_ONCE - 1) + [True]
    assert refunded() == [2_500]
    assert run_verification().holds


def test_one_of_many_requests_is_stored() -> None:
    [sold] = sell()

    results = at_once([partial(ask, sold)] * AT_ONCE)

    assert results.count("already_requested") == AT_ONCE - 1
    assert ReturnRequest.objects.count() == 1


def test_one_of_four_ends_wins() -> None:
    [sold] = sell()
    request = ask(sold)

    results = at_once(
        [
            partial(approve_return, request.pk, decision("ann")),
            partial(decline_return, request.pk, decision("ben")),
            partial(withdraw_return, request.public_id, buyer=sold.buyer, actor="key", at=datetime.now(UTC)),
            partial(approve_return, request.pk, decision("eve")),
        ]
    )

    request.refresh_from_db()
    assert (refunded() == [2_500]) == (request.state == "approved")
    assert request.state in {"approved", "declined", "withdrawn"}
    assert results.count("already_ended") >= 2
    assert run_verification().holds


def test_refunds_from_all_sides_stay_within_the_charge() -> None:
    """A partial return, a refund for another cause, and an operator who takes the lead back."""
    [sold] = sell()
    request = ask(sold, Ask("fake", "x", 2_000))
    named = {"assignment_id": sold.pk, "buyer_id": sold.buyer_id, "actor": "ann", "reason": "late"}

    at_once(
        [
            partial(approve_return, request.pk, decision("ann")),
            *(partial(refund, **named, key=str(each), amount_cents=600) for each in range(4)),
            partial(return_assignment, sold.public_id, actor="ben", reason="agreed"),
        ]
    )

    assert sum(refunded()) == 2_500
    assert Wallet.objects.get(buyer=sold.buyer).balance_cents == 100_000
    assert run_verification().holds


def test_last_place_of_a_limit_is_taken_once() -> None:
    sales = sell(leads=4)
    ReturnPolicy.objects.update(limit_basis="leads", limit_value=1)

    results = at_once([partial(ask, sold) for sold in sales])

    assert results.count("limit_reached") == 3
    assert ReturnRequest.objects.count() == 1


def test_control_without_the_locks_the_limit_is_exceeded(monkeypatch: pytest.MonkeyPatch) -> None:
    sales = sell(leads=2)
    ReturnPolicy.objects.update(limit_basis="leads", limit_value=1)
    without_locks(monkeypatch)
    store_together(monkeypatch)

    at_once([partial(ask, sold) for sold in sales])

    assert ReturnRequest.objects.count() == 2


def test_control_without_the_lock_the_database_refuses_the_refund(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read the full charge. The trigger reads it again under the wallet's lock."""
    [sold] = sell()
    refund_together(monkeypatch)
    named = {"assignment_id": sold.pk, "buyer_id": sold.buyer_id, "actor": "ann", "reason": "late"}
    calls = [partial(refund, **named, key=str(each), amount_cents=2_000) for each in range(2)]

    with pytest.raises(IntegrityError, match="more than what is left of the charge"):
        race(calls)

    assert refunded() == [2_000]


def test_control_without_lock_and_trigger_more_than_the_charge_is_refunded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [sold] = sell()
    refund_together(monkeypatch)
    named = {"assignment_id": sold.pk, "buyer_id": sold.buyer_id, "actor": "ann", "reason": "late"}
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE distribution_ledgerentry DISABLE TRIGGER pgtrigger_refund_within_charge_afa99"
        )
    try:
        race([partial(refund, **named, key=str(each), amount_cents=2_000) for each in range(2)])
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE distribution_ledgerentry ENABLE TRIGGER pgtrigger_refund_within_charge_afa99"
            )

    assert sum(refunded()) == 4_000


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("wait_for_lead", "lock_for_return", "wait_for_wallet"):
        monkeypatch.setattr(held, name, lambda *_, **__: None)


def store_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both check the limit before either of them stores its request."""
    from distribution.returns import request

    monkeypatch.setattr(request, "_store", after_both(request._store))


def refund_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read what is left of the charge before either of them moves money."""
    monkeypatch.setattr(money, "wait_for_wallet", lambda _: None)
    monkeypatch.setattr(money, "move", after_both(money.move))


def after_both(call: Callable[..., Any]) -> Callable[..., Any]:
    both = Barrier(2)

    def wait_and_call(*arguments: Any, **named: Any) -> Any:
        both.wait(LONGEST_SECONDS)
        return call(*arguments, **named)

    return wait_and_call


def test_approvals_by_program_and_operator_refund_once() -> None:
    """The same return, by the API and by the page of the admin, several times at once."""
    [sold] = sell()
    request, workspace = ask(sold), sold.buyer.workspace
    key = f"Api-Key {issue_workspace_key(workspace)}"
    url = f"/api/v1/workspace/returns/{request.public_id}/approve/"
    page = f"{reverse('admin:distribution_returnrequest_act', args=['approve'])}?ids={request.pk}"
    finance = [client_of(person("finance", workspace)) for _ in range(AT_ONCE // 2)]

    def by_program() -> int:
        client = Client(headers={"Authorization": key})
        return client.post(url, {}, content_type="application/json").status_code

    def by_operator(client: Client) -> int:
        return client.post(page, {"reason": "agreed"}).status_code

    calls = [by_program] * (AT_ONCE // 2)
    statuses = race([*calls, *(partial(by_operator, client) for client in finance)])

    assert set(statuses[: len(calls)]) == {200}
    assert set(statuses[len(calls) :]) == {302}
    assert refunded() == [2_500]
    request.refresh_from_db()
    assert request.state == "approved"
    assert Wallet.objects.get(buyer=sold.buyer).balance_cents == 100_000
    assert run_verification().holds
