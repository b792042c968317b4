"""The last call of a lead ends before its key is heard: the key decides, in either order, and by report or by poll."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from distribution.attempts.distribute import distribute_lead
from distribution.calls.begin import Begun, NotBegun, begin_call
from distribution.calls.by_hand import call_now
from distribution.calls.hearing import hear
from distribution.calls.locks import lock_call
from distribution.calls.states import Said
from distribution.models import Assignment, BlockedPhone, Call, CallPolicy, Campaign, Verification
from routing.leads.actions import Operator
from routing.models import Lead
from tests.functional.calls.test_any_order import EXAMPLES, STEPS, STORIES, Scene, tell_story
from tests.support.factories import CallFactory, CallPolicyFactory, ChannelFactory, EnrollmentFactory
from tests.support.waiting_leads import AT, events_of, let_wait

SECOND = timedelta(seconds=1)
GRACE = timedelta(seconds=10)
ENDS = {
    "fail": ("unverified", "failed", ""),
    "sell": ("unverified", "pending", "unverified"),
    "person": ("person", "gated", ""),
}
ONE_CALL = {
    "max_calls": 1,
    **dict.fromkeys(
        [f"{each}_calls" for each in ("busy", "no_answer", "voicemail", "no_input", "failed")], 1
    ),
}
KEYS = {
    "1": ("verified", "pending", "call"),
    "2": ("declined", "failed", "declined"),
    "9": ("declined", "failed", "declined"),
}


def build(**lead: Any) -> tuple[Verification, Call]:
    """A lead in its second and last call: no key was pressed in the first."""
    channel = ChannelFactory()
    waiting = let_wait(channel, **lead)
    add_ended(waiting, "no_input", at=AT - timedelta(hours=1))
    Verification.objects.filter(pk=waiting.pk).update(tries=1)
    begun = begin_call(waiting.pk, at=AT)
    assert isinstance(begun, Begun)
    Call.objects.filter(pk=begun.call_id).update(dialed_at=AT, carrier_sid=f"CA{begun.call_id}")
    return waiting, Call.objects.get(pk=begun.call_id)


def add_ended(waiting: Verification, outcome: str, *, at: datetime, **changes: Any) -> None:
    ended = {"state": "ended", "outcome": outcome, "created_at": at, "dialed_at": at, "ended_at": at}
    call = CallFactory(
        verification=waiting, lead=waiting.lead, phone_hash=None, next_check_at=None, **{**ended, **changes}
    )
    assert call.ended_at is not None


def say(call: Call, said: Said, *, at: datetime, by: str = "webhook") -> None:
    with transaction.atomic():
        hear(lock_call(call.pk), said, by=by, at=at)


def state_of(waiting: Verification) -> tuple[str, str, str]:
    waiting.refresh_from_db()
    lead = Lead.objects.get(pk=waiting.lead_id)
    assert lead.locked_by == ""
    return (waiting.state, lead.status, lead.verification)


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("by", ["webhook", "poll"])
@pytest.mark.parametrize("end", ENDS)
def test_answered_call_gives_up_after_a_grace(end: str, by: str) -> None:
    waiting, call = build(campaign__unverified_end=end)

    say(call, Said("completed"), at=AT + 20 * SECOND, by=by)

    assert state_of(waiting) == ("waiting", "gated", "")
    assert (waiting.due_at, waiting.reason) == (AT + 30 * SECOND, "no_input")
    call.refresh_from_db()
    assert (call.state, call.ended_at) == ("ended", AT + 20 * SECOND), "its line is free at once"
    assert begin_call(waiting.pk, at=AT + 29 * SECOND) == NotBegun("not_due", AT + 30 * SECOND)

    assert begin_call(waiting.pk, at=AT + 30 * SECOND) == NotBegun("no_input")

    assert state_of(waiting) == ENDS[end]
    assert events_of(waiting)[-1] == ("gave_up", {"reason": "no_input", "end": end})
    assert Call.objects.filter(ended_at__isnull=True).count() == 0


def follow_two(end: str, key: str, order: list[str]) -> None:
    """The end of a last call and its key come in this order, and the lead is looked at after each step."""
    waiting, call = build(campaign__unverified_end=end)
    at = AT + 20 * SECOND
    for step in order:
        at += SECOND
        if step == "key":
            say(call, Said("in-progress", key=key), at=at)
        elif step == "look":
            begin_call(waiting.pk, at=at)
        else:
            say(call, Said("completed"), at=at, by=step)
    begin_call(waiting.pk, at=at + GRACE)
    call.refresh_from_db()
    assert (call.outcome, state_of(waiting)) == (
        {"1": "confirmed", "2": "declined", "9": "opted_out"}[key],
        KEYS[key],
    )
    assert BlockedPhone.objects.filter(phone_hash=call.phone_hash).exists() == (key == "9")
    BlockedPhone.objects.all().delete()


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("order", [["webhook", "key"], ["key", "webhook"], ["poll", "look", "key"]], ids=str)
def test_key_decides_before_and_after_the_end_of_the_last_call(key: str, order: list[str]) -> None:
    follow_two("sell", key, order)


@pytest.mark.django_db
@settings(
    max_examples=EXAMPLES // 2, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    chosen=st.sampled_from(STORIES),
    end=st.sampled_from(["fail", "sell", "person"]),
    steps=st.lists(STEPS, max_size=12),
)
@example(chosen=("human", "2"), end="sell", steps=[6, "apply", 5, "apply"])
@example(chosen=("human", "9"), end="sell", steps=[("poll", 6), 5, "apply"])
@example(chosen=("human", "1"), end="fail", steps=[6, "apply", ("poll", 6), 5])
def test_any_order_of_the_reports_of_a_last_call_gives_the_same_end(
    chosen: tuple[str, str], end: str, steps: list[Any]
) -> None:
    """Until the grace is over. Its key is heard or never reported."""
    name, key = chosen
    scene = Scene.begin(tell_story(name, key), "placed")
    verification = scene.call.verification
    assert verification is not None
    Campaign.objects.filter(pk=verification.campaign_id).update(unverified_end=end)
    CallPolicyFactory(campaign_id=verification.campaign_id, campaign=None, **ONE_CALL)
    Verification.objects.filter(pk=verification.pk).update(tries=1)

    scene.run([*steps, "apply", ("poll", scene.last)])
    ended_at = Call.objects.get(pk=scene.call.pk).ended_at
    assert ended_at is not None
    begin_call(verification.pk, at=max(ended_at, scene.clock, timezone.now()) + GRACE)

    heard = [key for number in scene.inbox if (key := scene.story[number].key) in KEYS]
    assert state_of(verification) == (KEYS[heard[0]] if heard else ENDS[end])
    codes = Counter(code for code, _ in events_of(verification))
    assert (codes["gave_up"], codes["again"]) == (int(not heard), 0)


@pytest.mark.usefixtures("committed_db")
def test_key_after_the_grace_decides_nothing() -> None:
    waiting, call = build(campaign__unverified_end="fail")
    say(call, Said("completed"), at=AT + 20 * SECOND)
    begin_call(waiting.pk, at=AT + 30 * SECOND)

    say(call, Said("in-progress", key="1"), at=AT + 31 * SECOND)

    assert state_of(waiting) == ENDS["fail"]


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("key", ["2", "9"])
def test_late_no_of_a_lead_that_is_not_sold_yet_decides(key: str) -> None:
    """Its calls are used up, it may be sold unverified, and no buyer has it yet. Then the key is reported."""
    waiting, call = build(campaign__unverified_end="sell", campaign__price_cents=2_000)
    say(call, Said("completed"), at=AT + 20 * SECOND)
    begin_call(waiting.pk, at=AT + 30 * SECOND)
    assert state_of(waiting) == ENDS["sell"]

    say(call, Said("in-progress", key=key), at=AT + 31 * SECOND)

    assert state_of(waiting) == KEYS[key]
    assert BlockedPhone.objects.filter(phone_hash=call.phone_hash).exists() == (key == "9")
    EnrollmentFactory(campaign=waiting.campaign, buyer__credits_cents=10_000)
    distribute_lead(waiting.lead_id, at=AT + 60 * SECOND)
    assert (state_of(waiting), Assignment.objects.count()) == (KEYS[key], 0)


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("outcome", ["busy", "no_answer", "failed"])
def test_call_that_nobody_answered_gives_up_at_once(outcome: str) -> None:
    waiting, call = build(campaign__unverified_end="sell")
    CallPolicyFactory(campaign=waiting.campaign, **ONE_CALL)

    say(call, Said(outcome.replace("_", "-")), at=AT + 20 * SECOND)

    assert state_of(waiting) == ENDS["sell"]


@pytest.mark.usefixtures("committed_db")
def test_policy_that_was_lowered_counts_before_the_next_call() -> None:
    waiting = let_wait(ChannelFactory(), reason="no_answer", tries=2)
    for number in range(2):
        add_ended(waiting, "no_answer", at=AT - timedelta(hours=6 - 3 * number))
    assert CallPolicy().no_answer_calls == 3
    CallPolicyFactory(campaign=waiting.campaign, no_answer_calls=2)

    assert begin_call(waiting.pk, at=AT) == NotBegun("no_answer")

    assert state_of(waiting) == ENDS["fail"]


@pytest.mark.usefixtures("committed_db")
def test_policy_that_was_raised_in_the_grace_lets_the_pause_pass() -> None:
    waiting, call = build()
    say(call, Said("completed"), at=AT + 20 * SECOND)
    CallPolicyFactory(campaign=waiting.campaign, no_input_calls=3)

    due_at = AT + 20 * SECOND + timedelta(hours=1)
    assert begin_call(waiting.pk, at=AT + 30 * SECOND) == NotBegun("no_input", due_at)

    assert state_of(waiting) == ("waiting", "gated", "")
    assert isinstance(begin_call(waiting.pk, at=due_at), Begun)


@pytest.mark.usefixtures("committed_db")
def test_operator_may_ask_for_one_call_more_than_the_policy_allows() -> None:
    waiting, call = build(campaign__unverified_end="person")
    say(call, Said("completed"), at=AT + 20 * SECOND)
    begin_call(waiting.pk, at=AT + 30 * SECOND)
    assert state_of(waiting) == ENDS["person"]
    at = max(timezone.now(), call.created_at) + SECOND

    call_now(waiting.pk, at=at, by=Operator("maria", "the person asked for it"))
    Verification.objects.filter(pk=waiting.pk).update(due_at=AT)

    begun = begin_call(waiting.pk, at=AT + 60 * SECOND)
    assert isinstance(begun, Begun)
    again = Call.objects.get(pk=begun.call_id)
    Call.objects.filter(pk=again.pk).update(created_at=at + SECOND)
    say(again, Said("completed"), at=AT + 90 * SECOND)
    assert begin_call(waiting.pk, at=AT + 100 * SECOND) == NotBegun("no_input")
    assert state_of(waiting) == ENDS["person"]


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("said", ["no-answer", "completed"])
def test_call_after_the_expiry_of_the_lead_is_none(said: str, end: str) -> None:
    """What its campaign says of the end counts, and not the expiry."""
    waiting = let_wait(
        ChannelFactory(), lead__expires_at=AT + timedelta(minutes=50), campaign__unverified_end=end
    )
    begun = begin_call(waiting.pk, at=AT)
    assert isinstance(begun, Begun)

    say(Call.objects.get(pk=begun.call_id), Said(said), at=AT + 20 * SECOND)
    begin_call(waiting.pk, at=AT + 30 * SECOND)

    assert state_of(waiting) == ENDS[end]


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("end", ENDS)
def test_lead_that_expires_before_the_hours_is_given_up(end: str) -> None:
    late = AT.replace(hour=3) + timedelta(days=1)  # 10 pm
    opens_at = late.replace(hour=13)
    waiting = let_wait(ChannelFactory(), lead__expires_at=opens_at, campaign__unverified_end=end)

    assert begin_call(waiting.pk, at=late) == NotBegun("outside_calling_hours")

    assert state_of(waiting) == ENDS[end]
    assert events_of(waiting) == [("gave_up", {"reason": "outside_calling_hours", "end": end})]
