"""Beginning a call: each condition on its own, what the lead waits for, and what is committed before the request."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distribution.calls.begin import Begun, NotBegun, begin_call
from distribution.models import BlockedPhone, Call, CallingHours, CarrierAccount, Channel, Verification
from routing.models import DispatchControl, Lead, Workspace
from tests.support.factories import CallFactory, CallPolicyFactory, ChannelFactory
from tests.support.waiting_leads import AT, events_of, let_wait

pytestmark = pytest.mark.usefixtures("committed_db")

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def state_of(verification: Verification) -> tuple[Any, ...]:
    verification.refresh_from_db()
    return (verification.state, verification.due_at, verification.reason, verification.tries)


def test_call_is_committed_before_its_request() -> None:
    channel = ChannelFactory(lines=2)
    waiting = let_wait(channel)

    begun = begin_call(waiting.pk, at=AT)

    assert isinstance(begun, Begun)
    call = Call.objects.get()
    assert (begun.call_id, begun.public_id, begun.to, begun.from_number) == (
        *(call.pk, call.public_id, "+14045550101", channel.number),
    )
    assert (call.state, call.dial, call.dialed_at, call.outcome, call.ended_at) == (
        "created",
        "",
        None,
        "",
        None,
    )
    assert (call.channel_id, call.account_id, call.workspace_id) == (
        *(channel.pk, channel.account_id, channel.workspace_id),
    )
    assert (call.kind, call.number, call.ring_seconds, call.time_limit_seconds) == (
        "verification",
        1,
        28,
        120,
    )
    assert (call.phone_hash, call.next_check_at) == (waiting.lead.phone_hash, AT + timedelta(seconds=60))
    assert state_of(waiting) == ("calling", None, "", 1)
    lead = Lead.objects.get()
    assert (lead.status, lead.locked_by, lead.locked_at) == ("calling", f"call:{call.public_id}", AT)
    assert events_of(waiting) == [("placing", {"channel": str(channel.public_id), "number": 1})]


def test_pace_of_account_and_channel_is_moved() -> None:
    channel = ChannelFactory(lines=5, calls_per_minute=600, account__calls_per_second=20)
    first, second = let_wait(channel), let_wait(channel, phone="+14045550102")

    begun = begin_call(first.pk, at=AT)
    assert isinstance(begun, Begun)
    assert begun.wait_seconds == 0
    channel.refresh_from_db()
    assert (channel.next_dial_at, channel.last_dialed_at) == (AT + timedelta(milliseconds=100), AT)
    assert CarrierAccount.objects.get().next_dial_at == AT + timedelta(milliseconds=50)

    later = begin_call(second.pk, at=AT + timedelta(milliseconds=20))
    assert isinstance(later, Begun)
    assert later.wait_seconds == pytest.approx(0.08)


def test_begin_takes_at_most_15_statements() -> None:
    waiting = let_wait(ChannelFactory())

    with CaptureQueriesContext(connection) as captured:
        assert isinstance(begin_call(waiting.pk, at=AT), Begun)

    statements = [
        query["sql"] for query in captured.captured_queries if query["sql"] not in ("BEGIN", "COMMIT")
    ]
    assert len(statements) <= 15, statements


def change(model: Any, **values: Any) -> None:
    model.objects.update(**values)


@pytest.mark.parametrize(
    ("prepare", "reason", "due_at"),
    [
        (lambda: change(Workspace, paused_at=AT), "workspace_paused", AT),
        (
            lambda: DispatchControl.objects.update_or_create(pk=1, defaults={"paused_at": AT}),
            "product_paused",
            AT,
        ),
        (lambda: change(Channel, is_enabled=False), "no_channel", AT),
        (lambda: change(Channel, flagged_at=AT, flag_reason="a person said so"), "no_channel", AT),
        (lambda: change(CarrierAccount, is_enabled=False), "account_stopped", AT),
        (lambda: change(CarrierAccount, stopped_at=AT, stop_code="queue_full"), "account_stopped", AT),
        (
            lambda: CallFactory(channel=Channel.objects.get(), account=CarrierAccount.objects.get()),
            "no_line",
            AT,
        ),
        (
            lambda: change(Channel, hours={"mon": [["12:00", "17:00"]]}),
            "channel_closed",
            AT + timedelta(hours=2),
        ),
        # Ringing and the carrier's queue last 63 seconds: it closes in between.
        (
            lambda: change(Channel, hours={"mon": [["09:00", "10:00"]], "tue": [["09:00", "10:00"]]}),
            "channel_closed",
            AT + timedelta(hours=23),
        ),
    ],
)
def test_lead_waits_in_the_queue(prepare: Any, reason: str, due_at: Any) -> None:
    waiting = let_wait(ChannelFactory(lines=1))
    prepare()
    calls = Call.objects.count()

    begun = begin_call(waiting.pk, at=AT)

    moved = due_at if due_at != AT else None
    assert begun == NotBegun(reason, moved)
    assert state_of(waiting) == ("waiting", due_at, reason, 0)
    assert Lead.objects.get(pk=waiting.lead_id).status == "gated"
    assert Call.objects.count() == calls
    due = {"due_at": due_at.isoformat()} if moved else {}
    assert events_of(waiting) == [("waits", {"reason": reason, **due})]
    assert Channel.objects.get().next_dial_at is None


def test_same_reason_is_told_once() -> None:
    waiting = let_wait(ChannelFactory(is_enabled=False))

    for _ in range(3):
        assert begin_call(waiting.pk, at=AT) == NotBegun("no_channel")

    assert events_of(waiting) == [("waits", {"reason": "no_channel"})]


@pytest.mark.parametrize("pace", ["account", "channel"])
def test_paced_lead_is_not_touched(pace: str) -> None:
    waiting = let_wait(ChannelFactory())
    slot = AT + timedelta(seconds=1)
    change(CarrierAccount if pace == "account" else Channel, next_dial_at=slot)

    assert begin_call(waiting.pk, at=AT) == NotBegun("paced")

    assert (state_of(waiting), events_of(waiting)) == (("waiting", AT, "", 0), [])


def test_outside_hours_lead_waits_for_the_first_minutes_of_the_opening() -> None:
    late = AT.replace(hour=3) + DAY  # 10 pm on Monday
    waiting = let_wait(ChannelFactory())

    begun = begin_call(waiting.pk, at=late)

    assert isinstance(begun, NotBegun)
    opens_at = late.replace(hour=13)  # 8 am on Tuesday
    assert begun.reason == "outside_calling_hours"
    assert begun.due_at is not None
    assert opens_at <= begun.due_at < opens_at + 10 * MINUTE
    assert state_of(waiting) == ("waiting", begun.due_at, "outside_calling_hours", 0)
    [(code, data)] = events_of(waiting)
    assert (code, data["reason"], data["place"]) == (
        *("waits", "outside_calling_hours"),
        "By the ZIP code, Georgia: 8 am to 9 pm; it is 10:00 pm there",
    )


def test_phone_still_rings_within_the_hours() -> None:
    last = AT.replace(hour=2, minute=0) + DAY  # 9 pm
    waiting = let_wait(ChannelFactory())

    assert isinstance(begin_call(waiting.pk, at=last - timedelta(seconds=63)), NotBegun)
    Verification.objects.update(due_at=AT)
    assert isinstance(begin_call(waiting.pk, at=last - timedelta(seconds=64)), Begun)


@pytest.mark.parametrize(
    ("lead", "prepare", "reason", "place"),
    [
        ({"lead__phone": "", "lead__phone_hash": None}, None, "no_phone", ""),
        ({"lead__zip": ""}, None, "no_timezone", "The lead has no ZIP code"),
        ({"lead__phone": "+18005550101"}, None, "no_timezone", "The phone's area code belongs to no place"),
        (
            *({}, lambda: CallingHours.objects.filter(state="GA").delete(), "no_calling_hours"),
            "By the ZIP code, Georgia: no calling hours are set",
        ),
    ],
)
def test_lead_that_can_never_be_called_ends(
    lead: dict[str, Any], prepare: Any, reason: str, place: str
) -> None:
    waiting = let_wait(ChannelFactory(), **lead)
    rows = list(CallingHours.objects.filter(state="GA"))
    if prepare:
        prepare()

    try:
        assert begin_call(waiting.pk, at=AT) == NotBegun(reason)
    finally:
        CallingHours.objects.bulk_create(rows, ignore_conflicts=True)

    assert (state_of(waiting)[0], waiting.reason, waiting.ended_at) == ("unverified", reason, AT)
    found = Lead.objects.get()
    assert (found.status, found.skip_reason) == ("failed", "not_callable")
    *before, last = events_of(waiting)
    assert last == ("gave_up", {"reason": reason, "end": "fail"})
    assert [(code, data["reason"]) for code, data in before] == ([("waits", reason)] if place else [])
    assert all(data["place"].startswith(place) for _, data in before)


def test_blocked_phone_is_never_called() -> None:
    waiting = let_wait(ChannelFactory(), campaign__unverified_end="person")
    BlockedPhone.objects.create(
        workspace=waiting.workspace, phone_hash=waiting.lead.phone_hash, reason="asked for it"
    )

    assert begin_call(waiting.pk, at=AT) == NotBegun("phone_blocked")

    assert (state_of(waiting), Lead.objects.get().status) == (("person", None, "phone_blocked", 0), "gated")


def test_block_of_another_workspace_does_not_count() -> None:
    waiting = let_wait(ChannelFactory())
    other = ChannelFactory().workspace
    BlockedPhone.objects.create(workspace=other, phone_hash=waiting.lead.phone_hash, reason="asked for it")

    assert isinstance(begin_call(waiting.pk, at=AT), Begun)


@pytest.mark.parametrize(("consent", "is_called"), [({}, False), ({"token": "https://cert.example/1"}, True)])
def test_campaign_that_needs_consent(consent: dict[str, str], is_called: bool) -> None:  # noqa: FBT001
    waiting = let_wait(ChannelFactory(), lead__consent=consent)
    CallPolicyFactory(campaign=waiting.campaign, needs_consent=True, ring_seconds=20)

    begun = begin_call(waiting.pk, at=AT)

    assert begun == NotBegun("no_consent") if not is_called else isinstance(begun, Begun)


@pytest.mark.parametrize(
    "campaign", [{"verification": "none"}, {"active": False}, {"verification": "unless_consent"}]
)
def test_lead_goes_on_if_its_campaign_does_not_ask_any_more(campaign: dict[str, Any]) -> None:
    waiting = let_wait(ChannelFactory(), lead__consent={"token": "https://cert.example/1"})
    type(waiting.campaign).objects.update(**campaign)

    assert begin_call(waiting.pk, at=AT) == NotBegun("not_asked")

    found = Lead.objects.get()
    assert (found.status, found.next_attempt_at, found.verification) == ("pending", AT, "")
    assert state_of(waiting)[0] == "closed"
    assert Call.objects.count() == 0


def test_phone_in_another_call_is_tried_again_soon() -> None:
    waiting = let_wait(ChannelFactory())
    CallFactory(phone_hash=waiting.lead.phone_hash)

    assert begin_call(waiting.pk, at=AT) == NotBegun("phone_in_call", AT + timedelta(seconds=30))


def test_expired_lead_is_not_called() -> None:
    waiting = let_wait(ChannelFactory(), lead__expires_at=AT)

    assert begin_call(waiting.pk, at=AT) == NotBegun("", AT + 5 * MINUTE)
    assert events_of(waiting) == []


@pytest.mark.parametrize(
    ("lead", "verification", "result"),
    [
        ({"status": "cancelled", "finished_at": AT}, {}, NotBegun("not_gated")),
        ({}, {"due_at": AT + MINUTE}, NotBegun("not_due", AT + MINUTE)),
        ({}, {"state": "person", "due_at": None}, NotBegun("not_due")),
    ],
)
def test_stale_pick_does_nothing(
    lead: dict[str, Any], verification: dict[str, Any], result: NotBegun
) -> None:
    waiting = let_wait(ChannelFactory())
    if lead:
        Lead.objects.update(**lead)
    if verification:
        Verification.objects.update(**verification)

    assert begin_call(waiting.pk, at=AT) == result
    assert (events_of(waiting), Call.objects.count()) == ([], 0)
