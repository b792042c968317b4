"""What follows from a try, for every outcome and standing of its delivery, against the rules written once more."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.deliveries.claim import Claimed
from distribution.deliveries.ends import MISCONFIGURED, NO_TEST_ADDRESS, Next, decide_next
from distribution.deliveries.outbound import FAILURES
from distribution.deliveries.payloads.ends import Judgment, Outcome
from distribution.deliveries.standing import Standing
from distribution.models import DeliveryState
from tests.unit.deliveries.payload_leads import patient

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
GIVES_UP = {"none": None, "soon": AT + timedelta(seconds=5), "later": AT + timedelta(hours=1)}


def claimed(*, is_direct: bool = True, number: int = 1, is_event: bool = False) -> Claimed:
    return Claimed(
        id=1,
        number=number,
        message_id=UUID(int=7),
        endpoint_id=1,
        lead_id=1,
        assignment_id=1,
        is_event=is_event,
        is_direct_post=is_direct,
        is_test=False,
        created_at=AT,
    )


def follow(
    outcome: Outcome, *, is_direct: bool = True, number: int = 1, error: str = "", **standing: Any
) -> Any:
    judgment = Judgment(outcome=outcome, reason="no", error=error)
    return decide_next(claimed(is_direct=is_direct, number=number), judgment, Standing(**standing), at=AT)


@patient
@given(
    outcome=st.sampled_from(Outcome),
    is_direct=st.booleans(),
    is_taken_back=st.booleans(),
    may_have_arrived=st.booleans(),
    number=st.integers(1, 11),
    gives_up=st.sampled_from(sorted(GIVES_UP)),
)
def test_state_after_a_try(
    outcome: Outcome,
    gives_up: str,
    number: int,
    *,
    is_direct: bool,
    is_taken_back: bool,
    may_have_arrived: bool,
) -> None:
    following = follow(
        outcome,
        is_direct=is_direct,
        number=number,
        is_taken_back=is_taken_back,
        may_have_arrived=may_have_arrived,
        gives_up_at=GIVES_UP[gives_up],
    )
    is_last = number == 11
    cannot_have_it = outcome is Outcome.NOT_SENT and not may_have_arrived
    is_soon = gives_up == "soon"
    if outcome is Outcome.ACCEPTED:
        expected = "accepted"
    elif outcome is Outcome.REJECTED:
        expected = "unknown" if is_direct and may_have_arrived else "rejected"
    elif is_taken_back:
        expected = "cancelled"
    elif is_direct and cannot_have_it and (is_last or is_soon):
        expected = "rejected"
    else:
        expected = "unknown" if is_last else "pending"
    assert following.state == expected
    assert (following.due_at is None) == (expected != "pending")


@patient
@given(
    outcome=st.sampled_from(Outcome),
    state=st.sampled_from(DeliveryState),
    is_direct=st.booleans(),
    is_taken_back=st.booleans(),
)
def test_late_result_counts_only_if_it_is_an_acceptance(
    outcome: Outcome, state: DeliveryState, *, is_direct: bool, is_taken_back: bool
) -> None:
    following = follow(
        outcome, is_direct=is_direct, is_taken_back=is_taken_back, state=state, is_current=False
    )
    counts = outcome is Outcome.ACCEPTED and state in ("pending", "posting", "unknown")
    assert following == (Next(DeliveryState.ACCEPTED) if counts else None)


@pytest.mark.parametrize("outcome", Outcome)
def test_result_that_was_recorded_changes_nothing(outcome: Outcome) -> None:
    assert follow(outcome, is_recorded=True) is None


@pytest.mark.parametrize("error", sorted(MISCONFIGURED))
def test_mistake_of_ours_ends_a_direct_post_alone(error: str) -> None:
    assert follow(Outcome.NOT_SENT, error=error) == Next(DeliveryState.REJECTED, reason=error)
    others = "cancelled" if error == NO_TEST_ADDRESS else "pending"
    assert follow(Outcome.NOT_SENT, error=error, is_direct=False).state == others
    assert follow(Outcome.NOT_SENT, error=error, may_have_arrived=True).state == "pending"


def test_failures_of_the_network_are_tried_again() -> None:
    ours = {"bad_url", "bad_header", "refused_address"}
    assert {failure.value for failure in FAILURES} & MISCONFIGURED == ours


def test_event_about_a_sale_has_its_own_waits() -> None:
    judgment = Judgment(outcome=Outcome.UNKNOWN, error="status_500")
    following = decide_next(claimed(is_direct=False, is_event=True), judgment, Standing(), at=AT)
    assert following is not None
    assert following.due_at is not None
    assert timedelta(seconds=4) <= following.due_at - AT <= timedelta(seconds=6)
