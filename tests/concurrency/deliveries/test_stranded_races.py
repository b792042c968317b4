"""The reconciler ends a direct post to an endpoint that is off, beside a person who decides it. A control: no locks."""

from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from distribution.deliveries import switched_off
from distribution.deliveries.by_hand import ResolutionRefused, resolve
from distribution.deliveries.switched_off import end_stranded
from distribution.models import Delivery, DeliveryState, Endpoint, Enrollment
from distribution.verify import run_verification
from routing.models import Lead
from tests.functional.verify.world import broken
from tests.support.direct_posts import (
    CREDITS_CENTS,
    PRICE_CENTS,
    dead_url,
    enroll_with,
    money,
    post,
    posting_campaign,
    states,
)
from tests.support.racing import before_its_commit, in_background, race
from tests.support.waiting import LONGEST_SECONDS, wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")

CHARGED, RELEASED = (CREDITS_CENTS - PRICE_CENTS, 0), (CREDITS_CENTS, 0)


@pytest.fixture
def stranded(committed_db: None) -> tuple[Lead, Enrollment]:  # noqa: ARG001
    """Nothing was sent, and the endpoint is off: the reconciler rejects the sale."""
    campaign = posting_campaign()
    enrollment = enroll_with(campaign, priority=1, url=dead_url())
    lead = post(campaign)
    Endpoint.objects.update(active=False)
    return lead, enrollment


def only() -> Delivery:
    return Delivery.objects.get()


def accept() -> str:
    """A person who asked the buyer."""
    try:
        resolve(
            only().pk, state=DeliveryState.ACCEPTED, at=timezone.now(), actor="ann", reason="they have it"
        )
    except ResolutionRefused:
        return "refused"
    return "accepted"


def reconcile() -> bool:
    return end_stranded(only().pk, at=timezone.now())


def test_reconciler_beside_a_decision_changes_nothing(stranded: tuple[Lead, Enrollment]) -> None:
    lead, enrollment = stranded
    with before_its_commit(accept) as commit, in_background(reconcile) as reconciling:
        wait_until_blocked()
        commit()
        assert reconciling.result(LONGEST_SECONDS) is False

    assert (only().state, only().ended_by) == ("accepted", "ann")
    assert (states(lead), money(enrollment)) == ([(enrollment.buyer_id, "sold")], CHARGED)
    assert broken(run_verification()) == {}


def test_decision_beside_the_reconciler_is_refused(stranded: tuple[Lead, Enrollment]) -> None:
    lead, enrollment = stranded
    with before_its_commit(reconcile) as commit, in_background(accept) as deciding:
        wait_until_blocked()
        commit()
        assert deciding.result(LONGEST_SECONDS) == "refused"

    assert (only().state, only().end_reason) == ("rejected", "endpoint_off")
    assert (states(lead), money(enrollment)) == ([(enrollment.buyer_id, "rejected")], RELEASED)
    assert broken(run_verification()) == {}


def test_control_without_the_locks_a_sold_lead_counts_as_rejected(
    stranded: tuple[Lead, Enrollment], monkeypatch: pytest.MonkeyPatch
) -> None:
    lead, enrollment = stranded

    def no_lock(*_: Any) -> None:
        """In place of the lead's lock."""

    def read(delivery_id: int) -> Delivery:
        return Delivery.objects.get(pk=delivery_id)

    monkeypatch.setattr(switched_off, "lock_for_settling", no_lock)
    monkeypatch.setattr(switched_off, "lock_delivery", read)
    with before_its_commit(accept) as commit, in_background(reconcile) as reconciling:
        wait_until_blocked()
        commit()
        assert reconciling.result(LONGEST_SECONDS) is True

    assert (only().state, only().end_reason) == ("rejected", "endpoint_off")
    assert states(lead) == [(enrollment.buyer_id, "sold")]
    assert list(broken(run_verification())) == [12]


@pytest.mark.parametrize("_", range(3))
def test_one_of_them_ends_it(stranded: tuple[Lead, Enrollment], _: int) -> None:
    lead, enrollment = stranded
    calls: list[partial[object]] = [partial(reconcile), partial(accept), partial(reconcile), partial(accept)]

    found = race(calls)

    [(_, state)] = states(lead)
    assert (state, found.count("accepted"), found.count(True)) in (("sold", 1, 0), ("rejected", 0, 1))
    assert money(enrollment) == (CHARGED if state == "sold" else RELEASED)
    assert broken(run_verification()) == {}
