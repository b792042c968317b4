"""A person who says no after they had said yes: the phone is blocked, and what is not sold yet is sold to no buyer."""

from datetime import timedelta
from typing import Any, Final

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.calls.applying import InboxPass, apply_new
from distribution.calls.begin import NotBegun, begin_call
from distribution.calls.by_hand import verify_by_hand
from distribution.calls.hanging_up import hang_up_left_behind
from distribution.calls.inbox import store
from distribution.calls.notices import Notice
from distribution.models import Assignment, BlockedPhone, Call, CallNotice, Offer, Verification
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import OfferEnded
from distribution.verify import run_verification
from routing.leads.actions import ActionRefused, Operator, rerun_lead
from routing.models import Lead
from routing.queries import read_clock
from tests.functional.verify.world import broken
from tests.support.auctions import answer, auction_campaign, bidder, close
from tests.support.blocking import holding
from tests.support.factories import (
    CallFactory,
    CampaignFactory,
    EndpointFactory,
    LeadFactory,
    VerificationFactory,
    enroll,
)
from tests.support.holds import open_hold, reject
from tests.support.offers import buyers_of, offering_campaign
from tests.support.waiting_leads import events_of
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")

ASKS: Final = {"verification": "required"}
ENDED: Final = ("failed", "verification_declined", "declined", None)
LATE: Final = ("declined", {"is_late": True})
NUMBER: Final = "5e" * 32


def build(campaign: Any = None) -> Call:
    """A person on the phone, whose lead waited for the call."""
    campaign = campaign or CampaignFactory(**ASKS, price_cents=2_000)
    if not campaign.enrollments.exists():
        enroll(campaign, count=1, credits_cents=10_000)
    lead = LeadFactory(source__workspace=campaign.workspace, phone_hash=NUMBER)
    assert distribute_lead(lead.pk).result == "gated"
    verification = Verification.objects.get(lead=lead)
    call = CallFactory(
        verification=verification,
        lead=lead,
        channel__account__workspace=lead.workspace,
        carrier_sid="CA1000000001",
        phone_hash=NUMBER,
    )
    Verification.objects.filter(pk=verification.pk).update(state="calling", due_at=None)
    Lead.objects.filter(pk=lead.pk).update(status="calling", locked_by=call.owner, locked_at=timezone.now())
    return Call.objects.get(pk=call.pk)


def press(call: Call, *keys: str) -> None:
    """The keys are reported and applied together."""
    for key in keys:
        assert store(Notice("keys", "CA1000000001", key=key), call_id=call.pk)
    apply_new(limit=10)
    waiting = CallNotice.objects.filter(applied_at__isnull=True)
    assert not waiting.exists()


def state_of(call: Call) -> tuple[str, str, str, object]:
    lead = Lead.objects.get(pk=call.lead_id)
    return (lead.status, lead.skip_reason, lead.verification, lead.verified_at)


def codes_of(call: Call) -> list[str]:
    assert call.verification is not None
    return [code for code, _ in events_of(call.verification)]


def is_blocked() -> bool:
    return BlockedPhone.objects.filter(phone_hash=NUMBER, is_opt_out=True).exists()


@pytest.mark.parametrize("key", ["2", "9"])
@pytest.mark.parametrize("is_together", [False, True], ids=["one by one", "together"])
def test_no_after_yes_ends_a_lead_that_is_not_sold_yet(key: str, *, is_together: bool) -> None:
    call = build()
    for keys in [("1", key)] if is_together else [("1",), (key,)]:
        press(call, *keys)

    assert state_of(call) == ENDED
    assert is_blocked() == (key == "9")
    assert Verification.objects.get().state == "declined"
    assert call.verification is not None
    assert events_of(call.verification)[-1] == LATE
    blocked = ["phone_blocked"] if key == "9" else []
    assert codes_of(call) == ["key", "answered", "verified", "key", *blocked, "declined"]
    assert (
        Attempt.objects.filter(lead_id=call.lead_id).latest("number").skip_reason == "verification_declined"
    )
    distribute_lead(call.lead_id or 0)
    with pytest.raises(ActionRefused, match="do not want this"):
        rerun_lead(call.lead_id or 0, at=read_clock())
    assert (Assignment.objects.count(), state_of(call)) == (0, ENDED)
    assert broken(run_verification()) == {}


def test_yes_after_no_changes_nothing() -> None:
    call = build()
    press(call, "9")
    before = (state_of(call), codes_of(call))

    press(call, "1")

    assert (state_of(call), codes_of(call)) == before
    assert (before[0], is_blocked()) == (ENDED, True)


def test_no_after_no_is_told_once() -> None:
    call = build()
    press(call, "2")

    press(call, "9")

    assert (state_of(call), is_blocked(), codes_of(call).count("declined")) == (ENDED, True, 1)


def test_no_after_the_call_has_ended() -> None:
    call = build()
    press(call, "1")
    store(Notice("status", "CA1000000001", "completed", 4), call_id=call.pk)
    apply_new(limit=10)

    press(call, "9")

    call.refresh_from_db()
    assert (call.outcome, state_of(call), is_blocked()) == ("opted_out", ENDED, True)


