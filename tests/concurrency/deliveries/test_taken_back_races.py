"""A return beside the result of a try, and beside a person who sends the lead again. Controls remove the locks."""

from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries import by_hand, standing
from distribution.deliveries.by_hand import ResolutionRefused, resend
from distribution.deliveries.claim import claim_due
from distribution.deliveries.content import read_work
from distribution.deliveries.payloads.ends import Judgment, Outcome
from distribution.deliveries.results import record_results
from distribution.deliveries.tried import Tried
from distribution.models import Assignment, Delivery
from distribution.returns import held
from tests.support.factories import EndpointFactory, EnrollmentFactory, LeadFactory
from tests.support.racing import before_its_commit, in_background, race
from tests.support.returning import return_assignment
from tests.support.waiting import LONGEST_SECONDS, wait_until_blocked


@pytest.fixture
def delivery(committed_db: None) -> Delivery:  # noqa: ARG001
    """It waits to send a sold lead."""
    enrollment = EnrollmentFactory(buyer__credits_cents=100_000)
    EndpointFactory(buyer=enrollment.buyer)
    lead = LeadFactory(source__workspace=enrollment.campaign.workspace)
    assert distribute_lead(lead.pk).result == "success"
    return Delivery.objects.get()


def claim_and_fail() -> Tried:
    """A request that the buyer's system answered with 500."""
    [work] = read_work(claim_due(limit=10), at=timezone.now())
    return Tried(work, Judgment(outcome=Outcome.UNKNOWN, error="status_500"), 5, 500)


def return_it() -> None:
    return_assignment(Assignment.objects.get().public_id, actor="ann", reason="wrong number")


def send_again(delivery: Delivery) -> str:
    try:
        resend(delivery.pk, at=timezone.now(), actor="ben", reason="they lost it")
    except ResolutionRefused:
        return "refused"
    return "sent"


def states() -> list[str]:
    return sorted(Delivery.objects.values_list("state", flat=True))


def no_lock(*_: Any) -> None:
    """In place of a lock."""


def end_ahead(tried: Tried) -> None:
    record_results([tried], at=timezone.now())


@pytest.mark.usefixtures("delivery")
def test_result_beside_a_return_schedules_no_retry() -> None:
    tried = claim_and_fail()
    with before_its_commit(return_it) as commit, in_background(partial(end_ahead, tried)) as recording:
        wait_until_blocked()
        commit()
        recording.result(LONGEST_SECONDS)

    assert states() == ["cancelled"]


@pytest.mark.usefixtures("delivery")
def test_return_beside_a_result_cancels_its_retry() -> None:
    tried = claim_and_fail()
    with (
        before_its_commit(partial(end_ahead, tried)) as commit,
        in_background(return_it) as returning,
    ):
        wait_until_blocked()
        commit()
        returning.result(LONGEST_SECONDS)

    assert states() == ["cancelled"]


@pytest.mark.usefixtures("delivery")
def test_control_without_the_lock_of_the_result_a_returned_lead_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standing, "lock_deliveries", no_lock)
    tried = claim_and_fail()
    with before_its_commit(return_it) as commit, in_background(partial(end_ahead, tried)) as recording:
        wait_until_blocked()
        commit()
        recording.result(LONGEST_SECONDS)

    assert states() == ["pending"]


@pytest.mark.usefixtures("delivery")
def test_control_without_the_lock_of_the_return_a_returned_lead_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(held, "lock_deliveries_of", no_lock)
    tried = claim_and_fail()
    with before_its_commit(return_it) as commit:
        end_ahead(tried)
        commit()

    assert states() == ["pending"]


def test_lead_that_is_being_returned_is_not_sent_again(delivery: Delivery) -> None:
    with before_its_commit(return_it) as commit, in_background(partial(send_again, delivery)) as sending:
        wait_until_blocked()
        commit()
        assert sending.result(LONGEST_SECONDS) == "refused"

    assert states() == ["cancelled"]


def test_control_without_locks_a_returned_lead_is_sent_again(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    Delivery.objects.update(state="rejected", next_try_at=None, ended_at=timezone.now())
    monkeypatch.setattr(by_hand, "lock_for_settling", no_lock)
    monkeypatch.setattr(held, "lock_deliveries_of", no_lock)
    with before_its_commit(return_it) as commit:
        assert send_again(delivery) == "sent"
        commit()

    assert states() == ["pending", "rejected"]


@pytest.mark.parametrize("_", range(3))
def test_returned_lead_is_never_left_to_be_sent(delivery: Delivery, _: int) -> None:
    tried = claim_and_fail()

    race([partial(send_again, delivery), return_it, partial(end_ahead, tried), partial(send_again, delivery)])

    assert set(states()) == {"cancelled"}
    assert Assignment.objects.get().state == "returned"


def test_of_four_clicks_at_once_one_sends_a_new_message(delivery: Delivery) -> None:
    """Each page showed the first message as the newest."""
    Delivery.objects.update(state="accepted", next_try_at=None, ended_at=timezone.now())

    def click() -> str:
        try:
            resend(delivery.pk, at=timezone.now(), actor="ann", reason="they lost it", newest_id=delivery.pk)
        except ResolutionRefused:
            return "refused"
        return "sent"

    assert sorted(race([click] * 4)) == ["refused", "refused", "refused", "sent"]
    assert Delivery.objects.count() == 2
