"""Every way in which a lead can end or change while its person waits for a call, or is called."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.db import transaction

from distribution.attempts.distribute import distribute_lead
from distribution.calls.begin import Begun, NotBegun, begin_call
from distribution.calls.checking import check_due
from distribution.calls.dialing import start_request
from distribution.calls.hearing import hear
from distribution.calls.locks import lock_call
from distribution.calls.states import Said
from distribution.models import Call, CallEvent, Campaign, CarrierAccount, Channel, Verification
from distribution.verify import run_verification
from routing.dispatch.pauses import switch
from routing.leads.actions import (
    ActionRefused,
    LeadRunning,
    Operator,
    cancel_lead,
    cancel_sent_lead,
    dispatch_now,
    give_up_lead,
    pause_lead,
    rerun_lead,
)
from routing.models import Lead
from routing.reconcile import find_reconciler, run_reconciler
from tests.functional.verify.world import broken
from tests.support.assigning import assign_by_hand
from tests.support.factories import CallFactory, ChannelFactory, EnrollmentFactory
from tests.support.listened import listening
from tests.support.waiting_leads import AT, let_wait

pytestmark = pytest.mark.usefixtures("committed_db")

MINUTE: Final = timedelta(minutes=1)
LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)
ANN: Final = Operator(name="ann", reason="the sender asked")


def called(**changes: Any) -> Call:
    """A call that is out, with a carrier's id."""
    made = CallFactory(state="ringing", carrier_sid="CA1", dial="placed", **changes)
    return Call.objects.get(pk=made.pk)


def end(call: Call, status: str, *, at: datetime = AT) -> None:
    with transaction.atomic():
        hear(lock_call(call.pk), Said(status), by="webhook", at=at)
    call.refresh_from_db()


def press(call: Call, key: str, *, at: datetime = AT) -> None:
    with transaction.atomic():
        hear(lock_call(call.pk), Said("in-progress", key=key), by="webhook", at=at)
    call.refresh_from_db()


def lead_of(row: Call | Verification) -> Lead:
    assert row.lead_id is not None
    return Lead.objects.get(pk=row.lead_id)


def assert_is_hung_up(call: Call) -> None:
    call.refresh_from_db()
    assert call.hang_up_at is not None
    assert (call.next_check_at, call.ended_at) == (call.hang_up_at, None)
    events = CallEvent.objects.filter(call_id=call.pk, code="hung_up")
    assert [(each.data, each.verification_id) for each in events] == [
        ({"why": "lead_moved_on"}, call.verification_id)
    ]


def test_canceled_lead_is_not_called() -> None:
    waiting = let_wait(ChannelFactory())

    assert cancel_lead(waiting.lead_id, at=AT, by=ANN)

    waiting.refresh_from_db()
    assert (waiting.state, waiting.due_at) == ("closed", None)
    assert begin_call(waiting.pk, at=AT) == NotBegun("not_gated")
    assert broken(run_verification()) == {}


def test_lead_canceled_while_it_is_called_hangs_up() -> None:
    call = called()

    with listening() as heard:
        cancel_lead(lead_of(call).pk, at=AT, by=ANN)
        assert heard() == 1

    assert lead_of(call).status == "cancelled"
    assert_is_hung_up(call)
    assert broken(run_verification()) == {}
    end(call, "canceled")
    assert (call.outcome, lead_of(call).status) == ("canceled", "cancelled")
    assert broken(run_verification()) == {}


def test_confirmation_after_the_sender_canceled_changes_nothing() -> None:
    call = called()
    lead = lead_of(call)

    cancel_sent_lead(lead.public_id, source_id=lead.source_id, reason="sold elsewhere")
    press(call, "1")

    lead.refresh_from_db()
    assert (lead.status, lead.verification, lead.cancel_reason) == ("cancelled", "", "sold elsewhere")
    assert (call.key, call.outcome, call.ended_at) == ("1", "", None)


def test_call_of_a_lead_canceled_before_the_request_is_not_requested() -> None:
    waiting = let_wait(ChannelFactory())
    begun = begin_call(waiting.pk, at=AT)
    assert isinstance(begun, Begun)

    cancel_lead(waiting.lead_id, at=AT, by=ANN)

    assert start_request(begun) is None
    assert check_due(limit=10, get_carrier=refuse_carrier) == 1
    call = Call.objects.get()
    assert (call.state, call.outcome, call.dialed_at) == ("ended", "not_placed", None)
    assert broken(run_verification()) == {}


def refuse_carrier(_: CarrierAccount) -> Any:
    message = "the carrier must not be asked"
    raise AssertionError(message)


@pytest.mark.parametrize("key", ["1", "2", "9"])
def test_call_whose_key_has_decided_is_not_hung_up(key: str) -> None:
    call = called()

    press(call, key)

    assert call.hang_up_at is None
    assert lead_of(call).status == ("pending" if key == "1" else "failed")
    assert broken(run_verification()) == {}