def test_sold_lead_stays_sold_and_is_sold_to_nobody_else() -> None:
    call = build()
    press(call, "1")
    assert distribute_lead(call.lead_id or 0).result == "success"

    press(call, "9")

    assert state_of(call) == ("distributed", "", "declined", None)
    assert (is_blocked(), Verification.objects.get().state) == (True, "verified")
    assert call.verification is not None
    assert events_of(call.verification)[-1] == LATE
    assert Assignment.objects.get().state == "sold"
    assert broken(run_verification()) == {}


def test_offer_ends_with_its_lead() -> None:
    call = build(offering_campaign(buyers=1, **ASKS))
    press(call, "1")
    assert distribute_lead(call.lead_id or 0).result == "offered"

    press(call, "9")

    assert state_of(call) == ENDED
    assert Offer.objects.get().state == "closed"
    assert broken(run_verification()) == {}


@pytest.mark.parametrize("is_auction", [False, True], ids=["push", "auction"])
def test_no_further_buyer_is_asked(*, is_auction: bool) -> None:
    """A buyer's system has the lead: its answer counts, and no other buyer is asked after it."""
    if is_auction:
        campaign = auction_campaign(**ASKS, sells_on="acceptance")
        places = [bidder(campaign, url=f"https://buyer{each}.example.com/bids") for each in range(2)]
    else:
        campaign = CampaignFactory(**ASKS, price_cents=2_000, sells_on="acceptance")
        places = enroll(campaign, count=2, credits_cents=10_000)
    for place in places:
        EndpointFactory(buyer=place.buyer)
    call = build(campaign)
    press(call, "1")
    lead = Lead.objects.get(pk=call.lead_id)
    outcome = distribute_lead(lead.pk)
    if is_auction:
        for place in places:
            answer(lead, place, 3_000)
        outcome = close(lead)
    assert outcome.result == "posting"

    press(call, "9")
    assert state_of(call) == ("posting", "", "declined", None)
    at = timezone.now() + timedelta(seconds=1)
    reject(open_hold(lead), at=at)
    distribute_lead(lead.pk, at=at)

    assert (state_of(call), Assignment.objects.filter(state="held").count()) == (ENDED, 0)
    assert broken(run_verification()) == {}


def test_lead_that_one_of_two_buyers_has_ends_as_sold() -> None:
    campaign = offering_campaign(buyers=2, max_buyers=2, **ASKS)
    call = build(campaign)
    press(call, "1")
    assert distribute_lead(call.lead_id or 0).result == "offered"
    offer, (first, second) = Offer.objects.get(), buyers_of(campaign)
    claim_offer(offer.public_id, buyer_id=first)

    press(call, "9")

    assert state_of(call) == ("distributed", "", "declined", None)
    with pytest.raises(OfferEnded):
        claim_offer(offer.public_id, buyer_id=second)
    assert Assignment.objects.get().buyer_id == first
    assert Verification.objects.get().state == "verified"
    assert broken(run_verification()) == {}


def test_lead_that_could_not_be_verified_is_not_verified_by_hand() -> None:
    call = build()
    Lead.objects.filter(pk=call.lead_id).update(
        status="failed", skip_reason="not_verified", locked_by="", locked_at=None, finished_at=timezone.now()
    )

    press(call, "9")

    assert state_of(call) == ("failed", "not_verified", "declined", None)
    with pytest.raises(ActionRefused, match="do not want this"):
        verify_by_hand(call.lead_id or 0, at=read_clock(), by=Operator("maria", "they wrote an email"))
    assert is_blocked()


def test_later_call_of_the_lead_is_hung_up() -> None:
    """A key of the first call comes while the second one is out."""
    call = build()
    Call.objects.filter(pk=call.pk).update(
        state="ended", outcome="no_input", ended_at=timezone.now(), next_check_at=None, phone_hash=None
    )
    later = CallFactory(
        verification=call.verification, lead=call.lead, channel=call.channel, phone_hash=NUMBER
    )
    Lead.objects.filter(pk=call.lead_id).update(locked_by=later.owner)
    Call.objects.filter(pk=call.pk).update(phone_hash=NUMBER)

    press(call, "9")
    assert (state_of(call), is_blocked()) == (ENDED, True)

    hang_up_left_behind(limit=10, at=timezone.now())
    later.refresh_from_db()
    assert later.hang_up_at is not None


def test_other_lead_of_the_phone_is_not_called() -> None:
    call = build()
    other = VerificationFactory(
        lead__source__workspace=call.workspace,
        lead__phone_hash=NUMBER,
        lead__phone="+14045550101",
        lead__zip="30312",
        lead__state="GA",
    )
    press(call, "1", "9")
    Call.objects.filter(pk=call.pk).update(
        state="ended", outcome="opted_out", ended_at=timezone.now(), next_check_at=None
    )

    result = begin_call(other.pk)

    assert isinstance(result, NotBegun)
    assert result.reason in ("phone_blocked", "outside_calling_hours")


def test_lead_that_is_being_decided_is_looked_at_again() -> None:
    """Its lock comes before that of the call, so the report does not wait for it: nothing of the report is lost."""
    call = build()
    press(call, "1")
    store(Notice("keys", "CA1000000001", key="9"), call_id=call.pk)
    with holding("SELECT FROM routing_lead WHERE id = %s FOR UPDATE", [call.lead_id]):
        first = InboxPass().run(limit=10)
        assert (first.reports, first.is_left, is_blocked()) == (0, True, False)

    apply_new(limit=10)

    assert (state_of(call), is_blocked()) == (ENDED, True)
