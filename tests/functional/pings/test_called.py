"""A lead whose source was promised a price, and whose person must be called first.

There is no call for a lead that ends with its promise before the call can verify it.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from django.db import transaction
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.calls.begin import Begun, NotBegun, begin_call
from distribution.calls.by_hand import verify_by_hand
from distribution.calls.hearing import hear
from distribution.calls.locks import lock_call
from distribution.calls.not_placed import end_not_placed
from distribution.calls.states import Said
from distribution.explain.verification import read_verifications
from distribution.models import Call, Campaign, Verification
from distribution.verify import run_verification
from routing.leads.actions import Operator
from routing.models import Lead, Source
from routing.queries import read_clock
from routing.reconcile import find_reconciler, run_reconciler
from tests.functional.verify.world import broken
from tests.support.factories import ChannelFactory, EnrollmentFactory, PingFactory, SourceFactory
from tests.support.payables import booked, build_campaign, build_source
from tests.support.pinging import PingingSource
from tests.support.waiting_leads import AT, events_of, let_wait

pytestmark = pytest.mark.usefixtures("committed_db")

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
# The phone may ring for so long after the request.
MARGIN: Final = timedelta(seconds=63)
# What the campaign says of leads that were not verified -> the state of the verification, and the lead.
ENDS: Final = {
    "fail": ("unverified", "failed", "promise_ended", ""),
    "person": ("unverified", "failed", "promise_ended", ""),
    "sell": ("unverified", "pending", "", "unverified"),
}


def promise(*, after: str = "end", received_at: datetime = AT, **changes: Any) -> Verification:
    """A lead that waits for a call. Its promise ends five minutes after it came."""
    channel = ChannelFactory()
    source = SourceFactory(workspace=channel.workspace, after_promise=after)
    ping = PingFactory(source=source, created_at=received_at)
    return let_wait(
        channel, lead__source=source, lead__ping=ping, lead__received_at=received_at, due_at=AT, **changes
    )


def state_of(waiting: Verification) -> tuple[str, str, str, str]:
    waiting.refresh_from_db()
    lead = Lead.objects.get(pk=waiting.lead_id)
    return waiting.state, lead.status, lead.skip_reason, lead.verification


@pytest.mark.parametrize("end", ENDS)
def test_call_that_could_ring_beyond_the_promise_is_none(end: str) -> None:
    """In the last minute an unverified lead can still be sold, and an operator has no time to decide."""
    waiting = promise(campaign__unverified_end=end)

    assert begin_call(waiting.pk, at=AT + 5 * MINUTE - MARGIN) == NotBegun("promise_ends")

    assert state_of(waiting) == ENDS[end]
    reason = {"reason": "promise_ends", "end": "sell" if end == "sell" else "fail"}
    assert events_of(waiting) == [("gave_up", reason)]
    assert Call.objects.count() == 0


@pytest.mark.parametrize("end", ENDS)
def test_promise_that_is_over_ends_the_lead(end: str) -> None:
    waiting = promise(campaign__unverified_end=end)

    assert begin_call(waiting.pk, at=AT + 5 * MINUTE) == NotBegun("promise_ends")

    assert state_of(waiting) == ENDS["fail"]
    lead = Lead.objects.get()
    [verification] = read_verifications(lead, results=["gated"])
    assert verification.story[-1].sentence == (
        "There is no further call (the promise to its source ends first, and then the lead is not sold):"
        " the lead is not sold."
    )


def test_call_before_the_end_of_the_promise_goes_out() -> None:
    waiting = promise()

    assert isinstance(begin_call(waiting.pk, at=AT + 5 * MINUTE - MARGIN - SECOND), Begun)


@pytest.mark.parametrize("minutes", [1, 4.5, 60])
def test_lead_that_is_sold_at_any_price_afterwards_is_called(minutes: float) -> None:
    waiting = promise(after="sell")

    assert isinstance(begin_call(waiting.pk, at=AT + minutes * MINUTE), Begun)


def test_next_call_after_the_promise_is_none() -> None:
    waiting = promise()
    begun = begin_call(waiting.pk, at=AT)
    assert isinstance(begun, Begun)

    with transaction.atomic():
        hear(lock_call(begun.call_id), Said("busy"), by="webhook", at=AT + 20 * SECOND)

    assert state_of(waiting) == ENDS["fail"]
    assert events_of(waiting)[-1] == ("gave_up", {"reason": "promise_ends", "end": "fail"})


def test_call_that_was_not_placed_is_not_placed_again_after_the_promise() -> None:
    waiting = promise()
    begun = begin_call(waiting.pk, at=AT)
    assert isinstance(begun, Begun)

    with transaction.atomic():
        end_not_placed(lock_call(begun.call_id), due_at=AT + 5 * MINUTE, reason="throttled", by="dial", at=AT)

    assert state_of(waiting) == ENDS["fail"]


def test_lead_that_may_not_be_called_before_the_promise_ends_is_not_parked() -> None:
    late = AT.replace(hour=3) + timedelta(days=1)  # 10 pm
    waiting = promise(received_at=late)

    assert begin_call(waiting.pk, at=late) == NotBegun("promise_ends")

    assert state_of(waiting) == ENDS["fail"]


@pytest.mark.parametrize("state", ["waiting", "person"])
def test_lead_that_nobody_looks_at_ends_too(state: str) -> None:
    """No channel can be used, or an operator should decide."""
    waiting = promise(received_at=timezone.now() - 6 * MINUTE)
    EnrollmentFactory(campaign=waiting.campaign, buyer__credits_cents=10_000)
    if state == "person":
        Verification.objects.update(state="person", due_at=None)
    verifications = find_reconciler("verifications")

    assert run_reconciler(verifications, fix=False).skipped == 1
    assert run_reconciler(verifications, fix=True).repaired == 1

    lead = Lead.objects.get()
    assert (lead.status, lead.due_reason) == ("pending", "verification_ended")
    assert distribute_lead(lead.pk).skip_reason == "promise_ended"
    assert run_reconciler(verifications, fix=True).found == 0


@pytest.fixture
def sender() -> PingingSource:
    campaign = build_campaign(verification="required")
    return PingingSource(build_source(campaign, pays="share", share_bps=4_000))


def verify(lead: Lead) -> None:
    verify_by_hand(lead.pk, at=read_clock(), by=Operator("maria", "they called us"))


def send_lead(sender: PingingSource) -> Lead:
    sender.post_lead(sender.get_ping_id(), phone="+14045550101")
    lead = Lead.objects.get()
    assert lead.status == "gated"
    return lead


def end_promise(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(received_at=lead.received_at - 6 * MINUTE)


def test_lead_that_is_verified_in_time_pays_what_was_promised(sender: PingingSource) -> None:
    lead = send_lead(sender)
    verify(lead)
    Campaign.objects.update(price_cents=2_400)
    assert distribute_lead(lead.pk).skip_reason == "below_promised_price"
    Campaign.objects.update(price_cents=2_500)
    Lead.objects.update(next_attempt_at=timezone.now())

    assert distribute_lead(lead.pk).result == "success"

    assert booked(sender.source) == [("earned", 1_000)]
    assert broken(run_verification()) == {}


def test_lead_that_is_verified_late_is_sold_at_any_price(sender: PingingSource) -> None:
    lead = send_lead(sender)
    Campaign.objects.update(price_cents=1_000)
    end_promise(lead)
    verify(lead)

    assert distribute_lead(lead.pk).result == "success"

    assert booked(sender.source) == [("earned", 400)]
    assert broken(run_verification()) == {}


def test_lead_that_ends_with_its_promise_is_not_sold_when_it_is_verified_late(sender: PingingSource) -> None:
    lead = send_lead(sender)
    Source.objects.update(after_promise="end")
    end_promise(lead)
    verify(lead)

    assert distribute_lead(lead.pk).skip_reason == "promise_ended"

    assert booked(sender.source) == []
    assert broken(run_verification()) == {}