def test_gated_lead_expires() -> None:
    waiting = let_wait(ChannelFactory(), lead__expires_at=LONG_AGO)

    assert run_reconciler(find_reconciler("expiry"), fix=True).repaired == 1

    waiting.refresh_from_db()
    assert (lead_of(waiting).status, waiting.state) == ("expired", "closed")
    assert broken(run_verification()) == {}


def test_called_lead_expires_after_its_call() -> None:
    call = called(verification__lead__expires_at=AT - MINUTE)
    assert run_reconciler(find_reconciler("expiry"), fix=True).found == 0

    end(call, "busy")

    assert lead_of(call).status == "gated"
    assert run_reconciler(find_reconciler("expiry"), fix=True).repaired == 1
    assert lead_of(call).status == "expired"
    assert call.hang_up_at is None
    assert broken(run_verification()) == {}


def test_lead_that_was_confirmed_after_it_expired_is_not_sold() -> None:
    call = called(verification__lead__expires_at=AT - MINUTE)

    press(call, "1")

    assert distribute_lead(lead_of(call).pk, at=AT).result == "expired"
    assert lead_of(call).status == "expired"
    assert broken(run_verification()) == {}


def make_gated() -> Lead:
    return lead_of(let_wait(ChannelFactory()))


def make_called() -> Lead:
    return lead_of(called())


REFUSED: Final = {
    "rerun": lambda lead: rerun_lead(lead.pk, at=AT, by=ANN),
    "pause": lambda lead: pause_lead(lead.pk, at=AT, by=ANN),
    "give_up": lambda lead: give_up_lead(lead.pk, at=AT, by=ANN),
    "dispatch_now": lambda lead: dispatch_now(lead.public_id, source_id=lead.source_id, at=AT),
    "assign_by_hand": lambda lead: sell_by_hand(lead),
}
FIRST: Final = "its person must be verified first"
TO_END: Final = "its person is being called; wait until the call has ended"
REASONS: Final = {
    "rerun": (FIRST, TO_END),
    "pause": (
        "it is not waiting to be sold: waiting for verification",
        "it is not waiting to be sold: being called",
    ),
    "give_up": (
        "it is not waiting for a retry: waiting for verification",
        "it is not waiting for a retry: being called",
    ),
    "dispatch_now": (FIRST, TO_END),
    "assign_by_hand": (
        "the lead is waiting for verification",
        "the lead is being called",
    ),
}


def sell_by_hand(lead: Lead) -> object:
    enrollment = EnrollmentFactory(campaign__workspace=lead.workspace, buyer__credits_cents=10_000)
    return assign_by_hand(lead.pk, enrollment_id=enrollment.pk, at=AT)


@pytest.mark.parametrize("action", REFUSED)
@pytest.mark.parametrize("make", [make_gated, make_called])
def test_action_is_refused_until_the_person_is_verified(action: str, make: Callable[[], Lead]) -> None:
    lead = make()
    before = Lead.objects.filter(pk=lead.pk).values().get()

    with pytest.raises(ActionRefused) as refused:
        REFUSED[action](lead)

    assert str(refused.value) == REASONS[action][make is make_called]
    assert isinstance(refused.value, LeadRunning) is (action == "dispatch_now")
    assert Lead.objects.filter(pk=lead.pk).values().get() == before
    assert Verification.objects.filter(lead=lead, ended_at__isnull=True).count() == 1


def test_lead_that_was_not_verified_is_called_again_after_a_rerun() -> None:
    waiting = let_wait(ChannelFactory(), campaign__active=True)
    EnrollmentFactory(campaign=waiting.campaign, buyer__credits_cents=10_000)
    Lead.objects.filter(pk=waiting.lead_id).update(phone="", phone_hash=None)
    assert begin_call(waiting.pk, at=AT) == NotBegun("no_phone")
    lead = lead_of(waiting)
    assert (lead.status, lead.skip_reason) == ("failed", "not_callable")

    assert rerun_lead(lead.pk, at=AT, by=ANN)
    assert distribute_lead(lead.pk, at=AT).result == "gated"

    states = Verification.objects.filter(lead=lead).order_by("pk").values_list("state", "tries")
    assert list(states) == [("unverified", 0), ("waiting", 0)]
    assert broken(run_verification()) == {}


@pytest.mark.parametrize("is_product", [True, False], ids=["product", "workspace"])
def test_pause_holds_calls_back_and_its_end_is_heard_at_once(*, is_product: bool) -> None:
    waiting = let_wait(ChannelFactory())
    name = None if is_product else waiting.workspace_id
    switch(name, to=AT, actor="ann", reason="test")

    paused = begin_call(waiting.pk, at=AT)

    assert paused == NotBegun("product_paused" if is_product else "workspace_paused")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.due_at) == ("waiting", AT)
    with listening() as heard:
        switch(name, to=None, actor="ann", reason="test")
        assert heard() == 1
    assert isinstance(begin_call(waiting.pk, at=AT), Begun)
    assert broken(run_verification()) == {}


