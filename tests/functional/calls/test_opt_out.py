"""A person who pressed 9 is not called and not sold, whichever way the verification of their other leads ends."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from distribution.attempts.assign_by_hand import assign_within
from distribution.attempts.campaigns import run_with_snapshots
from distribution.attempts.distribute import distribute_lead
from distribution.calls.begin import Begun, begin_call
from distribution.calls.hearing import hear
from distribution.calls.locks import lock_call
from distribution.calls.states import Said
from distribution.models import Assignment, BlockedPhone, Call, Verification
from routing.leads.actions import ActionRefused
from routing.models import Lead
from tests.support.factories import CallPolicyFactory, ChannelFactory, EnrollmentFactory
from tests.support.waiting_leads import AT, events_of, let_wait

pytestmark = pytest.mark.usefixtures("committed_db")

SECOND = timedelta(seconds=1)
LATER = AT + timedelta(minutes=5)
DECLINED = ("failed", "verification_declined", "declined")
SOLD_UNVERIFIED = ("pending", "", "unverified")


def block(waiting: Verification, *, is_opt_out: bool = True) -> None:
    """The person pressed 9 in the call of another lead of the workspace, or an operator blocked the phone."""
    BlockedPhone.objects.create(
        workspace=waiting.workspace,
        phone_hash=waiting.lead.phone_hash,
        reason="of the test",
        is_opt_out=is_opt_out,
    )


def say(call_id: int, said: Said, *, at: datetime) -> None:
    with transaction.atomic():
        hear(lock_call(call_id), said, by="webhook", at=at)


def let_answer(waiting: Verification, *, times: int) -> int:
    """The person answers, presses no key, and is called again an hour later. Returns the last call."""
    for number in range(times):
        begun = begin_call(waiting.pk, at=AT)
        assert isinstance(begun, Begun)
        Call.objects.filter(pk=begun.call_id).update(dialed_at=AT, carrier_sid=f"CA{begun.call_id:032d}")
        say(begun.call_id, Said("completed"), at=AT + SECOND)
        hours = timedelta(hours=times - number)
        Call.objects.filter(pk=begun.call_id).update(ended_at=AT - hours)
        Verification.objects.filter(pk=waiting.pk).update(due_at=AT)
    return begun.call_id


def state_of(waiting: Verification) -> tuple[str, str, str]:
    lead = Lead.objects.get(pk=waiting.lead_id)
    return (lead.status, lead.skip_reason, lead.verification)


@pytest.mark.parametrize("end", ["fail", "sell", "person"])
@pytest.mark.parametrize(
    "lead",
    [
        {"zip": "", "state": "", "country": ""},
        {"zip": "99999", "state": "", "country": "US"},
        {"expires_at": AT + timedelta(hours=2), "zip": "96813", "state": "HI"},
        {"phone": ""},
        {},
    ],
    ids=["no_zip", "unknown_zip", "expires_before_the_opening", "no_phone", "phone_blocked"],
)
def test_person_who_opted_out_has_declined_if_no_call_is_possible(lead: dict[str, Any], end: str) -> None:
    changes = {f"lead__{name}": value for name, value in lead.items()}
    waiting = let_wait(ChannelFactory(), campaign__unverified_end=end, **changes)
    block(waiting)

    begin_call(waiting.pk, at=AT)

    assert state_of(waiting) == DECLINED
    # A refusal about the place names the place first.
    named = ["waits"] if lead.get("zip") in ("", "99999") else []
    assert [code for code, _ in events_of(waiting)] == [*named, "declined"]
    assert Verification.objects.get().state == "declined"


def test_person_who_opted_out_in_the_grace_of_another_lead_has_declined() -> None:
    """The lead waits for a late key, and for a dialer that looks at it."""
    waiting = let_wait(ChannelFactory(), campaign__unverified_end="sell")
    let_answer(waiting, times=2)
    block(waiting)

    begin_call(waiting.pk, at=LATER)

    assert state_of(waiting) == DECLINED


def test_person_who_opted_out_has_declined_if_the_policy_was_lowered() -> None:
    waiting = let_wait(ChannelFactory(), campaign__unverified_end="sell")
    let_answer(waiting, times=1)
    CallPolicyFactory(campaign=waiting.campaign, no_input_calls=1)
    block(waiting)

    begin_call(waiting.pk, at=LATER)

    assert state_of(waiting) == DECLINED


def test_person_whom_an_operator_blocked_has_not_declined() -> None:
    waiting = let_wait(ChannelFactory(), campaign__unverified_end="sell")
    block(waiting, is_opt_out=False)

    begin_call(waiting.pk, at=AT)

    assert state_of(waiting) == SOLD_UNVERIFIED


@pytest.mark.parametrize("is_opt_out", [True, False])
def test_lead_that_was_given_up_before_the_opt_out_is_not_sold(*, is_opt_out: bool) -> None:
    """No buyer had taken it when the person pressed 9 in the call of another lead."""
    waiting = let_wait(ChannelFactory(), campaign__unverified_end="sell", campaign__price_cents=2_000)
    let_answer(waiting, times=2)
    begin_call(waiting.pk, at=LATER)
    assert state_of(waiting) == SOLD_UNVERIFIED
    block(waiting, is_opt_out=is_opt_out)
    enrollment = EnrollmentFactory(campaign=waiting.campaign, buyer__credits_cents=10_000)

    if is_opt_out:
        sell_by_hand = partial(assign_within, waiting.lead_id, enrollment_id=enrollment.pk)
        with pytest.raises(ActionRefused, match="do not want this"):
            run_with_snapshots(sell_by_hand)
    distribute_lead(waiting.lead_id, at=LATER)

    assert Assignment.objects.count() == (0 if is_opt_out else 1)
    assert state_of(waiting)[:2] == (
        ("failed", "verification_declined") if is_opt_out else ("distributed", "")
    )
