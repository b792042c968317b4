"""The demo's leads wait for a call where people may be called, and its carrier answers as the story says."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.calls.begin import Begun, begin_call
from distribution.calls.dialing import dial
from distribution.models import CarrierAccount, Channel, Verification
from leadswitch.carrier_beside import prepare_channel
from leadswitch.demo import calls
from leadswitch.demo.calls import PEOPLE, PLACES, Called, build, call_again_now, find_open_place
from leadswitch.demo.calls_story import tell
from leadswitch.fake_carrier import ACCOUNT_SID, running_carrier
from routing.models import Lead, Workspace
from tests.support.calling import Office
from tests.support.delivering import local_client
from tests.support.factories import LeadFactory, SourceFactory, VerificationFactory, WorkspaceFactory, person
from tests.support.waiting_leads import AT

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
NIGHT = MONDAY.replace(hour=11, minute=30)


@pytest.mark.django_db
def test_people_of_the_demo_may_be_called_at_every_hour_but_one() -> None:
    hours = [MONDAY + timedelta(hours=hour, minutes=30) for hour in range(24)]
    assert [at for at in hours if find_open_place(at) is None] == [NIGHT]


@pytest.mark.django_db
def test_story_says_why_nobody_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "find_open_place", lambda _at: None)
    with running_carrier() as carrier:
        called = calls.play_with(carrier, None, address="")  # type: ignore[arg-type]
    assert called == Called(why=calls.NO_HOURS)
    assert tell(called).startswith("No place of the demo has calling hours now.")


@pytest.mark.usefixtures("committed_db")
def test_lead_of_the_demo_waits_and_is_called(settings: object) -> None:
    settings.LEADSWITCH_BASE_URL = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    workspace = WorkspaceFactory()
    with running_carrier() as carrier, closing(local_client()) as outbound:
        channel = build(workspace, place=PLACES[0], api_url=carrier.api_url)
        carrier.set_callees("+14045550104", *PEOPLE[-1].callees)
        contact = {**person(phone="+14045550104"), "zip": "30312", "state": "GA"}
        lead = LeadFactory(source=SourceFactory(workspace=workspace), vertical=calls.VERTICAL, **contact)
        assert distribute_lead(lead.pk).result == "gated"
        Verification.objects.update(due_at=AT)

        begun = begin_call(Verification.objects.get().pk, at=AT)
        assert isinstance(begun, Begun)
        dialed = dial(begun, carrier_of=Office(cast("Any", carrier), outbound, channel).get_carrier)

    assert dialed is not None
    assert (dialed.outcome, dialed.problem) == ("not_placed", "invalid_phone")
    lead = Lead.objects.get()
    assert (lead.status, lead.skip_reason) == ("failed", "not_callable")
    assert channel.lines == 3


@pytest.mark.django_db
def test_story_says_where_how_fast_and_how_it_ended() -> None:
    ends = {
        "ada": ("verified", "distributed", ""),
        "ben": ("declined", "failed", "verification_declined"),
        "cleo": ("verified", "distributed", ""),
        "dan": ("unverified", "failed", "not_verified"),
        "eva": ("unverified", "failed", "not_callable"),
    }
    leads = {name: end_lead(*end) for name, end in ends.items()}

    printed = tell(Called(leads, place=PLACES[3].name)).splitlines()

    assert printed[:3] == [
        "They live in San Juan, Puerto Rico, where the calling hours allow calls now.",
        "The carrier rings nobody's phone, and its clock runs 25 times faster: its 3 s last 0.1 s.",
        "The campaign allows one call that a machine answers. The default is two, hours apart.",
    ]
    assert (
        "  Declined. The lead is not sold. The person said in a call that they do not want this." in printed
    )
    assert "2 of 5 verified and sold, 1 declined, 2 not verified." in printed
    assert (
        printed[-1] == f"  .venv/bin/python manage.py explain {Lead.objects.get(pk=leads['cleo']).public_id}"
    )


def end_lead(state: str, status: str, reason: str) -> int:
    lead = {"lead__status": status, "lead__skip_reason": reason, "lead__finished_at": AT}
    ended = VerificationFactory(state=state, due_at=None, ended_at=AT, **lead)
    return cast("int", ended.lead_id)


@pytest.mark.django_db
def test_only_a_busy_line_is_called_again_at_once() -> None:
    later = timezone.now() + timedelta(minutes=10)
    busy, voicemail, other = (
        VerificationFactory(due_at=later, reason=reason) for reason in ("busy", "voicemail", "busy")
    )
    call_again_now([busy.lead_id, voicemail.lead_id])
    due = Verification.objects.filter(due_at__lte=timezone.now())
    assert list(due.values_list("pk", flat=True)) == [busy.pk]
    assert other.due_at == later


@pytest.mark.django_db
def test_channel_of_make_up_is_found_again_by_the_next_start() -> None:
    assert "It has 3 lines in the workspace Calls." in prepare_channel("http://127.0.0.1:1001")
    prepare_channel("http://127.0.0.1:1002")

    prepare_channel("http://127.0.0.1:1002")

    account = CarrierAccount.objects.get(is_enabled=True)
    assert (account.api_url, account.account_sid) == ("http://127.0.0.1:1002", ACCOUNT_SID)
    assert Channel.objects.get(is_enabled=True).account == account
    assert (CarrierAccount.objects.count(), Channel.objects.count()) == (2, 2)
    assert Workspace.objects.get().slug == "calls"


@pytest.mark.django_db
def test_channel_of_make_up_is_in_the_oldest_workspace() -> None:
    workspace = WorkspaceFactory()
    WorkspaceFactory()
    prepare_channel("http://127.0.0.1:1001")
    assert Channel.objects.get().workspace == workspace