def test_pause_leaves_the_call_that_is_out_alone() -> None:
    call = called()
    switch(None, to=AT, actor="ann", reason="test")

    press(call, "1")

    lead = lead_of(call)
    assert (lead.status, lead.verification, call.hang_up_at) == ("pending", "call", None)
    assert broken(run_verification()) == {}


WAKES: Final[dict[str, Callable[[Channel], object]]] = {
    "lines": lambda channel: Channel.objects.filter(pk=channel.pk).update(lines=5),
    "pace": lambda channel: Channel.objects.filter(pk=channel.pk).update(calls_per_minute=90),
    "account pace": lambda channel: CarrierAccount.objects.filter(pk=channel.account_id).update(
        calls_per_second=9
    ),
}
OPENS: Final[dict[str, tuple[Callable[[Channel], object], Callable[[Channel], object]]]] = {
    "channel enabled": (
        lambda channel: Channel.objects.filter(pk=channel.pk).update(is_enabled=False),
        lambda channel: Channel.objects.filter(pk=channel.pk).update(is_enabled=True),
    ),
    "flag taken away": (
        lambda channel: Channel.objects.filter(pk=channel.pk).update(flagged_at=AT, flag_reason="spam"),
        lambda channel: Channel.objects.filter(pk=channel.pk).update(flagged_at=None, flag_reason=""),
    ),
    "account enabled": (
        lambda channel: CarrierAccount.objects.filter(pk=channel.account_id).update(is_enabled=False),
        lambda channel: CarrierAccount.objects.filter(pk=channel.account_id).update(is_enabled=True),
    ),
    "account started": (
        lambda channel: CarrierAccount.objects.filter(pk=channel.account_id).update(
            stopped_at=AT, stop_code="20003"
        ),
        lambda channel: CarrierAccount.objects.filter(pk=channel.account_id).update(
            stopped_at=None, stop_code=""
        ),
    ),
}


@pytest.mark.parametrize("name", WAKES)
def test_more_lines_or_a_faster_pace_are_heard_at_once(name: str) -> None:
    channel = ChannelFactory(lines=2, calls_per_minute=60, account__calls_per_second=1)

    with listening() as heard:
        WAKES[name](channel)
        assert heard() == 1


@pytest.mark.parametrize("name", OPENS)
def test_channel_or_account_that_may_call_again_is_heard_at_once(name: str) -> None:
    stop, start = OPENS[name]
    channel = ChannelFactory()

    with listening() as heard:
        stop(channel)
        assert heard() == 0
        start(channel)
        assert heard() == 1


def test_own_writes_of_a_dialer_wake_no_dialer() -> None:
    channel = ChannelFactory()

    with listening() as heard:
        Channel.objects.filter(pk=channel.pk).update(next_dial_at=AT, last_dialed_at=AT)
        CarrierAccount.objects.filter(pk=channel.account_id).update(next_dial_at=AT)
        assert heard() == 0


LATER: Final = datetime(2099, 1, 1, tzinfo=UTC)
LETS_GO: Final = {
    "off": {"active": False},
    "asks no more": {"verification": "none"},
    "proof is enough": {"verification": "unless_consent", "consent_kind": "token"},
}


@pytest.mark.parametrize("change", LETS_GO.values(), ids=LETS_GO)
def test_lead_goes_on_at_once_when_its_campaign_no_longer_asks(change: dict[str, Any]) -> None:
    waiting = let_wait(ChannelFactory(), due_at=LATER, lead__consent={"token": "https://cert.example/1"})

    with listening() as heard:
        Campaign.objects.filter(pk=waiting.campaign_id).update(**change)
        assert heard() == 1

    assert begin_call(waiting.pk) == NotBegun("not_asked")
    lead = lead_of(waiting)
    assert (lead.status, lead.due_reason, lead.verification) == ("pending", "verification_ended", "")
    assert broken(run_verification()) == {}


KEEPS: Final = {
    "still asks": {"verification": "unless_consent", "consent_kind": "given_at"},
    "other price": {"unverified_percent": 50},
}


@pytest.mark.parametrize("change", KEEPS.values(), ids=KEEPS)
def test_wait_after_a_call_is_not_cut_short_by_another_change(change: dict[str, Any]) -> None:
    waiting = let_wait(
        *(ChannelFactory(),),
        due_at=LATER,
        reason="no_answer",
        lead__consent={"token": "https://cert.example/1"},
    )

    Campaign.objects.filter(pk=waiting.campaign_id).update(**change)

    waiting.refresh_from_db()
    assert (waiting.state, waiting.due_at, waiting.reason) == ("waiting", LATER, "no_answer")


def test_campaign_that_lets_go_leaves_the_call_that_is_out_alone() -> None:
    call = called()
    Campaign.objects.update(verification="none")

    end(call, "busy")

    verification = Verification.objects.get()
    assert (verification.state, call.hang_up_at) == ("waiting", None)
    assert run_reconciler(find_reconciler("verifications"), fix=True).repaired == 1
    assert lead_of(call).status == "pending"
